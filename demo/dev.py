"""`make dev`: the local Klaviyo and Dagster's web page side by side, until Ctrl+C."""

from __future__ import annotations

import signal
import subprocess
import sys
from types import FrameType
from typing import NoReturn

import click

from demo import customers
from demo.home import DATA, ROOT, environment, prepare_home
from klaviyo_assets.sandbox import serve

STOPPING_S = 60  # what Dagster takes at most to end its own processes


@click.command()
@click.option("--port", default=8025, help="The port of the local Klaviyo.", show_default=True)
@click.option("--web-port", default=3000, help="The port of Dagster's web page.", show_default=True)
@click.option("--home", default="dev", help="The folder below demo/.home that is used, and emptied first.")
def main(port: int, web_port: int, home: str) -> None:
    """Start both, and print where they are."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    prepared = prepare_home(home)
    customers.write_first_refresh(DATA)
    with serve(port=port) as sandbox:
        click.echo(_greeting(sandbox.url, f"http://127.0.0.1:{web_port}"))
        command = [sys.executable, "-m", "dagster", "dev", "--port", str(web_port), "--log-level", "error"]
        sys.exit(_run(command, environment(prepared, sandbox)))


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Run Dagster until it ends, or until we are told to; its exit code."""
    # A session of its own: Ctrl+C reaches Dagster once, from here, and is not ignored where a script started us.
    restore = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    with subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, env=environment, start_new_session=True, preexec_fn=restore
    ) as dagster:
        try:
            return dagster.wait()
        except KeyboardInterrupt:
            dagster.send_signal(signal.SIGINT)
            return dagster.wait(STOPPING_S)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _greeting(klaviyo: str, dagster: str) -> str:
    return f"""
  Dagster:        {dagster}
  local Klaviyo:  {klaviyo}

Materialize all assets in Dagster, look at the lists in the local Klaviyo, and refresh the segments:

  {sys.executable} -m demo.customers second

The sensors see that within half a minute, and the exports follow. Ctrl+C ends both.
"""


if __name__ == "__main__":
    main()

"""`make bench`: new customers from Parquet to a list in the local Klaviyo, at Klaviyo's real limits.

    floor    ready-made bodies, posted by a bare client as fast as the limits allow
    idle     a run of Dagster that does nothing, its start included
    export   the same customers through a run of Dagster: read, mapped, planned, delivered, recorded

What the export spends beyond the two is its own.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx

from benchmarks.customers import write_customers
from benchmarks.floor import measure

KEY = "pk_sandbox_00000000000000000000000000"


@click.command()
@click.option("--count", default=100_000, show_default=True, help="How many customers.")
def main(count: int) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as name, sandbox() as url:
        folder = Path(name)
        write_customers(folder / "customers.parquet", count)
        floor_s = measure(url, KEY, folder / "customers.parquet")
        reset(url)
        idle = run("idle", folder, url)
        export = run("export", folder, url)
        unchanged = run("export", folder, url)
    beyond = export["run_s"] - idle["run_s"] - floor_s
    print(f"\n{count} customers, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"{'':<24}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'requests':>10}")
    print(f"{'floor':<24}{floor_s:>9.2f}")
    for title, figures in (("idle run", idle), ("first delivery", export), ("unchanged", unchanged)):
        requests = figures["report"].get("requests", "")
        print(f"{title:<24}{figures['run_s']:>9.2f}{figures['cpu_s']:>9.2f}{figures['peak_mb']:>9.0f}{requests:>10}")
    print(f"\nbeyond Dagster's own start and the floor: {beyond:.2f} s")
    print(f"first delivery, of the floor and an idle run: {export['run_s'] / (floor_s + idle['run_s']):.2f}")


def run(what: str, folder: Path, url: str) -> dict[str, Any]:
    """One run in a process of its own; its start, imports and all, counts as its time."""
    environment = {
        **os.environ,
        "BENCH_FOLDER": str(folder),
        "DAGSTER_HOME": str(folder),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "KLAVIYO_API_URL": url,
        "KLAVIYO_API_KEY": KEY,
        "KLAVIYO_ASSETS_STORAGE": str(folder / "storage"),
    }
    command = [sys.executable, "-m", "benchmarks.project", what]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-4_000:])
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


@contextmanager
def sandbox() -> Iterator[str]:
    """A local Klaviyo in a process of its own, so that its work is not counted as ours."""
    command = [sys.executable, "-m", "klaviyo_assets.sandbox", "--port", "8035"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield "http://127.0.0.1:8035"
        finally:
            process.terminate()


def reset(url: str) -> None:
    """Empty the local Klaviyo, its limits' windows too."""
    httpx.post(f"{url}/_sandbox/reset", trust_env=False).raise_for_status()


if __name__ == "__main__":
    main()

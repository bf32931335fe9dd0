"""The command that runs a sandbox until it is told to stop. Another command line can mount `sandbox`."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, get_args, get_type_hints

import click

from klaviyo_assets.sandbox.inputs import WrongInput
from klaviyo_assets.sandbox.serving import RunningSandbox, serve
from klaviyo_assets.sandbox.settings import Settings

DEFAULTS = Settings()
Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def _one_of(setting: str, told: str) -> Decorator:
    """The option of a setting that is one of a few values."""
    values = {str(value): value for value in get_args(get_type_hints(Settings)[setting])}
    return click.option(
        f"--{setting.replace('_', '-')}",
        type=click.Choice(list(values)),
        default=str(getattr(DEFAULTS, setting)),
        callback=lambda context, parameter, chosen: values[chosen],
        show_default=True,
        help=told,
    )


@click.command("sandbox")
@click.option("--port", type=click.IntRange(0, 65_535), default=8025, show_default=True, help="0: any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@_one_of("limits", "Klaviyo's rate limits, or none.")
@click.option("--speed", default=1.0, show_default=True, help="Sandbox seconds per real second.")
@click.option("--job-duration", "job_duration_s", default=1.0, show_default=True, help="Seconds of a small bulk job.")
@click.option("--count-lag", "count_lag_s", default=0.0, show_default=True, help="Seconds that profile_count is late.")
@click.option("--throttled-count", is_flag=True, help="Refused requests use up the limits too.")
@click.option("--revision-optional", is_flag=True, help="Requests need no revision header.")
@click.option("--rejoin-moves-date", is_flag=True, help="Joining a list again sets joined_group_at anew.")
@_one_of("duplicate_winner", "Which row counts where a body names a person twice.")
@_one_of("malformed_phone", "A phone number that is none, beside an e-mail address.")
@_one_of("unsupported_phone", "A phone number of an unsupported region, beside an e-mail address.")
@_one_of("bulk_null", "A null in a bulk import.")
@_one_of("unknown_member", "An unknown profile id among members.")
@_one_of("two_people", "A row with an e-mail address and a phone number of two people.")
@_one_of("body_limit", "Bytes of a body.")
@click.option("--seed", default=0, show_default=True, help="Ids and durations are drawn from it.")
def sandbox(
    port: int,
    host: str,
    revision_optional: bool,
    rejoin_moves_date: bool,
    **settings: Any,
) -> None:
    """A Klaviyo to run on this machine: its API, its limits, and a page that shows what arrived."""
    try:
        chosen = Settings(
            revision_required=not revision_optional,
            rejoin_keeps_first=not rejoin_moves_date,
            **settings,
        )
    except WrongInput as mistake:
        raise click.UsageError(str(mistake)) from None
    # Profiles form no cycles: looking for some among a million of them takes a fifth of the time.
    gc.set_threshold(100_000, 50, 100)
    with _until_told() as stop, serve(chosen, host=host, port=port) as running:
        click.echo(_greeting(running))
        stop.wait()


def _greeting(running: RunningSandbox) -> str:
    return (
        f"A local Klaviyo answers at {running.url} (open it in a browser; stop it with Ctrl+C). To send to it:\n\n"
        f"  export KLAVIYO_API_URL={running.url}\n"
        f"  export KLAVIYO_API_KEY={running.key}\n"
    )


@contextmanager
def _until_told() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; who handled them before does so again afterwards."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

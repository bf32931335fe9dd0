"""Many deliveries in one process, and whether its memory stays: `python -m benchmarks.soak`.

A code location of Dagster lives for weeks; what each delivery left behind would end it. The local Klaviyo has a process
of its own, so that what it remembers is not counted. How fast anything is belongs in `run`.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
import dagster as dg
import polars as pl

from benchmarks.local_klaviyo import KEY, local_klaviyo
from klaviyo_assets import Export, KlaviyoConnection, Segment, build_defs

EXPORT_COUNT: Final = 20
ROUND_COUNT: Final = 15
CUSTOMER_COUNT: Final = 2_000
MOST_GROWTH_SHARE: Final = 0.10
MOST_GROWTH_MB: Final = 20.0
_QUIET: Final = "telemetry: {enabled: false}\nnux: {enabled: false}\n"


@click.command()
@click.option("--exports", default=EXPORT_COUNT, show_default=True, help="How many exports.")
@click.option("--rounds", default=ROUND_COUNT, show_default=True, help="How often each is delivered.")
def main(exports: int, rounds: int) -> None:
    """Print the resident memory after each round, and fail where it grew."""
    # It takes everything at once: what is measured is not time.
    options = ("--limits", "off", "--job-duration", "0.05")
    with tempfile.TemporaryDirectory() as name, local_klaviyo(*options) as url:
        os.environ.update(KLAVIYO_API_URL=url, KLAVIYO_API_KEY=KEY)
        os.environ.pop("KLAVIYO_ASSETS_STORAGE", None)
        readings: list[float] = []
        started = time.perf_counter()
        for _ in soak(Path(name), export_count=exports, round_count=rounds):
            readings.append(resident_mb())
            print(f"round {len(readings):>3}{readings[-1]:>9.1f} MB{time.perf_counter() - started:>9.0f} s", flush=True)
    found = growth_mb(readings)
    print(f"\n{exports * rounds} deliveries; from the first third after the warm-up to the last: {found:+.1f} MB")
    sys.exit(1 if is_leak(readings) else 0)


def soak(folder: Path, *, export_count: int, round_count: int, customer_count: int = CUSTOMER_COUNT) -> Iterator[int]:
    """Deliver every export once a round, each time with a few changes; gives the number of the round after it.

    Raises:
        RuntimeError: a delivery failed.
    """
    definitions = declare(folder, export_count)
    (folder / "dagster.yaml").write_text(_QUIET)
    for number in range(round_count):
        write_customers(folder / "customers.parquet", customer_count, number)
        # Opened anew, so that what is measured is ours, and not a connection of Dagster's that grew.
        with dg.DagsterInstance.from_config(str(folder)) as instance:
            _run(definitions, instance, "segments/soak")
            for each in range(export_count):
                key = f"klaviyo/soak_{each}"
                _run(definitions, instance, f"{key}/profiles", f"{key}/rejections", f"{key}/list")
        gc.collect()
        yield number


def declare(folder: Path, export_count: int) -> dg.Definitions:
    """One segment, and so many exports of it that remove leavers, each to a list of its own."""
    consent = {"agreed_by": "ada@example.com", "agreed_on": "2026-11-23"}
    exported: Mapping[str, Any] = {
        "connection": "soak",
        "segments": ["segments/soak"],
        "match": {"email": "EMail"},
        "fields": {"properties": {"value": "value"}},
        "leavers": "remove",
    }
    source = {"type": "parquet", "path": "customers.parquet"}
    names = [f"soak_{number}" for number in range(export_count)]
    return build_defs(
        connections=[KlaviyoConnection.model_validate({"name": "soak", "consent": consent})],
        segments=[Segment.model_validate({"name": "soak", "source": source})],
        exports=[Export.model_validate({"name": name, "list_name": name, **exported}) for name in names],
        project_root=folder,
    )


def write_customers(path: Path, count: int, round_number: int) -> None:
    """The segment in this round: a hundredth of it left, a hundredth came, and a tenth changed."""
    person = pl.int_range(count, dtype=pl.Int64) + round_number * (count // 100)
    changes = person % 10 == round_number % 10
    value = pl.when(changes).then(round_number).otherwise(0)
    pl.select(EMail=pl.format("soak{}@example.com", person), value=value).write_parquet(path)


def resident_mb() -> float:
    """What of this process is in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def growth_mb(readings: Sequence[float]) -> float:
    """From the first third of the readings to the last, in megabytes, without the warm-up."""
    first, last = _thirds(readings)
    return last - first


def is_leak(readings: Sequence[float]) -> bool:
    """Whether memory grew by more than it may, both as a share and in megabytes."""
    first, _ = _thirds(readings)
    growth = growth_mb(readings)
    return growth > MOST_GROWTH_MB and growth > MOST_GROWTH_SHARE * first


def _thirds(readings: Sequence[float]) -> tuple[float, float]:
    """The mean of the first third and of the last, once the process is warm: after a fifth of the readings."""
    warm = readings[max(1, len(readings) // 5) :] or readings
    third = max(1, len(warm) // 3)
    return sum(warm[:third]) / third, sum(warm[-third:]) / third


def _run(definitions: dg.Definitions, instance: dg.DagsterInstance, *keys: str) -> None:
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey.from_user_string(key) for key in keys],
        raise_on_error=False,
    )
    if not result.success:
        steps = [event.step_key for event in result.get_step_failure_events()]
        raise RuntimeError(f"{keys[-1]} was not delivered: {', '.join(map(str, steps))} failed")


if __name__ == "__main__":
    main()

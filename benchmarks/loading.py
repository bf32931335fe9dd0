"""What a process pays before its first row where there are many exports: `python -m benchmarks.loading --count 200`.

Each project is loaded by a process of its own, from the start of the interpreter to the snapshot that a code location
hands to Dagster's page and daemon; and all its sensors are evaluated once, while nothing was refreshed. What the
projects hold is in `many`; how long a delivery takes is in `run`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from benchmarks.measure import Figures, measure
from benchmarks.wording import told_count, told_ratio, told_seconds

KINDS: Final = {
    "bare, Python": {},
    "bare, YAML": {},
    "bare and shared, Python": {},
    "each, Python": {"KLAVIYO_ASSETS_AUTOMATION": "each"},
    "each, YAML": {"KLAVIYO_ASSETS_AUTOMATION": "each"},
    "shared, Python": {"KLAVIYO_ASSETS_AUTOMATION": "shared"},
    "shared, YAML": {"KLAVIYO_ASSETS_AUTOMATION": "shared"},
}
_COLUMNS: Final = ("", "exports", "CPU", "× one", "wall", "peak MB", "sensors", "a tick of all, CPU")


@dataclass(frozen=True)
class Loaded:
    """A project that was loaded, and a round of its sensors.

    Attributes:
        took: by the process that loaded it.
        sensor_count: how many sensors it has.
        tick_cpu_s: what evaluating them all once took.
    """

    took: Figures
    sensor_count: int
    tick_cpu_s: float


@click.command()
@click.option("--count", "counts", type=click.IntRange(1), multiple=True, help="Exports; can be given again.")
@click.option("--only", type=click.Choice(list(KINDS)), multiple=True, help="These projects.")
@click.option("--repeat", default=3, show_default=True, help="How often each is loaded; the least CPU counts.")
def main(counts: tuple[int, ...], only: tuple[str, ...], repeat: int) -> None:
    """Print a table, as Markdown, beside what bare Dagster takes for as many definitions that do nothing."""
    print(f"| {' | '.join(_COLUMNS)} |\n|---|{'--:|' * (len(_COLUMNS) - 1)}", flush=True)
    for kind in only or KINDS:
        one = load(kind, 1, repeat=repeat)
        for count in sorted({1, *(counts or (200,))}):
            found = one if count == 1 else load(kind, count, repeat=repeat)
            print(f"| {' | '.join(_cells(kind, count, found, one))} |", flush=True)


def load(kind: str, count: int, *, repeat: int) -> Loaded:
    """Load a project in processes of their own, and evaluate its sensors in the last."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            **os.environ,
            **KINDS[kind],
            "DAGSTER_HOME": str(folder),
            "PYTHONPATH": os.pathsep.join(_paths(folder)),
        }
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.loading_program", kind, str(count), str(folder)]
        measure([*command, "write"], environment=environment)
        took = min((measure(command, environment=environment) for _ in range(repeat)), key=lambda each: each.cpu_s)
        measure([*command, "tick"], environment=environment)
        told = json.loads((folder / "ticks.json").read_text())
        return Loaded(took=took, sensor_count=told["sensor_count"], tick_cpu_s=told["tick_cpu_s"])


def _paths(folder: Path) -> Iterator[str]:
    yield str(folder)
    yield str(Path(__file__).resolve().parents[1])


def _cells(kind: str, count: int, found: Loaded, one: Loaded) -> tuple[str, ...]:
    return (
        kind,
        told_count(count),
        told_seconds(found.took.cpu_s),
        told_ratio(found.took.cpu_s / one.took.cpu_s),
        told_seconds(found.took.wall_s),
        told_count(found.took.peak_mb),
        told_count(found.sensor_count),
        told_seconds(found.tick_cpu_s),
    )


if __name__ == "__main__":
    main()

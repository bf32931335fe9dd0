"""`make bench-workers`: one export to each of several accounts, by one worker, by two, and by four.

A worker carries out one run of Dagster after another, each in a process of its own; all share the storage and Dagster's
home, as on one machine. What a run is stands in `account_export`. The table goes into `docs/scale.md`.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from benchmarks.account_export import COUNT_ENV, PREPARE, account_name, key_env
from benchmarks.attempt import environment_in
from benchmarks.cases import Case
from benchmarks.customers import write_customers
from benchmarks.environments import ROOT
from benchmarks.local_klaviyo import LocalKlaviyo, Traffic, local_klaviyo
from benchmarks.measure import Figures, measure
from benchmarks.report import machine
from benchmarks.wording import told_count, told_ratio, told_seconds

WORKER_COUNTS: Final = (1, 2, 4)
ACCOUNT_COUNT: Final = 8
CUSTOMER_COUNT: Final = 100_000
JOB_DURATION_S: Final = 15.0

BEGIN: Final = "<!-- Made by `make bench-workers`; do not edit up to the next such line. -->"
END: Final = "<!-- The end of what `make bench-workers` made. -->"
_COLUMNS: Final = ("workers", "wall", "profiles a second", "requests", "429", "CPU", "times as fast as one")
_DAGSTER_YAML: Final = "telemetry: {enabled: false}\nnux: {enabled: false}\nconcurrency: {pools: {default_limit: 1}}\n"
_PROGRAM: Final = (sys.executable, "-m", "benchmarks.account_export")


@dataclass(frozen=True)
class Size:
    """What is to be done.

    Attributes:
        account_count: how many accounts, with one export each.
        customer_count: how many people each export sends.
        job_duration_s: of a small bulk job of the local Klaviyo; one of 10 000 people takes about twice as long.
    """

    account_count: int = ACCOUNT_COUNT
    customer_count: int = CUSTOMER_COUNT
    job_duration_s: float = JOB_DURATION_S


@dataclass(frozen=True)
class Row:
    """What so many workers took, and asked."""

    worker_count: int
    wall_s: float
    cpu_s: float
    traffic: Traffic


@click.command()
@click.option("--docs", type=click.Path(path_type=Path, file_okay=False), default=ROOT / "docs", help="The page's.")
def main(docs: Path) -> None:
    """Measure, and write the section of the page."""
    size = Size()
    rows = [measure_workers(count, size) for count in WORKER_COUNTS]
    section = render_section(rows, size)
    page = docs / "scale.md"
    page.write_text(replace_section(page.read_text(encoding="utf-8"), section), encoding="utf-8")
    print(section)


def measure_workers(worker_count: int, size: Size) -> Row:
    """What so many workers take for all exports, with a Klaviyo and a storage of their own.

    Raises:
        ProgramFailed: a run failed.
        RuntimeError: a list is not the segment.
    """
    print(f"{worker_count} workers", file=sys.stderr, flush=True)
    with _ready(size) as (klaviyo, environment), ThreadPoolExecutor(worker_count) as workers:
        started = time.perf_counter()
        numbers = range(size.account_count)
        runs = list(workers.map(lambda number: _run(str(number), environment), numbers))
        wall_s = time.perf_counter() - started
        traffic = klaviyo.traffic()
        sizes = [klaviyo.list_sizes(account_name(number)) for number in numbers]
    if sizes != [[size.customer_count]] * size.account_count:
        raise RuntimeError(f"the lists have {sizes} members, expected {size.customer_count} each")
    return Row(worker_count, wall_s, sum(run.cpu_s for run in runs), traffic)


@contextmanager
def _ready(size: Size) -> Iterator[tuple[LocalKlaviyo, Mapping[str, str]]]:
    """The accounts, and the environment of runs in which the segment was read; nothing was asked yet."""
    duration = ("--job-duration", str(size.job_duration_s))
    with tempfile.TemporaryDirectory() as name, local_klaviyo(*duration) as url:
        folder, klaviyo = Path(name), LocalKlaviyo(url)
        (folder / "dagster.yaml").write_text(_DAGSTER_YAML)
        write_customers(folder / "customers.parquet", size.customer_count, Case.FIRST)
        keys = {key_env(number): f"pk_bench_{number:026}" for number in range(size.account_count)}
        for number, key in enumerate(keys.values()):
            klaviyo.add_account(account_name(number), key)
        environment = environment_in(folder, url=url, count=size.customer_count) | keys
        environment[COUNT_ENV] = str(size.account_count)
        _run(PREPARE, environment)
        klaviyo.begin()
        yield klaviyo, environment


def _run(asked: str, environment: Mapping[str, str]) -> Figures:
    return measure([*_PROGRAM, asked], environment=environment)


def render_section(rows: Sequence[Row], size: Size) -> str:
    """What the page says, as Markdown."""
    people = size.account_count * size.customer_count
    lines = [_line(_COLUMNS), "|" + "--:|" * len(_COLUMNS), *(_line(_cells(row, rows[0], people)) for row in rows)]
    return f"""{BEGIN}

Measured by `make bench-workers` on {datetime.now(UTC):%Y-%m-%d} with {machine()}, the local Klaviyo included: a \
first delivery of {told_count(size.customer_count)} people to each of {size.account_count} accounts. A worker carries \
out one run of Dagster after another, each in a process of its own. Klaviyo's limits are real, and a bulk job of \
10\u00a0000 people takes about {told_seconds(2 * size.job_duration_s)}; Klaviyo does not say how long its own take. \
Times are of that machine; the ratios are what counts.

{chr(10).join(lines)}

{END}"""


def _cells(row: Row, one: Row, people: int) -> tuple[str, ...]:
    return (
        str(row.worker_count),
        told_seconds(row.wall_s),
        told_count(people / row.wall_s),
        told_count(sum(row.traffic.requests.values())),
        told_count(row.traffic.throttled_count),
        told_seconds(row.cpu_s),
        told_ratio(one.wall_s / row.wall_s),
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def replace_section(page: str, section: str) -> str:
    """The page with another section in place of the one that it has, all else as it is.

    Raises:
        ValueError: the page has no such section.
    """
    replaced, count = re.subn(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: section, page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"found {count} sections between the lines of this command, expected 1")
    return replaced


if __name__ == "__main__":
    main()

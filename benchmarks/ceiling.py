"""What this project can do by itself, where neither Klaviyo's limits nor its bulk jobs are waited for."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.attempt import attempt, environment_in
from benchmarks.cases import Case
from benchmarks.contenders import DAGSTER_RUN
from benchmarks.customers import write_customers
from benchmarks.measure import measure
from benchmarks.results import Ceiling, Measured

_PROGRAM = "benchmarks.contenders.own_work"


def measure_ceiling(count: int) -> Ceiling:
    """The CPU of a first delivery of so many customers."""
    first = attempt(DAGSTER_RUN, sys.executable, count, limits="off", cases=[Case.FIRST])[Case.FIRST]
    return Ceiling(
        customer_count=count,
        own_work_cpu_s=_measure_own_work(count),
        delivery_cpu_s=first.took.cpu_s if isinstance(first, Measured) else None,
    )


def _measure_own_work(count: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_customers(folder / "customers.parquet", count, Case.FIRST)
        measure([sys.executable, "-m", _PROGRAM], environment=environment_in(folder, list_id="bench", count=count))
        return float((folder / "own_cpu_s").read_text())

"""Results that are made up, for what is said of them."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.cases import Case
from benchmarks.contenders import DAGSTER_RUN, FLOOR, SDK_SCRIPT
from benchmarks.local_klaviyo import BULK_IMPORT
from benchmarks.measure import Figures
from benchmarks.results import Ceiling, Measured, Outcome, Results, Round

IDLE, BARE = Figures(wall_s=4, cpu_s=3, peak_mb=200), Figures(wall_s=1, cpu_s=1, peak_mb=100)
CEILING = Ceiling(customer_count=300_000, own_work_cpu_s=1, delivery_cpu_s=3)


def measured(
    wall_s: float = 1,
    cpu_s: float = 1,
    peak_mb: float = 1,
    *,
    requests: Mapping[str, int] | None = None,
    throttled: int = 0,
    astray: int = 0,
) -> Measured:
    """Figures of one case."""
    return Measured(Figures(wall_s, cpu_s, peak_mb), requests or {}, throttled, astray)


def results(changes: Mapping[tuple[str, Case], Outcome] | None = None, *, count: int = 1_000_000) -> Results:
    """A run in which every goal is met just so, but for the changes."""
    floor = {(FLOOR.name, case): measured(20) for case in Case}
    kept = {
        (SDK_SCRIPT.name, Case.FIRST): measured(100, 80),
        (DAGSTER_RUN.name, Case.FIRST): measured(4 + 23, 8, 100 + 1_024, requests={BULK_IMPORT: 100}),
        (DAGSTER_RUN.name, Case.UNCHANGED): measured(5, 3, requests={"GET /api/accounts": 1}),
        (DAGSTER_RUN.name, Case.CHANGED): measured(6, 2, requests={BULK_IMPORT: 3}),
        (DAGSTER_RUN.name, Case.LEFT): measured(4 + 23, 2),
    }
    found = Round(count, {**floor, **kept, **(changes or {})})
    return Results(idle=IDLE, bare=BARE, is_limited=True, rounds=(found,), ceiling=CEILING)

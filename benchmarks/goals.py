"""What the project promises of its speed, as ratios, and whether a run kept it. Times alone are the machine's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.cases import Case
from benchmarks.contenders import DAGSTER_RUN, FLOOR, SDK_SCRIPT
from benchmarks.measure import Figures
from benchmarks.results import Ceiling, Measured, Results, Round

MOST_OF_FLOOR = 1.15
MOST_OF_SDK_CPU = 0.1
MOST_ADDED_MB = 1_024.0
MOST_BODIES_CHANGED = 3
MOST_OF_FIRST_CPU = 0.25
MOST_OWN_WORK_US = 1e6 / 300_000
MOST_DELIVERY_US = 1e6 / 100_000


@dataclass(frozen=True)
class Goal:
    """One promise, beside what was found.

    Attributes:
        told: the promise.
        found: None where the run did not measure what it needs.
        limit: the most that keeps it.
        unit: of both.
        in_the_way: what keeps it from being met, where it is missed.
    """

    told: str
    found: float | None
    limit: float
    unit: str = ""
    in_the_way: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether it was kept, if that is known."""
        return None if self.found is None else self.found <= self.limit


def goals(results: Results) -> list[Goal]:
    """Every goal, judged by the round with the most customers."""
    most = results.rounds[-1]
    return [*_of_first(results, most), *_of_later(results, most), *_without_limits(results.ceiling)]


def of_floor(taken: Measured | None, floor: Measured | None, idle: Figures) -> float | None:
    """The wall time beyond Dagster's own start, as a ratio to the floor; None where either is not known."""
    if taken is None or floor is None or not floor.took.wall_s:
        return None
    return (taken.took.wall_s - idle.wall_s) / floor.took.wall_s


def _of_first(results: Results, most: Round) -> Iterator[Goal]:
    ours, floor = (most.measured(each.name, Case.FIRST) for each in (DAGSTER_RUN, FLOOR))
    sdk = most.measured(SDK_SCRIPT.name, Case.FIRST)
    yield Goal(
        "first delivery: wall time beyond Dagster's own start, of the floor",
        of_floor(ours, floor, results.idle),
        MOST_OF_FLOOR,
        "×",
        "everybody is read, mapped and compared before the first body leaves; the floor's bodies lie ready.",
    )
    yield Goal(
        "first delivery: CPU, of the script on the official SDK",
        ours.took.cpu_s / sdk.took.cpu_s if ours and sdk else None,
        MOST_OF_SDK_CPU,
        "×",
        "Dagster's own start takes a third of that and more, and the script neither stores, checks nor compares "
        "anybody, nor writes down what it sent.",
    )
    yield Goal(
        "first delivery: peak memory above a bare import of Dagster and Polars",
        ours.took.peak_mb - results.bare.peak_mb if ours else None,
        MOST_ADDED_MB,
        "MB",
    )


def _of_later(results: Results, most: Round) -> Iterator[Goal]:
    found = {case: most.measured(DAGSTER_RUN.name, case) for case in Case}
    first, changed, unchanged = found[Case.FIRST], found[Case.CHANGED], found[Case.UNCHANGED]
    yield Goal("1 % changed: bulk imports", changed.body_count if changed else None, MOST_BODIES_CHANGED)
    yield Goal(
        "1 % changed: CPU, of a first delivery",
        changed.took.cpu_s / first.took.cpu_s if changed and first else None,
        MOST_OF_FIRST_CPU,
        "×",
        "a quarter of a first delivery is little more than Dagster's own start; and who has changed is known once "
        "everybody was read, mapped and compared.",
    )
    yield Goal("unchanged: bulk imports", unchanged.body_count if unchanged else None, 0)
    yield Goal(
        "1 % left: wall time beyond Dagster's own start, of the floor of its look-ups and removals",
        of_floor(found[Case.LEFT], most.measured(FLOOR.name, Case.LEFT), results.idle),
        MOST_OF_FLOOR,
        "×",
        "who has left is known once everybody was read, mapped and compared, which takes longer than the requests.",
    )


def _without_limits(ceiling: Ceiling | None) -> Iterator[Goal]:
    own, whole = (ceiling.own_work_cpu_s, ceiling.delivery_cpu_s) if ceiling else (None, None)
    for told, cpu_s, limit in (
        ("to map, compare, encode and pack a profile (300 000 a second of one core)", own, MOST_OWN_WORK_US),
        ("of the whole run, of each profile (100 000 a second of one core)", whole, MOST_DELIVERY_US),
    ):
        yield Goal(
            f"first delivery without limits: CPU {told}",
            ceiling.us_per_customer(cpu_s) if ceiling else None,
            limit,
            "µs",
            "a time, not a ratio: this machine is slower than the one it was set for.",
        )

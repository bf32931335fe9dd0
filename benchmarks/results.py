"""What came of a contender in a case: figures that were measured or extrapolated, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.cases import Case
from benchmarks.local_klaviyo import BULK_IMPORT
from benchmarks.measure import Figures


@dataclass(frozen=True)
class Measured:
    """The figures of one case.

    Attributes:
        took: time and memory.
        requests: how many, by endpoint.
        throttled_count: how many of them were refused with 429.
        astray_count: how many members the list has too many (or, negative, too few) afterwards.
        sizes: with how many customers it was measured, where it was extrapolated from less.
    """

    took: Figures
    requests: Mapping[str, int]
    throttled_count: int
    astray_count: int = 0
    sizes: tuple[int, int] | None = None

    @property
    def request_count(self) -> int:
        """All requests."""
        return sum(self.requests.values())

    @property
    def body_count(self) -> int:
        """How many bulk imports."""
        return self.requests.get(BULK_IMPORT, 0)


@dataclass(frozen=True)
class NotMeasured:
    """Why there are no figures.

    Attributes:
        reason: in a few words, for the table.
        has_failed: whether the contender's program ended otherwise than well.
    """

    reason: str
    has_failed: bool = False


Outcome = Measured | NotMeasured


@dataclass(frozen=True)
class Round:
    """Every contender in every case, with so many customers.

    Attributes:
        outcomes: by contender's name and case.
    """

    customer_count: int
    outcomes: Mapping[tuple[str, Case], Outcome]

    def measured(self, contender: str, case: Case) -> Measured | None:
        """The figures of a contender in a case, if there are any."""
        outcome = self.outcomes.get((contender, case))
        return outcome if isinstance(outcome, Measured) else None


@dataclass(frozen=True)
class Ceiling:
    """What a first delivery takes of CPU where nothing holds it back.

    Attributes:
        own_work_cpu_s: to map, compare, encode and pack all customers.
        delivery_cpu_s: of the whole run of Dagster; None where it failed.
    """

    customer_count: int
    own_work_cpu_s: float
    delivery_cpu_s: float | None

    def us_per_customer(self, cpu_s: float | None) -> float | None:
        """Microseconds of CPU for each customer."""
        return None if cpu_s is None else cpu_s * 1e6 / self.customer_count


@dataclass(frozen=True)
class Results:
    """All that one command measured.

    Attributes:
        idle: a run of Dagster that does nothing: its start.
        bare: a process that imports Dagster and Polars, and ends.
        is_limited: whether Klaviyo's limits held.
        rounds: the fewest customers first.
        ceiling: what this project can do by itself; None where it was not asked for.
    """

    idle: Figures
    bare: Figures
    is_limited: bool
    rounds: tuple[Round, ...]
    ceiling: Ceiling | None = None

    def has_failed(self, contender: str) -> bool:
        """Whether the program of a contender ended otherwise than well, in any case."""
        outcomes = (
            outcome for each in self.rounds for (name, _), outcome in each.outcomes.items() if name == contender
        )
        return any(isinstance(outcome, NotMeasured) and outcome.has_failed for outcome in outcomes)

"""What came of a delivery: counts, refusals, requests, and where the time went; never an address."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import polars as pl

_WORDS: Final = {
    "added": "joined the list",
    "updated": "got other fields",
    "cleared": "had fields cleared",
    "removed": "left the list",
    "unchanged": "stayed as they were",
    "stayed": "stayed on the list, though not in the segment",
    "rejected": "rows not sent, see the rejections",
    "refused": "rows that Klaviyo did not take",
    "pending": "rows not confirmed yet; the next run goes on with them",
    "not_found": "left the segment, and were not on the list any more",
}


# What the time of a step depends on.
_STEPS: Final = {
    "read, map and encode": "this machine, and where the segments are kept",
    "verify": "Klaviyo's answers",
    "settle": "Klaviyo's bulk jobs, of bodies that an earlier run left open",
    "read the list": "Klaviyo's answers, one for each 100 members",
    "plan": "this machine: segment and ledger are compared",
    "send": "Klaviyo's limits and answers, while bodies are rendered",
    "wait for Klaviyo": "Klaviyo's bulk jobs",
    "clear": "Klaviyo's limits and answers, one for each person",
    "remove": "Klaviyo's limits and answers",
    "look up": "Klaviyo's limits and answers",
    "count": "Klaviyo's answers",
    "record": "this machine and its storage: the ledger is written",
    "anything else": "this machine, and other deliveries to the account that were waited for",
}


@dataclass(frozen=True)
class Report:
    """What came of one delivery, or what a dry run would do.

    rows_read = added + updated + unchanged + rejected + refused + pending.

    Attributes:
        list_id: None in a dry run of a list that is still to be created.
        list_url: where a person looks at the list.
        new_profiles: of a dry run: who of those added would be new to the account; None otherwise.
        new_profiles_margin: half the width of its 95 % confidence interval; 0 where everybody was looked up.
        flows: of a dry run: the live flows that joining the list starts; None where it is not known.
        members: how many members Klaviyo counts; None where it was not asked. It may lag.
        ours: people on the list whom we account for.
        people_count: people of all exports of the account, each counted once; None without a contract_limit.
        profiles_per_s: people added, updated and removed, by the duration.
        phases_s: where the time went, in seconds, by step; they add up to the duration.
        refusals: REFUSALS.
        rejected_by_rule: how many rows each rule rejected.
        unfinished: why the delivery ended before all was confirmed, and how to go on; None where it did not.
    """

    export: str
    account_id: str
    list_id: str | None
    list_name: str | None
    list_url: str | None
    dry_run: bool
    rows_read: int
    added: int
    updated: int
    cleared: int
    removed: int
    unchanged: int
    stayed: int
    rejected: int
    refused: int
    pending: int
    not_found: int
    new_profiles: int | None
    new_profiles_margin: int | None
    flows: tuple[str, ...] | None
    members: int | None
    ours: int
    people_count: int | None
    requests: int
    waited_s: float
    duration_s: float
    profiles_per_s: float
    phases_s: Mapping[str, float]
    rejected_by_rule: Mapping[str, int]
    refusals: pl.DataFrame = field(repr=False)
    unfinished: str | None = None

    def numbers(self) -> dict[str, int | float]:
        """The figures that are drawn over time, by name."""
        figures = {name: getattr(self, name) for name in _WORDS}
        for name in (
            "new_profiles",
            "new_profiles_margin",
            "members",
            "requests",
            "waited_s",
            "duration_s",
            "profiles_per_s",
        ):
            value = getattr(self, name)
            if value is not None:
                figures[name] = round(value, 3) if isinstance(value, float) else value
        return figures

    def summary(self) -> str:
        """A table in Markdown: how many people, and what became of them."""
        rows = [f"| {name} | {getattr(self, name)} | {words} |" for name, words in _WORDS.items()]
        head = f"{self.rows_read} rows read" + (", nothing sent (dry run)" if self.dry_run else "")
        table = ["| what | people | meaning |", "|---|---:|---|", *rows]
        return "\n".join([head, "", *table, "", *self._foreseen(), self._reasons()])

    def times(self, *, mapped_s: float | None) -> str:
        """A table in Markdown: how long each step took, and what its time depends on.

        Args:
            mapped_s: the seconds that mapping the segments took before the delivery; None where they are not known.
        """
        seconds = {**({} if mapped_s is None else {"read, map and encode": mapped_s}), **self.phases_s}
        in_order = [step for step in (*_STEPS, *(seconds.keys() - _STEPS.keys())) if step in seconds]
        rows = [f"| {step} | {seconds[step]:.1f} | {_STEPS.get(step, '')} |" for step in in_order]
        limits = f"Klaviyo's limits held requests back for {self.waited_s:.1f} s of it."
        return "\n".join(["| step | seconds | depends on |", "|---|---:|---|", *rows, "", limits])

    def refused_by_code(self) -> dict[str, int]:
        """How many rows Klaviyo refused, by its code and the field it points at."""
        reason = pl.concat_str("code", pl.col("field").replace("", None), separator=" ", ignore_nulls=True)
        return dict(self.refusals.group_by(reason.alias("reason")).len().sort("reason").iter_rows())

    def _foreseen(self) -> list[str]:
        """What a dry run tells besides the plan."""
        if self.new_profiles is None:
            return []
        margin = f" ± {self.new_profiles_margin} (95 %, from a sample)" if self.new_profiles_margin else ""
        flows = "not known: the key lacks flows:read" if self.flows is None else ", ".join(self.flows) or "none"
        return [f"New profiles in the account: {self.new_profiles}{margin}.", "", f"Live flows started: {flows}.", ""]

    def _reasons(self) -> str:
        reasons = {**self.rejected_by_rule, **self.refused_by_code()}
        if not reasons:
            return "Every row was sent and taken."
        return "\n".join(["| reason | rows |", "|---|---:|", *(f"| {why} | {n} |" for why, n in reasons.items())])


class Phases:
    """Where a delivery's time goes. A phase within another one is taken out of it, so that all of them add up."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._within: list[str] = []
        self._since = now()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the time that the block takes to the phase of this name."""
        self._book()
        self._within.append(name)
        try:
            yield
        finally:
            self._book()
            self._within.pop()

    def _book(self) -> None:
        now = self._now()
        if self._within:
            phase = self._within[-1]
            self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._since
        self._since = now

"""The life of a bulk import job, worked out from the clock when somebody asks.

    created ──── rows applied ──── started ──────────── completed ──── (7 days after creation) expired
    queued                         processing           complete       gone

Profiles are there before the job says that it has begun, and two jobs may be applied in another order than they
were submitted in: both are Klaviyo's ways. https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from klaviyo_assets.sandbox.account.payload import Row

KEPT_S = 7 * 86_400
FULL_BODY_ROWS = 10_000
APPLIED_SHARE, STARTED_SHARE = 0.25, 0.5
"""When in its life a job's rows are applied, and when it starts to say `processing`."""

Ending = Literal["complete", "cancelled", "stuck_queued", "stuck_processing", "expired"]


@dataclass(frozen=True)
class RowFailure:
    """A row that a job did not take. `pointer` and `payload` may be withheld, as Klaviyo may."""

    id: str
    code: str
    title: str
    detail: str
    pointer: str | None = None
    payload: dict[str, Any] | None = None


@dataclass(frozen=True)
class Course:
    """When a bulk job does what, in seconds since 1970, and how it ends."""

    created_at: float
    applies_at: float
    starts_at: float
    completes_at: float
    expires_at: float
    ending: Ending = "complete"

    @classmethod
    def drawn(cls, draw: random.Random, *, created_at: float, row_count: int, base_s: float, ending: Ending) -> Course:
        """A course that takes `base_s` for a few rows and twice that for a full body, give or take a quarter."""
        duration_s = base_s * (1 + row_count / FULL_BODY_ROWS) * draw.uniform(0.75, 1.25)
        # In whole microseconds, as the clock's times are.
        completes_at = round(created_at + duration_s, 6)
        return cls(
            created_at=created_at,
            applies_at=round(created_at + APPLIED_SHARE * duration_s, 6),
            starts_at=round(created_at + STARTED_SHARE * duration_s, 6),
            completes_at=completes_at,
            expires_at=completes_at if ending == "expired" else created_at + KEPT_S,
            ending=ending,
        )

    def status(self, now: float) -> str:
        """queued, processing, complete or cancelled."""
        if now < self.starts_at or self.ending == "stuck_queued":
            return "queued"
        if now < self.completes_at or self.ending == "stuck_processing":
            return "processing"
        return "cancelled" if self.ending == "cancelled" else "complete"

    def progress(self, now: float) -> float:
        """The share of the work that the job says is done."""
        status = self.status(now)
        if status == "processing":
            return min((now - self.starts_at) / (self.completes_at - self.starts_at or 1), 0.99)
        return 0.0 if status == "queued" else 1.0


@dataclass(eq=False)
class BulkJob:
    """A bulk import job. `rows` wait for the time at which they are applied, and are let go then.

    Attributes:
        on_two_people: makes a failure of a row whose identifiers turn out to be two people's; None where it is
            applied to one of them.
    """

    id: str
    list_ids: tuple[str, ...]
    total_count: int
    course: Course
    rows: list[Row] = field(repr=False)
    failures: tuple[RowFailure, ...] = field(default=(), repr=False)
    on_two_people: Callable[[Row], RowFailure] | None = field(default=None, repr=False)
    profile_ids: list[str] = field(default_factory=list, repr=False)

    @property
    def created_at(self) -> float:
        """When it was submitted."""
        return self.course.created_at

    def status(self, now: float) -> str:
        """queued, processing, complete or cancelled."""
        return self.course.status(now)

    def completed_count(self, now: float) -> int:
        """Rows taken, duplicates among them: 0 while the job is queued."""
        return int((self.total_count - len(self.failures)) * self.course.progress(now))

    def failed_count(self, now: float) -> int:
        """Rows that failed: 0 while the job is queued."""
        return int(len(self.failures) * self.course.progress(now))

    def failures_told(self, now: float) -> tuple[RowFailure, ...]:
        """What failed, once the job is past being queued."""
        return () if self.status(now) == "queued" else self.failures

    def started_at(self, now: float) -> float | None:
        """When it began to process, once it has."""
        return None if self.status(now) == "queued" else self.course.starts_at

    def completed_at(self, now: float) -> float | None:
        """When it came to its end, once it has."""
        return self.course.completes_at if self.status(now) in ("complete", "cancelled") else None

    def is_expired(self, now: float) -> bool:
        """Whether Klaviyo has forgotten it."""
        return now >= self.course.expires_at


def without_duplicates(rows: Iterable[Row], winner: Literal["first", "last"]) -> list[Row]:
    """One row a person. Klaviyo does not say which of several it takes, so it is a setting."""
    kept: dict[str, Row] = {}
    for row in rows:
        identity = row.identity() or ""
        if winner == "last" or identity not in kept:
            kept[identity] = row
    return list(kept.values())

"""Follows request bodies that Klaviyo took to their end, and records it: who was refused, and what is settled.

The same code follows the bodies of this run and those that an earlier run left open. How a body is sent belongs in
`imports`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from klaviyo_assets.delivery.recording import Recorder
from klaviyo_assets.frames import empty
from klaviyo_assets.klaviyo import BulkJob, Client, FailedRow
from klaviyo_assets.klaviyo.bulk import COMPLETE

FIRST_LOOK_S: Final = 0.25  # small bulk jobs are done in less than a second
SLOWEST_LOOK_S: Final = 5.0
LOOK_WHILE_SENDING_S: Final = 2.0  # nobody waits for what it tells
_SHARE_WAITED: Final = 1 / 8  # of the time that bulk jobs have taken so far: so much later their end is noticed at most
# A job's times are told to the second; and some answers lack the end of a job that is over.
_SECOND: Final = timedelta(seconds=1)
_UNTOLD_LIFE: Final = timedelta(hours=1)

PARTIAL: Final = "partial_failure"  # our code for what Klaviyo tells by a header alone
_PHONE: Final = "phone_number"

REFUSED: Final = pl.Schema({"email": pl.String, "code": pl.String, "field": pl.String})


@dataclass(frozen=True)
class OpenBody:
    """A body that Klaviyo took, and that is not settled.

    Attributes:
        change: what its people are in it for: add or update.
        bulk_job_id: Klaviyo's bulk job.
        joined_from: no job of it was created before this time of Klaviyo's clock.
        people: gives the people as they stand in the body: `email`, `unset`, `clears`, and where something was left
            out, `payload`.
        dropped: the field of which Klaviyo said that it left it out for somebody.
        is_of_this_run: whether its people count among those whom this run imported.
    """

    id: str
    change: str
    bulk_job_id: str
    joined_from: datetime
    people: Callable[[], pl.DataFrame]
    dropped: str | None = None
    is_of_this_run: bool = True


class Follower:
    """The open bodies of one delivery.

    Attributes:
        confirmed: how many people this run imported, by change; without those who still have fields to be emptied.
        cleared: how many of them had custom properties emptied.
        refused: whom Klaviyo refused in this run's bodies that are settled: REFUSED.
    """

    def __init__(self, client: Client, recorder: Recorder) -> None:
        self.confirmed = {"add": 0, "update": 0}
        self.cleared = 0
        self.refused = empty(REFUSED)
        self._client = client
        self._recorder = recorder
        self._open: dict[str, OpenBody] = {}
        self._watched_at = self._looked_at = float("-inf")

    @property
    def open_count(self) -> int:
        """How many bodies are not settled."""
        return len(self._open)

    def watch(self, body: OpenBody) -> None:
        """Follow this one too."""
        self._watched_at = self._client.session.now()
        if body.is_of_this_run and not self._open:
            self._looked_at = self._watched_at  # it has just begun
        self._open[body.bulk_job_id] = body

    @property
    def own_count(self) -> int:
        """How many bodies of this run are not settled."""
        return sum(body.is_of_this_run for body in self._open.values())

    def follow(self, *, until: float) -> None:
        """Look again and again until every body is settled, or until this time of the session's clock.

        Raises:
            DeadlinePassed: the delivery's time is over first.
        """
        self._look_while(lambda: self.open_count, until=until)

    def follow_own(self, *, until: float = float("inf")) -> None:
        """As `follow`, without waiting for bodies of earlier runs, which had their time.

        Raises:
            DeadlinePassed: the delivery's time is over first.
        """
        self._look_while(lambda: self.own_count, until=until)

    def _look_while(self, open_count: Callable[[], int], *, until: float) -> None:
        session = self._client.session
        while open_count() and session.now() < until:
            pause_s = max(FIRST_LOOK_S, _SHARE_WAITED * (session.now() - self._watched_at))
            left_s = self._looked_at + min(pause_s, SLOWEST_LOOK_S) - session.now()
            if left_s > 0:
                session.wait(left_s)
            self.look()

    def look_if_due(self) -> None:
        """One look, if the last was long enough ago; what is asked of Klaviyo while bodies are still being sent."""
        if self._open and self._client.session.now() >= self._looked_at + LOOK_WHILE_SENDING_S:
            self.look()

    def look(self) -> None:
        """Ask Klaviyo once how the open bodies stand, and settle those that are over."""
        for job_id, job in self._fetch_jobs().items():
            if job is None or job.is_over:
                self._settle(self._open.pop(job_id), job)
        self._looked_at = self._client.session.now()

    def _fetch_jobs(self) -> dict[str, BulkJob | None]:
        since = min(body.joined_from for body in self._open.values()) - _SECOND
        found: dict[str, BulkJob | None] = {}
        for job in self._client.fetch_recent_bulk_jobs(since=since):
            if job.id in self._open:
                found[job.id] = job
            if len(found) == len(self._open):
                break
        for job_id in self._open.keys() - found.keys():
            found[job_id] = self._client.fetch_bulk_job(job_id)
        return found

    def _settle(self, body: OpenBody, job: BulkJob | None) -> None:
        stamp = self._recorder.stamp
        if job is None or job.status != COMPLETE:
            # Cancelled or forgotten: whom it reached is not known; all are sent again, which does no harm.
            self._recorder.note(stamp.settled(body.id, outcome="lost"))
            return
        people = body.people()
        refused = self._fetch_refused(job, people)
        dropped = self._fetch_dropped(body.dropped, job, people)
        if refused.height:
            self._recorder.note(stamp.refused(refused, body=body.id))
        if dropped.height:
            self._recorder.note(stamp.dropped(dropped, body=body.id))
        completed_at = job.completed_at or job.created_at + _UNTOLD_LIFE
        self._recorder.note(stamp.settled(body.id, outcome="done", completed_at=completed_at))
        if body.is_of_this_run:
            self._count(body.change, people, pl.concat([refused, dropped]))

    def _count(self, change: str, people: pl.DataFrame, refused: pl.DataFrame) -> None:
        self.refused = pl.concat([self.refused, refused])
        done = people.filter(pl.col("clears").is_null()).join(refused, on="email", how="anti")
        self.confirmed[change] += done.height
        self.cleared += done.height - done["unset"].null_count()

    def _fetch_refused(self, job: BulkJob, people: pl.DataFrame) -> pl.DataFrame:
        if not job.failed_count and job.completed_count >= job.total_count:
            return empty(REFUSED)
        failed = self._client.fetch_failed_rows(job.id)
        named = _name_refused(failed, people)
        if named.height >= len(failed):
            return named
        # Some errors name nobody: whoever is not among those imported was refused.
        imported = pl.concat([page.select("email") for page in self._client.read_imported(job.id)])
        missing = people.select("email").join(imported, on="email", how="anti").join(named, on="email", how="anti")
        return pl.concat([named, missing.with_columns(code=pl.lit(_first_code(failed)), field=pl.lit(""))])

    def _fetch_dropped(self, dropped: str | None, job: BulkJob, people: pl.DataFrame) -> pl.DataFrame:
        """Whom Klaviyo imported without a phone number: it says so of the whole body, so that all are compared."""
        if dropped is None or _PHONE not in dropped:
            return empty(REFUSED)
        number = pl.col("payload").str.json_path_match(f"$.attributes.{_PHONE}")
        sent = people.select("email", sent=number).drop_nulls("sent")
        held = pl.concat([page.select("email", held=_PHONE) for page in self._client.read_imported(job.id)])
        # A profile that was there before may tell its number in another form than it was sent in.
        differs = _digits(pl.col("sent")).ne_missing(_digits(pl.col("held")))
        found = sent.join(held, on="email", how="inner").filter(differs)
        return found.select("email", code=pl.lit(PARTIAL), field=pl.lit(_PHONE))


def _digits(number: pl.Expr) -> pl.Expr:
    return number.str.replace_all(r"\D", "")


def _name_refused(failed: Iterable[FailedRow], people: pl.DataFrame) -> pl.DataFrame:
    """Whom the errors name, by place in the body or by address: REFUSED, each once."""
    rows = pl.DataFrame(
        [
            (
                row.refusal.index if row.refusal else None,
                row.email,
                row.code,
                row.refusal.field if row.refusal else "",
            )
            for row in failed
        ],
        schema={"index": pl.Int64, "named": pl.String, "code": pl.String, "field": pl.String},
        orient="row",
    )
    places = people.select("email").with_row_index("index").with_columns(pl.col("index").cast(pl.Int64))
    by_place = rows.join(places, on="index", how="inner").select(REFUSED.names())
    by_address = rows.filter(pl.col("index").is_null()).join(
        people.select("email"), left_on="named", right_on="email", how="inner", coalesce=False
    )
    return pl.concat([by_place, by_address.select(REFUSED.names())]).unique("email", maintain_order=True)


def _first_code(failed: Iterable[FailedRow]) -> str:
    return next((row.code for row in failed), "invalid")

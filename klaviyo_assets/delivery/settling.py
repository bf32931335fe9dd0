"""Takes up what an earlier run left open: bodies whose outcome is not in the ledger.

import, answered     its bulk job is followed
import, unanswered   Klaviyo is asked for bulk jobs that may be it, before anything is sent again: bulk jobs are not
                     processed in order, and an old one could overtake a new one
removal              the list tells whom it took off
clear                is planned, and done, again
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import polars as pl

from klaviyo_assets.delivery.following import SLOWEST_LOOK_S, Follower, OpenBody
from klaviyo_assets.delivery.recording import Recorder
from klaviyo_assets.delivery.removals import Remover
from klaviyo_assets.frames import MEMBERS, empty, look_up
from klaviyo_assets.klaviyo import BulkJob, Client
from klaviyo_assets.ledger import fold, fold_open_bodies, fold_open_people

PATIENCE_S: Final = 60.0  # how long a run waits for bulk jobs of earlier runs before it goes on without their people
_SHARE_OF_TIME: Final = 0.5  # which it may take at most of what is left until the deadline
# Our clock, which stamped the intent, and Klaviyo's, which stamped the job, may differ by this much.
_CLOCK_SKEW: Final = timedelta(minutes=10)

# A request may still be at work when its sender is dead: the list would show people who are about to leave it.
_LATEST_EFFECT: Final = timedelta(seconds=10)
_IMPORTS: Final = ("add", "update")

_Row = Mapping[str, Any]  # of OPEN_BODIES


def settle(client: Client, recorder: Recorder, follower: Follower, remover: Remover, *, list_id: str) -> None:
    """Settle what is open; where Klaviyo takes its time with it, the follower goes on with it.

    Raises:
        DeadlinePassed: the delivery's time is over.
        KlaviyoError: Klaviyo refused, or did not answer.
    """
    patience_ends = client.session.now() + min(PATIENCE_S, _SHARE_OF_TIME * client.session.left_s)
    receipts = recorder.ledger.read_receipts()
    rows: list[_Row] = [*fold_open_bodies(receipts).collect().to_dicts()]
    for row in rows:
        if row["change"] == "clear":
            recorder.note(recorder.stamp.settled(row["body"], outcome="lost"))
        elif row["change"] == "remove":
            _wait_for_effect(client, recorder.stamp.at - row["at"])
            remover.settle(row["body"], _read_leavers(receipts, row["body"]))
        elif row["bulk_job_id"]:
            follower.watch(_open_body(row, row["bulk_job_id"], receipts, joined_from=row["joined_from"]))
    unanswered = [row for row in rows if row["change"] in _IMPORTS and not row["bulk_job_id"]]
    known = {row["bulk_job_id"] for row in rows}
    while unanswered and client.session.now() < patience_ends:
        unanswered = _identify(unanswered, receipts, client, recorder, follower, list_id=list_id, known=known)
    follower.follow(until=patience_ends)
    recorder.commit()


def _wait_for_effect(client: Client, age: timedelta) -> None:
    """Wait until a request of this age has had its effect; one from the future, by another clock, is new."""
    left = _LATEST_EFFECT - max(age, timedelta())
    if left > timedelta():
        client.session.wait(left.total_seconds())


def _identify(
    rows: Sequence[_Row],
    receipts: pl.LazyFrame,
    client: Client,
    recorder: Recorder,
    follower: Follower,
    *,
    list_id: str,
    known: set[str],
) -> list[_Row]:
    """Find the bulk job of each body, or know that there is none; those are given back that cannot be told yet."""
    since = min(row["at"] for row in rows) - _CLOCK_SKEW
    jobs = [job for job in client.fetch_recent_bulk_jobs(since=since) if job.id not in known]
    undecided = []
    for row in rows:
        taken, is_certain = _find_jobs(row, jobs, _read_people(receipts, row["body"]), client, list_id=list_id)
        if not is_certain:
            undecided.append(row)
        elif taken:
            # Every attempt that was taken holds the same people: they joined with the first, or again with another.
            first = min(taken, key=lambda job: job.created_at)
            known.update(job.id for job in taken)
            jobs = [job for job in jobs if job.id not in known]
            life = (first.created_at, max(job.completed_at or job.created_at for job in taken))
            recorder.note(recorder.stamp.submitted(row["body"], first.id, life=life))
            follower.watch(_open_body(row, first.id, receipts, joined_from=first.created_at))
        else:
            recorder.note(recorder.stamp.settled(row["body"], outcome="lost"))
    if undecided:
        client.session.wait(SLOWEST_LOOK_S)
    return undecided


def _find_jobs(
    row: _Row, jobs: Sequence[BulkJob], people: pl.DataFrame, client: Client, *, list_id: str
) -> tuple[list[BulkJob], bool]:
    """The bulk jobs that hold this body's people, and whether that is certain: none that may be one still runs."""
    lists = (list_id,) if row["change"] == "add" else ()
    fitting = [job for job in jobs if job.list_ids == lists and job.total_count <= row["people_count"]]
    verdicts = [(job, _holds(job, people, client)) for job in fitting]
    taken = [job for job, holds in verdicts if holds]
    return taken, all(job.is_over for job, holds in verdicts if holds is not False)


def _holds(job: BulkJob, people: pl.DataFrame, client: Client) -> bool | None:
    """Whether those whom the bulk job has imported are among these people; None while it has imported nobody."""
    page = next(client.read_imported(job.id), empty(MEMBERS))
    return None if page.is_empty() else page.join(people, on="email", how="anti").is_empty()


def _open_body(row: _Row, job_id: str, receipts: pl.LazyFrame, *, joined_from: datetime) -> OpenBody:
    people = partial(_read_people, receipts, row["body"])
    return OpenBody(row["body"], row["change"], job_id, joined_from, people, row["dropped"], is_of_this_run=False)


def _read_people(receipts: pl.LazyFrame, body: str) -> pl.DataFrame:
    return fold_open_people(receipts, body).select("email", "payload").collect()


def _read_leavers(receipts: pl.LazyFrame, body: str) -> pl.DataFrame:
    """Whom a removal was to take off, with the life of the bulk job that had put them on the list."""
    leavers = look_up(fold(receipts), fold_open_people(receipts, body), "email", "semi")
    return leavers.select("email", "external_id", "joined_from", "joined_until").collect()

"""Sends people to Klaviyo in bodies, several at a time: who joins the list, and who gets other fields.

A body's intents are in the ledger before it leaves. What becomes of a body that Klaviyo took belongs in `following`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Final

import polars as pl

from klaviyo_assets.delivery.following import REFUSED, Follower, OpenBody
from klaviyo_assets.delivery.in_flight import InFlight
from klaviyo_assets.delivery.recording import Recorder
from klaviyo_assets.errors import BodyTooLarge, RowsRefused, UnexpectedAnswer
from klaviyo_assets.frames import empty
from klaviyo_assets.klaviyo import BulkJob, Client, cut_bodies, render_body

TOO_LARGE: Final = "too_large"
# Bodies whose intents share a commit, which costs nearly as much for one body as for eight.
NOTED_AT_ONCE: Final = 8
# Refusals that name no row are searched by halving. When so many halves were refused, the fault is not in the rows.
MOST_HALVINGS: Final = 200


@dataclass(frozen=True)
class Body:
    """People of one change who leave in one request: rows of CHANGES."""

    id: str
    change: str
    people: pl.DataFrame = field(repr=False)


@dataclass(frozen=True)
class Submission:
    """What came of handing a body over.

    Attributes:
        people: who is in the bulk job, in their order.
        refused: who was refused at once: REFUSED.
        job: the bulk job; None where nobody was left, or where the body has to be halved.
        joined_from: by Klaviyo's clock, when its people may have begun to join the list: an attempt whose answer was
            lost may have been taken too.
        is_halved: Klaviyo refused the body and named nobody.
    """

    body: Body
    people: pl.DataFrame = field(repr=False)
    refused: pl.DataFrame = field(repr=False)
    job: BulkJob | None = None
    joined_from: datetime | None = None
    is_halved: bool = False


class Sender:
    """Sends the additions and updates of a plan to one list.

    Attributes:
        refused: whom Klaviyo refused at once: REFUSED.
    """

    def __init__(self, client: Client, recorder: Recorder, follower: Follower, *, list_id: str) -> None:
        self.refused = empty(REFUSED)
        self._client = client
        self._recorder = recorder
        self._follower = follower
        self._list_id = list_id
        self._halves: deque[Body] = deque()
        self._noted: deque[Body] = deque()  # may leave: their intents are recorded
        self._noted_at_once = 1  # since Klaviyo waits for the first
        self._halvings = 0

    def send(
        self, additions: Iterator[pl.DataFrame], updates: Iterator[pl.DataFrame], in_flight: InFlight[Submission]
    ) -> None:
        """Hand all additions and updates over to Klaviyo.

        Args:
            additions: CHANGES of those who are to join the list, in parts, which are taken as there is room for them.
            updates: CHANGES of those who get other fields, likewise.
            in_flight: the requests that may be at work at once.

        Raises:
            DeadlinePassed: the time is over before all have left.
            KlaviyoError: Klaviyo refused more than rows, or did not answer.
        """
        bodies = self._cut(additions, updates)
        with in_flight:
            try:
                while True:
                    for body in self._next_bodies(bodies, room=in_flight.room):
                        in_flight.start(partial(self._submit, body))
                    if in_flight.is_empty:
                        return
                    for submission in in_flight.finished():
                        self._record(submission)
                    self._follower.look_if_due()
            except BaseException:
                self._end(in_flight)
                raise

    def _cut(self, additions: Iterator[pl.DataFrame], updates: Iterator[pl.DataFrame]) -> Iterator[Body]:
        """Additions, which name the list, and then updates, which do not, so that nobody is put back on it."""
        for change, parts in (("add", additions), ("update", updates)):
            for people in cut_bodies(parts):
                yield Body(self._recorder.new_body(), change, people)

    def _next_bodies(self, bodies: Iterator[Body], *, room: int) -> Iterator[Body]:
        """As many bodies as there is room for, each once its intents are recorded."""
        for _ in range(room):
            if not self._noted:
                self._note(list(islice(self._halves_first(bodies), self._noted_at_once)))
            if not self._noted:
                return
            yield self._noted.popleft()

    def _note(self, bodies: Sequence[Body]) -> None:
        """Record the intents of these, which may leave then."""
        if bodies:
            self._recorder.note(*(self._recorder.stamp.intents(body.people, body=body.id) for body in bodies))
            self._recorder.commit()
            self._noted.extend(bodies)
            self._noted_at_once = NOTED_AT_ONCE

    def _halves_first(self, bodies: Iterator[Body]) -> Iterator[Body]:
        while body := self._halves.popleft() if self._halves else next(bodies, None):
            yield body

    def _submit(self, body: Body) -> Submission:
        people, refused = body.people, empty(REFUSED)
        list_id = self._list_id if body.change == "add" else None
        while people.height:
            try:
                started = self._client.session.now()
                job = self._client.submit_body(render_body(people, list_id=list_id))
                took = timedelta(seconds=self._client.session.now() - started)
                return Submission(body, people, refused, job, joined_from=job.created_at - took)
            except (RowsRefused, BodyTooLarge) as error:
                named = _name_refused(error, people)
                if not named.height:
                    return Submission(body, people, refused, is_halved=True)
                refused = pl.concat([refused, named])
                people = people.join(named, on="email", how="anti", maintain_order="left")
        return Submission(body, people, refused)

    def _record(self, submission: Submission) -> None:
        stamp, body = self._recorder.stamp, submission.body
        if submission.refused.height:
            self.refused = pl.concat([self.refused, submission.refused])
            self._recorder.note(stamp.refused(submission.refused, body=body.id))
        if submission.job and submission.joined_from:
            job, joined_from = submission.job, submission.joined_from
            self._recorder.note(
                stamp.submitted(body.id, job.id, life=(joined_from, job.created_at), dropped=job.dropped)
            )
            people = submission.people.select("email", "payload", "unset", "clears")
            if job.dropped is None:
                people = people.with_columns(payload=None)  # nobody needs it any more, and it is large
            self._follower.watch(OpenBody(body.id, body.change, job.id, joined_from, lambda: people, job.dropped))
        else:
            self._recorder.note(stamp.settled(body.id, outcome="lost"))
        if submission.is_halved:
            self._halve(submission)

    def _halve(self, submission: Submission) -> None:
        self._client.fetch_list(self._list_id)  # an unknown list is refused without a name too, and is no row's fault
        self._halvings += 1
        if self._halvings > MOST_HALVINGS:
            message = (
                f"Klaviyo refused {MOST_HALVINGS} parts of the export and named no row; the fault is not in single "
                f"rows: look at the list and the account in Klaviyo."
            )
            raise UnexpectedAnswer(message)
        middle = submission.people.height // 2
        for half in (submission.people[:middle], submission.people[middle:]):
            self._halves.append(Body(self._recorder.new_body(), submission.body.change, half))

    def _end(self, in_flight: InFlight[Submission]) -> None:
        """Send nothing more, and keep what Klaviyo still answered."""
        self._client.session.close()
        for submission in in_flight.abandon():
            if submission.job:
                self._record(submission)
        for body in self._noted:
            self._recorder.note(self._recorder.stamp.settled(body.id, outcome="lost"))  # never left


def _name_refused(error: RowsRefused | BodyTooLarge, people: pl.DataFrame) -> pl.DataFrame:
    """Whom the refusal names: REFUSED. A body of one needs no name."""
    if isinstance(error, RowsRefused) and error.rows:
        rows = pl.DataFrame([(row.index, row.code, row.field) for row in error.rows], orient="row", schema=_ROWS)
        places = people.select("email").with_row_index("index").with_columns(pl.col("index").cast(pl.Int64))
        return rows.join(places, on="index", how="inner").select(REFUSED.names())
    if people.height == 1:
        code = error.code if isinstance(error, RowsRefused) else TOO_LARGE
        return people.select("email", code=pl.lit(code), field=pl.lit(""))
    return empty(REFUSED)


_ROWS: Final = pl.Schema({"index": pl.Int64, "code": pl.String, "field": pl.String})

"""Empties fields of people, one request a person: what no bulk import can do.

Only of people whose other fields are confirmed: the ledger says what is still to be emptied, and the receipt of a
clear follows it.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Final

import polars as pl

from klaviyo_assets.delivery.following import REFUSED
from klaviyo_assets.delivery.in_flight import InFlight
from klaviyo_assets.delivery.recording import Recorder
from klaviyo_assets.errors import RowsRefused
from klaviyo_assets.frames import empty
from klaviyo_assets.klaviyo import Client
from klaviyo_assets.ledger import fold

RECORDED_AT_ONCE: Final = 75  # people: what a second of Klaviyo's limit takes

Refusal = tuple[str, str, str]  # address, code and field, as REFUSED


class Clearer:
    """Empties the fields that a plan says are to be emptied.

    Attributes:
        cleared: how many people had fields emptied.
        refused: whose fields Klaviyo did not empty: REFUSED.
    """

    def __init__(self, client: Client, recorder: Recorder) -> None:
        self.cleared = 0
        self.refused = empty(REFUSED)
        self._client = client
        self._recorder = recorder

    def clear(self, changes: pl.DataFrame, in_flight: InFlight[Refusal | None]) -> None:
        """Empty the fields of everybody in CHANGES who is to be cleared, and whose other fields are confirmed.

        Raises:
            DeadlinePassed: the time is over before all are done.
            KlaviyoError: Klaviyo refused more than single people, or did not answer.
        """
        people = self._only_confirmed(changes.filter(pl.col("change") == "clear"))
        with in_flight:
            for group in people.iter_slices(RECORDED_AT_ONCE):
                self._clear_group(group, in_flight)

    def _only_confirmed(self, people: pl.DataFrame) -> pl.DataFrame:
        if people.is_empty():
            return people
        ledger = fold(self._recorder.ledger.read_receipts())
        ready = ledger.filter(pl.col("uncleared").is_not_null() & ~pl.col("open")).select("email")
        return people.join(ready.collect(), on="email", how="semi", maintain_order="left")

    def _clear_group(self, group: pl.DataFrame, in_flight: InFlight[Refusal | None]) -> None:
        body, refusals = self._recorder.new_body(), []
        self._recorder.note(self._recorder.stamp.intents(group, body=body))
        self._recorder.commit()
        waiting = group.select("email", "clears").iter_rows()
        try:
            while True:
                for email, fields in islice(waiting, in_flight.room):
                    in_flight.start(partial(self._clear_person, email, fields))
                if in_flight.is_empty:
                    break
                refusals += [refusal for refusal in in_flight.finished() if refusal]
        except BaseException:
            self._client.session.close()
            in_flight.abandon()
            raise
        refused = pl.DataFrame(refusals, schema=REFUSED, orient="row")
        self.refused = pl.concat([self.refused, refused])
        self.cleared += group.height - refused.height
        self._recorder.note(
            self._recorder.stamp.refused(refused, body=body), self._recorder.stamp.settled(body, outcome="done")
        )

    def _clear_person(self, email: str, fields: list[str]) -> Refusal | None:
        try:
            self._client.clear_fields(email, fields)
        except RowsRefused as error:
            return (email, error.code, ",".join(fields))
        return None

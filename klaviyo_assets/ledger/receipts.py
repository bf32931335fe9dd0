"""The receipts that a delivery writes: one function for each event, giving RECEIPTS without their number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from klaviyo_assets.frames import RECEIPTS


@dataclass(frozen=True)
class Stamp:
    """What all receipts of one moment share.

    Attributes:
        run_id: the run that writes them.
        at: when, in UTC; for people to read, never to decide an order by.
    """

    run_id: str
    at: datetime

    def intents(self, changes: pl.DataFrame, *, body: str) -> pl.DataFrame:
        """The people of CHANGES are about to be sent in this body."""
        people = changes.select("change", "email", "external_id", "payload", uncleared="clears")
        return self._of_people(people, "intent", body=body)

    def submitted(
        self, body: str, bulk_job_id: str, *, life: tuple[datetime, datetime], dropped: str | None = None
    ) -> pl.DataFrame:
        """Klaviyo took the body.

        Args:
            body: our id of the body.
            bulk_job_id: Klaviyo's id of the bulk job that is followed.
            life: by Klaviyo's clock, when its people may have begun to join the list, and when the last bulk job with
                them was created: an attempt whose answer was lost may have been taken too.
            dropped: the field of which Klaviyo says that it left it out for somebody.
        """
        facts = {"bulk_job_id": bulk_job_id, "joined_from": life[0], "joined_until": life[1], "field": dropped}
        return self._of_body("submitted", body=body, **facts)

    def refused(self, refusals: pl.DataFrame, *, body: str) -> pl.DataFrame:
        """Klaviyo did not take these people of the body: `email`, `code`, `field`."""
        return self._of_people(refusals.select("email", "code", "field"), "refused", body=body)

    def dropped(self, refusals: pl.DataFrame, *, body: str) -> pl.DataFrame:
        """Klaviyo took these people of the body, and left a field out: `email`, `code`, `field`."""
        return self._of_people(refusals.select("email", "code", "field"), "dropped", body=body)

    def settled(self, body: str, *, outcome: str, completed_at: datetime | None = None) -> pl.DataFrame:
        """The body is over: `done`, or `lost` where it had no effect; with the end of its bulk job."""
        return self._of_body("settled", body=body, outcome=outcome, joined_until=completed_at)

    def existing(self, members: pl.DataFrame) -> pl.DataFrame:
        """These were on the list before we came: `email`, and `joined_at` by Klaviyo's clock."""
        return self._of_people(members.select("email", joined_from="joined_at"), "existing")

    def adopted(self, members: pl.DataFrame) -> pl.DataFrame:
        """These count as ours from now on: `email`, `joined_at`, and where the ledger has them, what it knows of them.

        That is `external_id`, `payload` and `uncleared`, as LEDGER.
        """
        known = ("external_id", "payload", "uncleared")
        facts = members.select("email", *known, joined_from="joined_at", joined_until="joined_at")
        return self._of_people(facts, "adopted")

    def gone(self, people: pl.DataFrame) -> pl.DataFrame:
        """These, of the ledger, are not on the list any more, and not by our doing: `email`."""
        return self._of_people(people.select("email"), "gone")

    def _of_body(self, event: str, **facts: Any) -> pl.DataFrame:
        known = self._known(event, facts)
        return pl.DataFrame({name: [known.get(name)] for name in RECEIPTS.names()}, schema=RECEIPTS)

    def _of_people(self, rows: pl.DataFrame, event: str, **facts: Any) -> pl.DataFrame:
        known = self._known(event, facts)
        columns = (
            pl.col(name).cast(dtype) if name in rows.columns else pl.lit(known.get(name), dtype).alias(name)
            for name, dtype in RECEIPTS.items()
        )
        return rows.select(columns)

    def _known(self, event: str, facts: dict[str, Any]) -> dict[str, Any]:
        return {"at": self.at, "run_id": self.run_id, "event": event, **facts}


def number(receipts: pl.DataFrame, *, first: int) -> pl.DataFrame:
    """The receipts as RECEIPTS, numbered in the order in which they stand."""
    numbers = pl.int_range(first, first + receipts.height, dtype=pl.Int64)
    return receipts.with_columns(sequence=numbers).select(RECEIPTS.names()).cast(RECEIPTS)

"""What has to be known before a plan is made: whether the ledger can be trusted, and who is on the list already.

first delivery   does the list start a flow? who is on it before we come? was there a ledger once?
later            what an earlier run left open (`settling`)
reconcile        who is on the list now, compared with the ledger
adopt            who was there before is ours from now on
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from klaviyo_assets.delivery.evidence import check_beginning
from klaviyo_assets.delivery.following import Follower
from klaviyo_assets.delivery.progress import Progress
from klaviyo_assets.delivery.recording import Recorder
from klaviyo_assets.delivery.removals import Remover
from klaviyo_assets.delivery.settling import settle
from klaviyo_assets.errors import ListStartsFlow
from klaviyo_assets.exports import Export
from klaviyo_assets.frames import MEMBERS, empty
from klaviyo_assets.klaviyo import Client
from klaviyo_assets.ledger import Forgotten, fold, fold_existing, has_delivered


class Opening:
    """Brings one export's ledger up to what Klaviyo shows.

    Raises, in each of its steps:
        Refused: nothing may be sent.
        DeadlinePassed: the delivery's time is over.
        KlaviyoError: Klaviyo refused, or did not answer.
    """

    def __init__(
        self,
        export: Export,
        list_id: str,
        *,
        client: Client,
        recorder: Recorder,
        progress: Progress,
        forgotten: Forgotten,
    ) -> None:
        self._export = export
        self._list_id = list_id
        self._client = client
        self._recorder = recorder
        self._progress = progress
        self._forgotten = forgotten

    def begin(self, people: pl.LazyFrame, *, beside: Collection[str], is_trusted: bool) -> None:
        """Where nothing was delivered yet: look at the list, and note who is on it.

        Args:
            people: `email` of everybody in the segment.
            beside: the exports that have a ledger of this list.
            is_trusted: whether it is known that there was no ledger before.
        """
        if has_delivered(self._recorder.ledger.read_receipts()):
            return
        check_flows(self._export, self._client, self._list_id)
        if self._client.fetch_list(self._list_id, count=True).member_count == 0:
            return
        if not is_trusted:
            check_beginning(self._export, people, beside=beside, client=self._client, list_id=self._list_id)
        self._progress.say("The list has members already; they are read once.")
        self._note_unknown(self._read_members())

    def settle(self, follower: Follower, remover: Remover) -> None:
        """Settle what an earlier run left open."""
        settle(self._client, self._recorder, follower, remover, list_id=self._list_id)

    def reconcile(self) -> None:
        """Read the list, and note what differs from the ledger: who is not on it any more, and who is new on it."""
        self._progress.say("The list is read as it is now, to repair what differs from the ledger.")
        members = self._read_members()
        receipts = self._recorder.ledger.read_receipts()
        ledger = fold(receipts)
        # Whose address was changed in Klaviyo is on the list under one that we do not know, by his external id.
        known = pl.concat([ledger.select("email"), fold_existing(receipts)])
        renamed = members.lazy().join(known, on="email", how="anti").drop_nulls("external_id")
        gone = (
            ledger.filter(~pl.col("open"))
            .join(members.lazy(), on="email", how="anti")
            .join(renamed, on="external_id", how="anti")
        )
        self._recorder.note(self._recorder.stamp.gone(gone.select("email").collect()))
        self._note_unknown(members)

    def adopt(self) -> None:
        """Count everybody who was on the list before us as ours, as the export says."""
        receipts = self._recorder.ledger.read_receipts()
        existing = fold_existing(receipts).collect()
        if existing.is_empty() or self._export.existing_members != "adopt":
            return
        joined = (
            receipts.filter(pl.col("event") == "existing").group_by("email").agg(joined_at=pl.col("joined_from").min())
        )
        known = fold(receipts).select("email", "external_id", "payload", "uncleared")
        adopted = existing.lazy().join(joined, on="email").join(known, on="email", how="left").collect()
        self._recorder.note(self._recorder.stamp.adopted(adopted))
        self._recorder.commit()

    def _read_members(self) -> pl.DataFrame:
        pages = [page.drop_nulls("email") for page in self._client.read_members(self._list_id)]
        return pl.concat([empty(MEMBERS), *pages])

    def _note_unknown(self, members: pl.DataFrame) -> None:
        """Write down whom the ledger does not know: all in one commit, so that a kill leaves all or none.

        Of who was forgotten nothing is written, though they are on the list.
        """
        receipts = self._recorder.ledger.read_receipts()
        known = pl.concat([fold(receipts).select("email"), fold_existing(receipts)])
        unknown = self._forgotten.spare(members.lazy().join(known, on="email", how="anti")).collect()
        self._recorder.note(self._recorder.stamp.existing(unknown))
        self._recorder.commit()


def check_flows(export: Export, client: Client, list_id: str) -> None:
    """Nothing, where joining the list starts no live flow, or that is wanted.

    Raises:
        ListStartsFlow: everybody would get the flow's mails.
    """
    flows = [] if export.allow_flows else client.fetch_live_flows(list_id)
    if flows:
        names = ", ".join(map(repr, flows))
        message = (
            f"Whoever joins list {list_id} starts the live flow {names}, and the first delivery of export "
            f"{export.name!r} would start it for everybody; pause the flow in Klaviyo, or write allow_flows: true."
        )
        raise ListStartsFlow(message, flows=flows)

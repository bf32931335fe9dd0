"""Takes leavers off the list: only whom we put there, as the list itself tells by the day on which they joined.

Klaviyo knows members by its own ids alone, so each is looked up first; what the look-up tells decides. It also tells
what became of a removal whose answer never came.
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import Final

import polars as pl

from klaviyo_assets.delivery.recording import Recorder
from klaviyo_assets.errors import NotFound, RowsRefused
from klaviyo_assets.klaviyo import MOST_REMOVALS, Client
from klaviyo_assets.ledger import fold

LOOKED_UP_AT_ONCE: Final = 10_000  # leavers; so that a kill costs few look-ups


class Remover:
    """Takes the leavers of a plan off one list.

    Attributes:
        removed: how many were taken off by us.
        removed_before: how many an earlier run had taken off, which did not live to tell.
        not_found: how many were not on the list any more, and not by our doing.

    Everybody else stays: others put them there, or their new address is not confirmed yet, or Klaviyo refused.
    """

    def __init__(self, client: Client, recorder: Recorder, *, list_id: str, adopts: bool = False) -> None:
        """Nobody is removed yet.

        Args:
            client: the account.
            recorder: the ledger.
            list_id: the list.
            adopts: whether members count as ours whoever put them there.
        """
        self.removed = 0
        self.removed_before = 0
        self.not_found = 0
        self._client = client
        self._recorder = recorder
        self._list_id = list_id
        self._adopts = adopts

    def remove(self, changes: pl.DataFrame) -> None:
        """Take the leavers of CHANGES off the list.

        Raises:
            DeadlinePassed: the time is over before all are gone.
            KlaviyoError: Klaviyo refused, or did not answer.
        """
        leavers = self._only_confirmed(changes.filter(pl.col("change") == "remove"))
        for group in leavers.iter_slices(LOOKED_UP_AT_ONCE):
            ours, missing_count = self._sort_out(group)
            self.not_found += missing_count
            for batch in ours.iter_slices(MOST_REMOVALS):
                self._remove_batch(batch)

    def settle(self, body: str, people: pl.DataFrame) -> None:
        """Settle the removal of an earlier run: who is not on the list any more was taken off by it.

        Args:
            body: our id of the request.
            people: whom it was to take off: `email`, `external_id`, `joined_from`, `joined_until`.

        Raises:
            DeadlinePassed: the delivery's time is over.
            KlaviyoError: Klaviyo refused, or did not answer.
        """
        _, missing_count = self._sort_out(people)
        self.removed_before += missing_count
        self._recorder.note(self._recorder.stamp.settled(body, outcome="lost"))

    def _only_confirmed(self, leavers: pl.DataFrame) -> pl.DataFrame:
        """The leavers without those whose new address has not joined the list yet."""
        moved = leavers.filter(pl.col("confirm_first").is_not_null())
        if moved.is_empty():
            return leavers
        arrived = fold(self._recorder.ledger.read_receipts()).filter(pl.col("payload").is_not_null() & ~pl.col("open"))
        waiting = moved.lazy().join(arrived, left_on="confirm_first", right_on="email", how="anti").select("email")
        return leavers.join(waiting.collect(), on="email", how="anti", maintain_order="left")

    def _sort_out(self, leavers: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """Whom we may remove, with `profile_id`, and how many are not on the list; it is written down why not."""
        found = self._look_up(leavers)
        ours, others = (found, found.clear()) if self._adopts else _part_by_origin(found)
        missing = leavers.join(found, on="email", how="anti", maintain_order="left")
        self._recorder.note(self._recorder.stamp.existing(others), self._recorder.stamp.gone(missing))
        return ours, missing.height

    def _look_up(self, leavers: pl.DataFrame) -> pl.DataFrame:
        """The leavers who are members, with `profile_id` and `joined_at`: by address, else by external id."""
        members = self._client.find_members(self._list_id, leavers["email"])
        by_address = leavers.join(members.select("email", "profile_id", "joined_at"), on="email")
        rest = leavers.join(by_address, on="email", how="anti").drop_nulls("external_id")
        if rest.is_empty():
            return by_address
        # Their address was changed in Klaviyo: their profile tells the new one, the list whether it is a member.
        renamed = self._client.find_profiles(rest["external_id"], by="external_id").drop_nulls("email")
        members = self._client.find_members(self._list_id, renamed["email"]).select("profile_id", "joined_at")
        known = renamed.select("external_id", "profile_id").join(members, on="profile_id")
        return pl.concat([by_address, rest.join(known, on="external_id").select(by_address.columns)])

    def _remove_batch(self, people: pl.DataFrame) -> None:
        """Remove up to 1 000; where Klaviyo refuses the batch for somebody in it, that one is found by halving."""
        waiting = deque([people])
        while waiting:
            part, body = waiting.popleft(), self._recorder.new_body()
            self._recorder.note(self._recorder.stamp.intents(part, body=body))
            self._recorder.commit()
            try:
                self._client.remove_members(self._list_id, part["profile_id"])
            except (NotFound, RowsRefused):
                self._recorder.note(self._recorder.stamp.settled(body, outcome="lost"))
                self._client.fetch_list(self._list_id)  # an unknown list is nobody's fault
                if part.height > 1:
                    waiting.extend([part[: part.height // 2], part[part.height // 2 :]])
            else:
                self._recorder.note(self._recorder.stamp.settled(body, outcome="done"))
                self.removed += part.height


def _part_by_origin(found: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Whom we put on the list, and whom others did: who joined within the life of our bulk job is ours."""
    # Members' times are told to the second, bulk jobs' may be finer.
    until = pl.col("joined_until") + timedelta(seconds=1)
    joined = pl.col("joined_at").is_between(pl.col("joined_from").dt.truncate("1s"), until)
    is_ours = joined.fill_null(False)
    return found.filter(is_ours), found.filter(~is_ours)

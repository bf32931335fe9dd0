"""Takes leavers off the list: only whom we put there, as the list itself tells by the day on which they joined.

Klaviyo knows members by its own ids alone, so each is looked up first; what the look-up tells decides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import polars as pl

from klaviyo_assets.delivery.recording import Recorder
from klaviyo_assets.errors import NotFound, RowsRefused
from klaviyo_assets.klaviyo import MOST_REMOVALS, Client
from klaviyo_assets.ledger import fold

LOOKED_UP_AT_ONCE: Final = 10_000  # leavers; so that a kill costs few look-ups


@dataclass
class Removals:
    """What became of the leavers, as counts.

    Attributes:
        removed: taken off the list by us.
        not_found: not on the list any more, and not by our doing.

    Everybody else stays: others put them there, or their new address is not confirmed yet, or Klaviyo refused.
    """

    removed: int = 0
    not_found: int = 0


def remove_leavers(
    changes: pl.DataFrame,
    result: Removals,
    *,
    client: Client,
    recorder: Recorder,
    list_id: str,
    tick: Callable[[], None],
) -> None:
    """Take the leavers of CHANGES off the list, counting into the result as it goes.

    Raises:
        DeadlinePassed: the time is over before all are gone.
        KlaviyoError: Klaviyo refused, or did not answer.
    """
    leavers = changes.filter(pl.col("change") == "remove")
    confirmed = _only_confirmed(leavers, recorder)
    for group in confirmed.iter_slices(LOOKED_UP_AT_ONCE):
        _remove_group(group, result, client=client, recorder=recorder, list_id=list_id, tick=tick)


def _only_confirmed(leavers: pl.DataFrame, recorder: Recorder) -> pl.DataFrame:
    """The leavers without those whose new address has not joined the list yet."""
    moved = leavers.filter(pl.col("confirm_first").is_not_null())
    if moved.is_empty():
        return leavers
    arrived = fold(recorder.ledger.read_receipts()).filter(pl.col("payload").is_not_null() & ~pl.col("open"))
    waiting = moved.lazy().join(arrived, left_on="confirm_first", right_on="email", how="anti").select("email")
    return leavers.join(waiting.collect(), on="email", how="anti", maintain_order="left")


def _remove_group(
    leavers: pl.DataFrame,
    result: Removals,
    *,
    client: Client,
    recorder: Recorder,
    list_id: str,
    tick: Callable[[], None],
) -> None:
    found = _look_up(leavers, client, list_id)
    ours, others = _part_by_origin(found)
    missing = leavers.join(found, on="email", how="anti", maintain_order="left")
    # A removal that was sent, and whose answer never came, did have its effect.
    left = missing.filter(pl.col("leaving"))
    recorder.note(recorder.stamp.existing(others), recorder.stamp.gone(missing))
    result.removed += left.height
    result.not_found += missing.height - left.height
    for batch in ours.iter_slices(MOST_REMOVALS):
        _remove_batch(batch, result, client=client, recorder=recorder, list_id=list_id)
        tick()


def _look_up(leavers: pl.DataFrame, client: Client, list_id: str) -> pl.DataFrame:
    """The leavers who are members, with `profile_id` and `joined_at`: by address, else by external id."""
    by_address = leavers.join(
        client.find_members(list_id, leavers["email"]).select("email", "profile_id", "joined_at"), on="email"
    )
    rest = leavers.join(by_address, on="email", how="anti").drop_nulls("external_id")
    if rest.is_empty():
        return by_address
    # Their address was changed in Klaviyo: their profile tells the new one, the list whether it is a member.
    renamed = client.find_profiles(rest["external_id"]).drop_nulls("email")
    members = client.find_members(list_id, renamed["email"]).select("profile_id", "joined_at")
    by_external_id = rest.join(
        renamed.select("external_id", "profile_id").join(members, on="profile_id"), on="external_id"
    )
    return pl.concat([by_address, by_external_id.select(by_address.columns)])


def _part_by_origin(found: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Whom we put on the list, and whom others did: who joined within the life of our bulk job is ours."""
    # Members' times are told to the second, bulk jobs' may be finer.
    joined = pl.col("joined_at").is_between(pl.col("joined_from").dt.truncate("1s"), pl.col("joined_until"))
    is_ours = joined.fill_null(False)
    return found.filter(is_ours), found.filter(~is_ours)


def _remove_batch(people: pl.DataFrame, result: Removals, *, client: Client, recorder: Recorder, list_id: str) -> None:
    """Remove up to 1 000; where Klaviyo refuses the batch for somebody in it, that one is found by halving."""
    waiting = deque([people])
    while waiting:
        part, body = waiting.popleft(), uuid4().hex
        recorder.note(recorder.stamp.intents(part, body=body))
        recorder.commit()
        try:
            client.remove_members(list_id, part["profile_id"])
        except (NotFound, RowsRefused):
            recorder.note(recorder.stamp.settled(body, outcome="lost"))
            if part.height == 1:
                client.fetch_list(list_id)  # an unknown list is not this person's fault
            else:
                waiting.extend([part[: part.height // 2], part[part.height // 2 :]])
        else:
            recorder.note(recorder.stamp.settled(body, outcome="done"))
            result.removed += part.height

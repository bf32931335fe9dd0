"""Fewer receipts that say the same: so a ledger's size is bounded by its people, not by its deliveries."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from klaviyo_assets.frames import PERSON, RECEIPTS, look_up
from klaviyo_assets.ledger.decisive import decide, find, lasts
from klaviyo_assets.ledger.sent import bodies, effective, sent
from klaviyo_assets.ledger.state import has_delivered, still_existing

WORTH_A_REWRITE: Final = 10_000  # receipts; fewer are read in no time
_REMEMBERED: Final = timedelta(days=8)  # Klaviyo forgets a bulk job after seven

_event: Final = pl.col("event")
_is_of_body: Final = pl.col("email").is_null()


def compact(receipts: pl.LazyFrame, *, people_count: int, worth: int = WORTH_A_REWRITE) -> pl.LazyFrame | None:
    """Fewer receipts which add up to the same, or None where that is not worth a rewrite.

    It is worth one once there are more than twice as many as people: a ledger's size is bounded by its people's,
    and no delivery of few changes pays for many people. A ledger of which nothing was sent yet stays as it is: it must
    go on saying so.

    Returns:
        RECEIPTS in any order, which are read, and not held, when they are collected.
    """
    if receipts.select(pl.len()).collect().item() <= 2 * people_count + worth or not has_delivered(receipts):
        return None
    of_bodies, of_people = receipts.filter(_is_of_body).collect(), receipts.filter(~_is_of_body)
    kept, existing, decided = find(of_people, of_bodies, _still_of_use, _existing_once, _decide_members)
    # Collected, since they are few: the streaming engine would hold all receipts for whatever else is read of them.
    others = [_of_people(receipts, kept, existing).collect(), _of_bodies(of_bodies, kept)]
    return pl.concat([_members(receipts, decided), *(few.lazy() for few in others)])


def _members(receipts: pl.LazyFrame, decided: pl.DataFrame) -> pl.LazyFrame:
    """Of each member one receipt: what the decisive one says, under the number of that by which he joined."""
    known = ("sequence", "at", "run_id", "email", "external_id", "payload", "uncleared")
    members = look_up(receipts.select(known), decided, "sequence").with_columns(
        sequence="added",
        event=pl.lit("member", dtype=RECEIPTS["event"]),
        uncleared=pl.when(~pl.col("is_cleared")).then("uncleared"),
    )
    absent = RECEIPTS.keys() - members.collect_schema().keys()
    nothing = {name: pl.lit(None, dtype=RECEIPTS[name]) for name in absent}
    return members.with_columns(**nothing).select(RECEIPTS.names()).cast(RECEIPTS)


def _decide_members(stripped: pl.LazyFrame) -> pl.LazyFrame:
    return decide(stripped).filter("is_member").drop(*PERSON, "is_open", "is_member")


def _existing_once(stripped: pl.LazyFrame) -> pl.LazyFrame:
    return still_existing(stripped, person=PERSON).unique(PERSON, keep="any").select("sequence")


def _still_of_use(stripped: pl.LazyFrame) -> pl.LazyFrame:
    """The intents that are open, or were lost and may have had an effect that no later one has covered: stripped."""
    done = bodies(stripped).filter(pl.col("outcome") == "done")
    in_doubt = sent(stripped.join(done, on="body", how="anti"), person=PERSON)
    of_them = pl.concat([stripped.filter(pl.col("person").is_null()), stripped.join(in_doubt, on=PERSON, how="semi")])
    took_effect = effective(of_them, sent(of_them, person=PERSON))
    comes_or_goes = lasts(took_effect).select(*PERSON, last=pl.max_horizontal("add", "remove"))
    is_later = (pl.col("sequence") > pl.col("last")).fill_null(True)
    is_lost = (pl.col("outcome") == "lost") & (pl.col("change") == "add") & is_later
    return in_doubt.join(comes_or_goes, on=PERSON, how="left").filter(pl.col("outcome").is_null() | is_lost)


def _of_people(receipts: pl.LazyFrame, kept: pl.DataFrame, existing: pl.DataFrame) -> pl.LazyFrame:
    """The intents that are kept, what Klaviyo said of single people of their bodies, and who was there before."""
    if kept.is_empty() and existing.is_empty():  # nothing is read
        return receipts.clear()
    is_kept = pl.col("sequence").is_in(pl.concat([kept["sequence"], existing["sequence"]]).implode())
    is_answer = _event.is_in(["refused", "dropped"]) & pl.col("body").is_in(_bodies(kept).implode())
    return receipts.filter(is_kept | is_answer)


def _of_bodies(of_bodies: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """What became of the bodies that are kept, and of those that Klaviyo may still list."""
    at = pl.max_horizontal("joined_from", "joined_until")
    is_recent = (at >= at.max() - _REMEMBERED).fill_null(False)
    is_last = pl.col("sequence") == pl.col("sequence").max()  # it says that anything was ever sent, however long ago
    return of_bodies.filter(pl.col("body").is_in(_bodies(kept).implode()) | is_recent | is_last)


def _bodies(kept: pl.DataFrame) -> pl.Series:
    return kept["body"].cast(pl.String).unique()

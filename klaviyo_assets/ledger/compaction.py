"""Fewer receipts that say the same: so a ledger's size is bounded by its people, not by its deliveries."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from klaviyo_assets.frames import RECEIPTS
from klaviyo_assets.ledger.people import fold_members
from klaviyo_assets.ledger.sent import effective, sent
from klaviyo_assets.ledger.state import has_delivered, still_existing

WORTH_A_REWRITE: Final = 10_000  # receipts; fewer are read in no time
_REMEMBERED: Final = timedelta(days=8)  # Klaviyo forgets a bulk job after seven

_event: Final = pl.col("event")


def compact(receipts: pl.LazyFrame, *, people_count: int, worth: int = WORTH_A_REWRITE) -> pl.DataFrame | None:
    """Fewer receipts which add up to the same, or None where that is not worth a rewrite.

    It is worth one once there are more than twice as many as people: a ledger's size is bounded by its people's,
    and no delivery of few changes pays for many people. A ledger of which nothing was sent yet stays as it is: it must
    go on saying so.
    """
    if receipts.select(pl.len()).collect().item() <= 2 * people_count + worth or not has_delivered(receipts):
        return None
    intents = sent(receipts)
    members = fold_members(receipts, intents).with_columns(
        sequence="added", event=pl.lit("member", dtype=RECEIPTS["event"])
    )
    kept = _still_of_use(effective(receipts, intents), intents)
    bodies = kept.select("body").unique()
    is_kept = pl.col("is_intent") | (pl.col("is_body") & (_event != "intent")) | _tells_of_recent_bulk_job()
    return pl.concat(
        [
            _as_receipts(members),
            still_existing(receipts).unique("email", keep="any").select(RECEIPTS.names()),
            receipts.join(kept.select("sequence", is_intent=True), on="sequence", how="left")
            .join(bodies.with_columns(is_body=True), on="body", how="left")
            .filter(is_kept)
            .select(RECEIPTS.names()),
        ]
    ).collect()


def _still_of_use(took_effect: pl.LazyFrame, intents: pl.LazyFrame) -> pl.LazyFrame:
    """The intents that are open, or were lost and may have had an effect that no later one has covered."""
    comes_or_goes = pl.col("change").is_in(["add", "remove"])
    last = took_effect.filter(comes_or_goes).group_by("email").agg(last=pl.col("sequence").max())
    is_later = (pl.col("sequence") > pl.col("last")).fill_null(True)
    is_lost = (pl.col("outcome") == "lost") & (pl.col("change") == "add") & is_later
    return intents.join(last, on="email", how="left").filter(pl.col("outcome").is_null() | is_lost)


def _tells_of_recent_bulk_job() -> pl.Expr:
    """Whether a receipt says which bulk job was ours, or until when, of those that Klaviyo may still list."""
    is_told = _event.is_in(["submitted", "settled"])
    at = pl.max_horizontal("joined_from", "joined_until")
    is_recent = at >= at.filter(is_told).max() - _REMEMBERED
    # The last one says that anything was ever sent, however long ago.
    return is_told & (is_recent.fill_null(False) | (pl.col("sequence") == pl.col("sequence").filter(is_told).max()))


def _as_receipts(rows: pl.LazyFrame) -> pl.LazyFrame:
    found = rows.collect_schema().names()
    absent = {name: pl.lit(None, dtype=dtype) for name, dtype in RECEIPTS.items() if name not in found}
    return rows.with_columns(**absent).select(RECEIPTS.names())

"""Whom the receipts account for: one row per person who is on the list because of us, or is about to be.

Most people of a ledger have one receipt, of their first delivery. They are told row by row, so that they pass through
without anything being held; only who has several needs to be looked at by what came first and last.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from klaviyo_assets.frames import LEDGER
from klaviyo_assets.ledger.sent import bodies, effective, sent
from klaviyo_assets.ledger.state import fold_existing

_event: Final = pl.col("event")
_email: Final = pl.col("email")


def fold(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """The LEDGER that the receipts add up to.

    What is about bodies and about who has several receipts is read at once; the rest when the frame is collected.

    Raises:
        PolarsError: the receipts cannot be read.
    """
    of_bodies = receipts.filter(_email.is_null()).collect().lazy()
    of_people = receipts.filter(_email.is_not_null())
    is_several = pl.col("sequence").is_in(_find_several(of_people).implode())
    theirs = of_people.filter(is_several).collect()
    # Collected: joined to what is still to be computed, the streaming engine would hold the receipts until it is.
    single = _fold_single(of_people.filter(~is_several), bodies(of_bodies).collect().lazy())
    if theirs.is_empty():
        return single
    return pl.concat([single, _fold_several(pl.concat([theirs.lazy(), of_bodies]))])


def fold_members(receipts: pl.LazyFrame, intents: pl.LazyFrame) -> pl.LazyFrame:
    """One row per person who is on the list by what took effect last: as RECEIPTS, with `added`, the number of that.

    Additions are many and each person's but one, updates, clears and removals few: so the many are only ever looked at
    by address and number, and the few are joined to them.

    Args:
        receipts: RECEIPTS.
        intents: what `sent` gave of them.
    """
    took_effect = effective(receipts, intents)
    change, number = pl.col("change"), pl.col("sequence")
    added = took_effect.filter(change == "add")
    newest = added.group_by("email").agg(number.max())
    updated = took_effect.filter(change == "update").sort("sequence").unique("email", keep="last")
    last = [
        took_effect.filter(change == kind).group_by("email").agg(number.max().alias(f"{kind}_at"))
        for kind in ("clear", "remove")
    ]
    is_updated = (pl.col("updated") > pl.col("added")).fill_null(False)
    facts = ["sequence", "at", "run_id", "external_id", "payload", "uncleared", "code", "field"]
    return (
        added.join(newest.select("sequence"), on="sequence", how="semi")
        .with_columns(added="sequence")
        .join(updated.select("email", *facts, updated="sequence"), on="email", how="left", suffix="_new")
        .join(last[0], on="email", how="left")
        .join(last[1], on="email", how="left")
        .filter((pl.col("remove_at") > pl.max_horizontal("added", "updated")).fill_null(False).not_())
        .with_columns(pl.when(is_updated).then(f"{fact}_new").otherwise(fact).alias(fact) for fact in facts)
        .join(_lost_additions(intents, last[1]), on="email", how="left")
        .with_columns(
            joined_from=pl.min_horizontal("joined_from", "lost_from"),
            uncleared=pl.when((pl.col("clear_at") > pl.col("sequence")).fill_null(False).not_()).then("uncleared"),
        )
        .select("email", *facts, "joined_from", "joined_until", "added")
    )


def _find_several(of_people: pl.LazyFrame) -> pl.Series:
    """The numbers of the receipts of everybody who has more than one.

    Hashes are compared three times as fast as addresses. Where two people have the same, both count as having several,
    which says no more than that they are looked at longer.
    """
    in_order = of_people.select("sequence", hash=_email.hash()).collect().sort("hash")
    hashes = in_order["hash"]
    is_repeated = (hashes == hashes.shift()).fill_null(False) | (hashes == hashes.shift(-1)).fill_null(False)
    return in_order["sequence"].filter(is_repeated)


def _fold_single(receipts: pl.LazyFrame, known_bodies: pl.LazyFrame) -> pl.LazyFrame:
    """LEDGER of people with one receipt each, row by row."""
    is_intent, outcome = _event == "intent", pl.col("outcome_of_body")
    is_open = is_intent & outcome.is_null()
    is_added = ((pl.col("change") == "add") & (outcome == "done")).fill_null(False)
    is_member = _event.is_in(["member", "adopted"]) | is_added
    told = {
        "external_id": pl.col("external_id"),
        "payload": pl.col("payload"),
        "uncleared": pl.col("uncleared"),
        "joined_from": pl.when(is_intent).then("joined_from_of_body").otherwise("joined_from"),
        "joined_until": pl.when(is_intent).then("joined_until_of_body").otherwise("joined_until"),
    }
    facts = known_bodies.select("body", pl.col("outcome", "joined_from", "joined_until").name.suffix("_of_body"))
    return (
        receipts.join(facts, on="body", how="left")
        .filter(is_member | is_open)
        .select(
            "email",
            *(pl.when(is_member).then(value).alias(name) for name, value in told.items()),
            incomplete=~is_intent & pl.col("field").is_not_null(),
            ours=pl.lit(True),
            open=is_open,
        )
        .select(LEDGER.names())
    )


def _fold_several(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """LEDGER of people with any number of receipts."""
    intents = sent(receipts)
    still_open = intents.filter(pl.col("outcome").is_null()).select("email").unique().with_columns(open=True)
    existing = fold_existing(receipts).select("email", ours=False)
    return (
        fold_members(receipts, intents)
        .join(still_open, on="email", how="full", coalesce=True)
        .join(existing, on="email", how="left")
        .with_columns(
            ours=pl.col("ours").fill_null(True),
            incomplete=pl.col("field").is_not_null(),
            open=pl.col("open").fill_null(False),
        )
        .select(LEDGER.names())
    )


def _lost_additions(intents: pl.LazyFrame, removed: pl.LazyFrame) -> pl.LazyFrame:
    """Since when lost additions may have put people on the list: `lost_from`, of those after their last removal.

    A bulk job that was cancelled may have put people on the list before that: they joined with it, not with the next.
    """
    lost = (pl.col("outcome") == "lost") & (pl.col("change") == "add")
    is_later = (pl.col("sequence") > pl.col("remove_at")).fill_null(True)
    attempts = intents.filter(lost).join(removed, on="email", how="left").filter(is_later)
    return attempts.group_by("email").agg(lost_from=pl.col("joined_from").min())

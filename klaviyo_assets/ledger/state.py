"""What receipts add up to: who is on the list because of us, and which request bodies are still open.

All of it is a function of RECEIPTS. Which of two receipts is the later one is decided by their number alone.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from klaviyo_assets.frames import CHANGE, LEDGER, RECEIPTS, UTC_TIME

OPEN_BODIES: Final = pl.Schema(
    [
        ("body", pl.String),
        ("change", CHANGE),  # a body holds people of one change
        ("bulk_job_id", pl.String),  # null where Klaviyo's answer never came
        ("joined_from", UTC_TIME),  # no bulk job of it was created before this time of Klaviyo's clock
        ("people_count", pl.UInt32),  # without those whom Klaviyo refused at once
        ("at", UTC_TIME),  # when the intent was recorded
    ]
)

WORTH_A_REWRITE: Final = 10_000  # receipts; fewer are read in no time

_event: Final = pl.col("event")


def fold(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """The LEDGER that the receipts add up to."""
    sent = _sent(receipts)
    people = _people(_effective(receipts, sent), sent)
    still_open = sent.filter(pl.col("outcome").is_null()).select("email").unique().with_columns(open=True)
    existing = fold_existing(receipts).select("email", ours=False)
    return (
        people.join(_last_lost_removals(sent), on="email", how="left")
        .join(still_open, on="email", how="full", coalesce=True)
        .join(existing, on="email", how="left")
        .with_columns(
            leaving=(pl.col("lost_removal") > pl.col("added")).fill_null(False),
            ours=pl.col("ours").fill_null(True),
            open=pl.col("open").fill_null(False),
        )
        .select(LEDGER.names())
    )


def fold_existing(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """Who was on the list before we came: `email`, each once."""
    return receipts.filter(_event == "existing").select("email").unique()


def fold_open_bodies(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """The bodies that left, or were about to, and are not settled: OPEN_BODIES, oldest first."""
    return (
        _sent(receipts)
        .filter(pl.col("outcome").is_null())
        .group_by("body")
        .agg(
            pl.col("change").first(),
            pl.col("bulk_job_id").first(),
            pl.col("joined_from").first(),
            people_count=pl.len(),
            at=pl.col("at").min(),
        )
        .select(OPEN_BODIES.names())
        .cast(OPEN_BODIES)
        .sort("at", "body")
    )


def fold_open_people(receipts: pl.LazyFrame, body: str) -> pl.LazyFrame:
    """The intents of one body, without those whom Klaviyo refused already: as RECEIPTS."""
    return _sent(receipts).filter(pl.col("body") == body).select(RECEIPTS.names()).sort("sequence")


def compact(receipts: pl.LazyFrame, *, people_count: int, worth: int = WORTH_A_REWRITE) -> pl.DataFrame | None:
    """Fewer receipts which add up to the same, or None where that is not worth a rewrite.

    It is worth one once there are more than twice as many as people: a ledger's size is bounded by its people's,
    and no delivery of few changes pays for many people.
    """
    if receipts.select(pl.len()).collect().item() <= 2 * people_count + worth:
        return None
    sent = _sent(receipts)
    members = _people(_effective(receipts, sent), sent).with_columns(event=pl.lit("member", dtype=RECEIPTS["event"]))
    is_lost_removal = (pl.col("outcome") == "lost") & (pl.col("change") == "remove")
    kept = sent.filter(pl.col("outcome").is_null() | is_lost_removal).select("body").unique()
    return pl.concat(
        [
            _as_receipts(members),
            receipts.filter(_event == "existing").unique("email", keep="any").select(RECEIPTS.names()),
            receipts.join(kept, on="body", how="semi").select(RECEIPTS.names()),
        ]
    ).collect()


def _as_receipts(rows: pl.LazyFrame) -> pl.LazyFrame:
    found = rows.collect_schema().names()
    absent = {name: pl.lit(None, dtype=dtype) for name, dtype in RECEIPTS.items() if name not in found}
    return rows.with_columns(**absent).select(RECEIPTS.names())


def _sent(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """The intents that Klaviyo did not refuse, each with what is known of its body: outcome, bulk job, its life."""
    facts = ["bulk_job_id", "outcome", "joined_from", "joined_until"]
    bodies = (
        receipts.filter(_event.is_in(["submitted", "settled"]))
        .sort("sequence")
        .group_by("body")
        .agg(pl.col(fact).drop_nulls().last() for fact in facts)
    )
    refused = receipts.filter(_event == "refused").select("body", "email")
    return (
        receipts.filter(_event == "intent")
        .drop(facts)
        .join(bodies, on="body", how="left")
        .join(refused, on=["body", "email"], how="anti")
    )


def _effective(receipts: pl.LazyFrame, sent: pl.LazyFrame) -> pl.LazyFrame:
    """What took effect on a person, in its order: `change` is add, update or remove."""
    # A member is what an earlier compaction left of an add; who is gone is as one removed.
    change = pl.when(_event == "member").then(pl.lit("add")).when(_event == "gone").then(pl.lit("remove"))
    others = receipts.filter(_event.is_in(["member", "gone"])).with_columns(change=change.cast(CHANGE))
    done = sent.filter(pl.col("outcome") == "done")
    return pl.concat([done.select(RECEIPTS.names()), others.select(RECEIPTS.names())]).sort("sequence")


def _people(effective: pl.LazyFrame, sent: pl.LazyFrame) -> pl.LazyFrame:
    """One row per person who is on the list by what took effect last.

    Additions are many and each person's but one, updates and removals few: so the many are only ever looked at by
    address and number, and the few are joined to them.
    """
    change, number = pl.col("change"), pl.col("sequence")
    added = effective.filter(change == "add")
    newest = added.group_by("email").agg(number.max())
    updated = effective.filter(change == "update").sort("sequence").unique("email", keep="last")
    removed = effective.filter(change == "remove").group_by("email").agg(removed=number.max())
    is_updated = (pl.col("updated") > pl.col("added")).fill_null(False)
    facts = ["sequence", "at", "run_id", "external_id", "payload"]
    return (
        added.join(newest.select("sequence"), on="sequence", how="semi")
        .with_columns(added="sequence")
        .join(updated.select("email", *facts, updated="sequence"), on="email", how="left", suffix="_new")
        .join(removed, on="email", how="left")
        .filter((pl.col("removed") > pl.max_horizontal("added", "updated")).fill_null(False).not_())
        .with_columns(pl.when(is_updated).then(f"{fact}_new").otherwise(fact).alias(fact) for fact in facts)
        .join(_lost_additions(sent), on="email", how="left")
        .with_columns(joined_from=pl.when(_is_after_removal).then(_earliest).otherwise("joined_from"))
        .select("email", *facts, "joined_from", "joined_until", "added")
    )


# A bulk job that was cancelled may have put people on the list before that: they joined with it, not with the next.
_is_after_removal: Final = pl.col("lost_addition") > pl.col("removed").fill_null(-1)
_earliest: Final = pl.min_horizontal("joined_from", "lost_from")


def _lost_additions(sent: pl.LazyFrame) -> pl.LazyFrame:
    lost = (pl.col("outcome") == "lost") & (pl.col("change") == "add")
    attempts = sent.filter(lost).group_by("email")
    return attempts.agg(lost_addition=pl.col("sequence").max(), lost_from=pl.col("joined_from").min())


def _last_lost_removals(sent: pl.LazyFrame) -> pl.LazyFrame:
    lost = (pl.col("outcome") == "lost") & (pl.col("change") == "remove")
    return sent.filter(lost).group_by("email").agg(lost_removal=pl.col("sequence").max())

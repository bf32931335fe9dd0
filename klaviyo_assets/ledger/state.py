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
        ("created_at", UTC_TIME),  # of the bulk job, by Klaviyo's clock
        ("people_count", pl.UInt32),  # without those whom Klaviyo refused at once
        ("at", UTC_TIME),  # when the intent was recorded
    ]
)

WORTH_A_REWRITE: Final = 10_000  # receipts; fewer are read in no time

_event: Final = pl.col("event")


def fold(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """The LEDGER that the receipts add up to."""
    sent = _sent(receipts)
    people = _people(_effective(receipts, sent))
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
            created_at=pl.col("joined_from").first(),
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


def compact(receipts: pl.LazyFrame, *, worth: int = WORTH_A_REWRITE) -> pl.DataFrame | None:
    """Fewer receipts which add up to the same, or None where that is not worth a rewrite.

    It is worth one once there are more than twice as many as people: a ledger's size is bounded by its people's,
    and no delivery of few changes pays for many people.
    """
    count = receipts.select(pl.len()).collect().item()
    sent = _sent(receipts)
    people = _people(_effective(receipts, sent)).collect()
    if count <= 2 * people.height + worth:
        return None
    kept = sent.filter(
        pl.col("outcome").is_null() | ((pl.col("outcome") == "lost") & (pl.col("change") == "remove"))
    ).select("body")
    members = people.lazy().with_columns(event=pl.lit("member", dtype=RECEIPTS["event"]))
    return pl.concat(
        [
            _as_receipts(members),
            receipts.filter(_event == "existing").unique("email", keep="any").select(RECEIPTS.names()),
            receipts.join(kept.unique(), on="body", how="semi").select(RECEIPTS.names()),
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


def _people(effective: pl.LazyFrame) -> pl.LazyFrame:
    """One row per person who is on the list by what took effect last."""
    change = pl.col("change")
    sent = change != "remove"
    return (
        effective.group_by("email")
        .agg(
            pl.col("sequence", "at", "run_id").last(),
            pl.col("external_id", "payload").filter(sent).last(),
            pl.col("joined_from", "joined_until").filter(change == "add").last(),
            added=pl.col("sequence").filter(change == "add").last(),
            last_change=change.last(),
        )
        .filter(pl.col("last_change") != "remove")
        .drop("last_change")
    )


def _last_lost_removals(sent: pl.LazyFrame) -> pl.LazyFrame:
    lost = (pl.col("outcome") == "lost") & (pl.col("change") == "remove")
    return sent.filter(lost).group_by("email").agg(lost_removal=pl.col("sequence").max())

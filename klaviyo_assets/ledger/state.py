"""What receipts add up to: who is on the list because of us, and which request bodies are still open.

All of it is a function of RECEIPTS. Which of two receipts is the later one is decided by their number alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import polars as pl

from klaviyo_assets.frames import CHANGE, LEDGER, RECEIPTS, UTC_TIME

OPEN_BODIES: Final = pl.Schema(
    [
        ("body", pl.String),
        ("change", CHANGE),  # a body holds people of one change
        ("bulk_job_id", pl.String),  # null where Klaviyo's answer never came
        ("joined_from", UTC_TIME),  # no bulk job of it was created before this time of Klaviyo's clock
        ("dropped", pl.String),  # the field of which Klaviyo said that it left it out for somebody
        ("people_count", pl.UInt32),  # without those whom Klaviyo refused at once
        ("at", UTC_TIME),  # when the intent was recorded
    ]
)

WORTH_A_REWRITE: Final = 10_000  # receipts; fewer are read in no time
_REMEMBERED: Final = timedelta(days=8)  # Klaviyo forgets a bulk job after seven

_event: Final = pl.col("event")


def fold(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """The LEDGER that the receipts add up to."""
    sent = _sent(receipts)
    people = _people(_effective(receipts, sent), sent)
    still_open = sent.filter(pl.col("outcome").is_null()).select("email").unique().with_columns(open=True)
    existing = fold_existing(receipts).select("email", ours=False)
    return (
        people.join(still_open, on="email", how="full", coalesce=True)
        .join(existing, on="email", how="left")
        .with_columns(
            ours=pl.col("ours").fill_null(True),
            incomplete=pl.col("field").is_not_null(),
            open=pl.col("open").fill_null(False),
        )
        .select(LEDGER.names())
    )


def fold_existing(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """Who was on the list before we came, and was not adopted since: `email`, each once."""
    return _still_existing(receipts).select("email").unique()


def fold_heard_until(receipts: pl.LazyFrame) -> datetime | None:
    """The last time of Klaviyo's clock of which the ledger knows; None where it knows of none."""
    last = receipts.select(pl.max_horizontal(pl.col("joined_from").max(), pl.col("joined_until").max()))
    heard: datetime | None = last.collect().item()
    return heard


def fold_bulk_jobs(receipts: pl.LazyFrame) -> set[str]:
    """The bulk jobs of which the ledger knows: all that Klaviyo may still remember."""
    return set(receipts.select(pl.col("bulk_job_id").drop_nulls().unique()).collect()["bulk_job_id"])


def has_delivered(receipts: pl.LazyFrame) -> bool:
    """Whether anything was ever sent by this ledger's account, or was about to be."""
    sent = receipts.filter(_event.is_in(["intent", "submitted", "settled", "member"])).head(1)
    return not sent.collect().is_empty()


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
            pl.col("dropped").first(),
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
    and no delivery of few changes pays for many people. A ledger of which nothing was sent yet stays as it is: it must
    go on saying so.
    """
    if receipts.select(pl.len()).collect().item() <= 2 * people_count + worth or not has_delivered(receipts):
        return None
    sent = _sent(receipts)
    effective = _effective(receipts, sent)
    members = _people(effective, sent).with_columns(sequence="added", event=pl.lit("member", dtype=RECEIPTS["event"]))
    intents = _still_of_use(effective, sent)
    bodies = intents.select("body").unique()
    is_kept = pl.col("is_intent") | (pl.col("is_body") & (_event != "intent")) | _tells_of_recent_bulk_job()
    return pl.concat(
        [
            _as_receipts(members),
            _still_existing(receipts).unique("email", keep="any").select(RECEIPTS.names()),
            receipts.join(intents.select("sequence", is_intent=True), on="sequence", how="left")
            .join(bodies.with_columns(is_body=True), on="body", how="left")
            .filter(is_kept)
            .select(RECEIPTS.names()),
        ]
    ).collect()


def _still_of_use(effective: pl.LazyFrame, sent: pl.LazyFrame) -> pl.LazyFrame:
    """The intents that are open, or were lost and may have had an effect that no later one has covered."""
    comes_or_goes = pl.col("change").is_in(["add", "remove"])
    last = effective.filter(comes_or_goes).group_by("email").agg(last=pl.col("sequence").max())
    is_later = (pl.col("sequence") > pl.col("last")).fill_null(True)
    is_lost = (pl.col("outcome") == "lost") & (pl.col("change") == "add") & is_later
    return sent.join(last, on="email", how="left").filter(pl.col("outcome").is_null() | is_lost)


def _tells_of_recent_bulk_job() -> pl.Expr:
    """Whether a receipt says which bulk job was ours, or until when, of those that Klaviyo may still list."""
    is_told = _event.is_in(["submitted", "settled"])
    at = pl.max_horizontal("joined_from", "joined_until")
    is_recent = at >= at.filter(is_told).max() - _REMEMBERED
    # The last one says that anything was ever sent, however long ago.
    return is_told & (is_recent.fill_null(False) | (pl.col("sequence") == pl.col("sequence").filter(is_told).max()))


def _still_existing(receipts: pl.LazyFrame) -> pl.LazyFrame:
    adopted = receipts.filter(_event == "adopted").group_by("email").agg(adopted=pl.col("sequence").max())
    return (
        receipts.filter(_event == "existing")
        .join(adopted, on="email", how="left")
        .filter((pl.col("adopted") > pl.col("sequence")).fill_null(False).not_())
    )


def _as_receipts(rows: pl.LazyFrame) -> pl.LazyFrame:
    found = rows.collect_schema().names()
    absent = {name: pl.lit(None, dtype=dtype) for name, dtype in RECEIPTS.items() if name not in found}
    return rows.with_columns(**absent).select(RECEIPTS.names())


def _sent(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """The intents that Klaviyo did not refuse, each with what is known of its body: outcome, bulk job, its life.

    `field` is what Klaviyo left out for this very person, `dropped` what it left out for somebody in the body.
    """
    facts = ["bulk_job_id", "outcome", "joined_from", "joined_until"]
    bodies = (
        receipts.filter(_event.is_in(["submitted", "settled"]))
        .sort("sequence")
        .group_by("body")
        .agg(*(pl.col(fact).drop_nulls().last() for fact in facts), dropped=pl.col("field").drop_nulls().last())
    )
    refused = receipts.filter(_event == "refused").select("body", "email")
    left_out = receipts.filter(_event == "dropped").select("body", "email", "code", "field").unique(["body", "email"])
    return (
        receipts.filter(_event == "intent")
        .drop(*facts, "code", "field")
        .join(bodies, on="body", how="left")
        .join(refused, on=["body", "email"], how="anti")
        .join(left_out, on=["body", "email"], how="left")
    )


def _effective(receipts: pl.LazyFrame, sent: pl.LazyFrame) -> pl.LazyFrame:
    """What took effect on a person, in its order: `change` is add, update, clear or remove."""
    # A member is what an earlier compaction left of an add, who is adopted as if added; who is gone is as one removed.
    change = pl.when(_event == "gone").then(pl.lit("remove")).otherwise(pl.lit("add"))
    others = receipts.filter(_event.is_in(["member", "adopted", "gone"])).with_columns(change=change.cast(CHANGE))
    done = sent.filter(pl.col("outcome") == "done")
    return pl.concat([done.select(RECEIPTS.names()), others.select(RECEIPTS.names())]).sort("sequence")


def _people(effective: pl.LazyFrame, sent: pl.LazyFrame) -> pl.LazyFrame:
    """One row per person who is on the list by what took effect last.

    Additions are many and each person's but one, updates, clears and removals few: so the many are only ever looked at
    by address and number, and the few are joined to them.
    """
    change, number = pl.col("change"), pl.col("sequence")
    added = effective.filter(change == "add")
    newest = added.group_by("email").agg(number.max())
    updated = effective.filter(change == "update").sort("sequence").unique("email", keep="last")
    last = [
        effective.filter(change == kind).group_by("email").agg(number.max().alias(f"{kind}_at"))
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
        .join(_lost_additions(sent, last[1]), on="email", how="left")
        .with_columns(
            joined_from=pl.min_horizontal("joined_from", "lost_from"),
            uncleared=pl.when((pl.col("clear_at") > pl.col("sequence")).fill_null(False).not_()).then("uncleared"),
        )
        .select("email", *facts, "joined_from", "joined_until", "added")
    )


def _lost_additions(sent: pl.LazyFrame, removed: pl.LazyFrame) -> pl.LazyFrame:
    """Since when lost additions may have put people on the list: `lost_from`, of those after their last removal.

    A bulk job that was cancelled may have put people on the list before that: they joined with it, not with the next.
    """
    lost = (pl.col("outcome") == "lost") & (pl.col("change") == "add")
    is_later = (pl.col("sequence") > pl.col("remove_at")).fill_null(True)
    attempts = sent.filter(lost).join(removed, on="email", how="left").filter(is_later)
    return attempts.group_by("email").agg(lost_from=pl.col("joined_from").min())

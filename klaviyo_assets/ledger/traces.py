"""What the receipts tell of one person, a step at a time: what was sent, when, by which run, and what came of it.

Who is on the list is told by `state`; here is how it came to that.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from klaviyo_assets.frames import UTC_TIME

STEPS: Final = pl.Schema(
    [
        ("at", UTC_TIME),
        ("run_id", pl.String),
        ("step", pl.String),  # add, update, clear, remove; or existing, adopted, gone, member
        ("outcome", pl.String),  # of what was sent: confirmed, refused, lost or open; null of the others
        ("bulk_job_id", pl.String),
        ("code", pl.String),  # Klaviyo's, where it refused the person, or left a field out
        ("field", pl.String),
        ("joined_at", UTC_TIME),  # of existing and adopted: when they joined the list, by Klaviyo's clock
    ]
)

_WHEN: Final = ("at", "sequence")  # numbers begin anew after a compaction, so that time comes first here
_SAME: Final = ("sequence", "at", "run_id")

_event: Final = pl.col("event")


def about(receipts: pl.LazyFrame, email: str) -> pl.LazyFrame:
    """The receipts of one person, and those of the bodies that the person was in; they fold to what all fold to."""
    own = pl.col("email") == email
    bodies = receipts.filter(own).select("body").drop_nulls().unique()
    shared = receipts.filter(pl.col("email").is_null()).join(bodies, on="body", how="semi")
    return pl.concat([receipts.filter(own), shared]).sort("sequence")


def fold_steps(receipts: pl.LazyFrame) -> pl.DataFrame:
    """STEPS of the one person whom the receipts are about, the oldest first.

    Args:
        receipts: what `about` gave; of several versions of a ledger too, whose receipts may stand there repeatedly.
    """
    once = receipts.unique(["sequence", "at", "event", "body"], keep="any")
    steps = pl.concat([each.select("sequence", *STEPS.names()) for each in (_sent(once), _others(once))])
    return steps.sort(_WHEN).select(STEPS.names()).cast(STEPS).collect()


def _others(receipts: pl.LazyFrame) -> pl.LazyFrame:
    # A member is what a compaction left of a step that may still be told by an older file.
    told = receipts.filter(_event.is_in(["intent", "adopted"])).select(_SAME)
    left = receipts.filter(_event == "member").join(told, on=_SAME, how="anti")
    others = receipts.filter(_event.is_in(["existing", "adopted", "gone"]))
    return pl.concat([left, others]).with_columns(
        step=_event.cast(pl.String),
        outcome=pl.lit(None, pl.String),
        joined_at=pl.when(_event.is_in(["existing", "adopted"])).then("joined_from"),
    )


def _sent(receipts: pl.LazyFrame) -> pl.LazyFrame:
    bodies = receipts.filter(_event.is_in(["submitted", "settled"])).sort(_WHEN).group_by("body")
    facts = bodies.agg(pl.col(name).drop_nulls().last() for name in ("bulk_job_id", "outcome"))
    answers = receipts.filter(_event.is_in(["refused", "dropped"])).unique("body", keep="any")
    return (
        receipts.filter(_event == "intent")
        .drop("bulk_job_id", "outcome", "code", "field")
        .join(facts, on="body", how="left")
        .join(answers.select("body", "code", "field", answer="event"), on="body", how="left")
        .with_columns(step=pl.col("change").cast(pl.String), outcome=_outcome(), joined_at=pl.lit(None, UTC_TIME))
    )


def _outcome() -> pl.Expr:
    return (
        pl.when((pl.col("answer") == "refused").fill_null(False))
        .then(pl.lit("refused"))
        .when((pl.col("outcome") == "done").fill_null(False))
        .then(pl.lit("confirmed"))
        .when((pl.col("outcome") == "lost").fill_null(False))
        .then(pl.lit("lost"))
        .otherwise(pl.lit("open"))
    )

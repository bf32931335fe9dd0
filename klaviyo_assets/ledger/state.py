"""What receipts add up to, besides the people: which request bodies are open, who was there before, what was heard.

All of it is a function of RECEIPTS. Which of two receipts is the later one is decided by their number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import polars as pl

from klaviyo_assets.frames import CHANGE, RECEIPTS, UTC_TIME
from klaviyo_assets.ledger.sent import sent

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

_event: Final = pl.col("event")


def fold_existing(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """Who was on the list before we came, and was not adopted since: `email`, each once."""
    return still_existing(receipts).select("email").unique()


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
    told = receipts.filter(_event.is_in(["intent", "submitted", "settled", "member"])).head(1)
    return not told.collect().is_empty()


def fold_open_bodies(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """The bodies that left, or were about to, and are not settled: OPEN_BODIES, oldest first."""
    settled = receipts.filter(pl.col("outcome").is_not_null()).select("body")
    return (
        sent(receipts.join(settled, on="body", how="anti"))
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
    return sent(receipts.filter(pl.col("body") == body)).select(RECEIPTS.names()).sort("sequence")


def still_existing(receipts: pl.LazyFrame, *, person: Sequence[str] = ("email",)) -> pl.LazyFrame:
    """The receipts of who was on the list before we came, and was not adopted since.

    Args:
        receipts: RECEIPTS.
        person: the columns that say who it is.
    """
    adopted = receipts.filter(_event == "adopted").group_by(person).agg(adopted=pl.col("sequence").max())
    return (
        receipts.filter(_event == "existing")
        .join(adopted, on=person, how="left")
        .filter((pl.col("adopted") > pl.col("sequence")).fill_null(False).not_())
    )

"""What was sent, and what took effect: the receipts of single people, each with what became of the body it was in.

What that comes to for a person is told in `people`, for a body in `state`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from klaviyo_assets.frames import CHANGE

FACTS: Final = ("bulk_job_id", "outcome", "joined_from", "joined_until")  # of a body, as far as they are known

_event: Final = pl.col("event")


def bodies(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """What is known of each body that left: `body`, FACTS, and `dropped`, what Klaviyo left out for somebody in it."""
    return (
        receipts.filter(_event.is_in(["submitted", "settled"]))
        .sort("sequence")
        .group_by("body")
        .agg(
            *(pl.col(fact).drop_nulls().last() for fact in FACTS if fact != "joined_until"),
            # Of several attempts that Klaviyo took, the one that is followed need not be the one that ends last.
            joined_until=pl.col("joined_until").max(),
            dropped=pl.col("field").drop_nulls().last(),
        )
    )


def sent(receipts: pl.LazyFrame, *, person: Sequence[str] = ("email",)) -> pl.LazyFrame:
    """The intents that Klaviyo did not refuse, each with what is known of its body.

    `field` is what Klaviyo left out for this very person, `dropped` what it left out for somebody in the body.

    Args:
        receipts: RECEIPTS.
        person: the columns that say who it is.
    """
    one = ["body", *person]
    refused = receipts.filter(_event == "refused").select(one)
    left_out = receipts.filter(_event == "dropped").select(*one, "code", "field").unique(one)
    return (
        receipts.filter(_event == "intent")
        .drop(*FACTS, "code", "field")
        .join(bodies(receipts), on="body", how="left")
        .join(refused, on=one, how="anti")
        .join(left_out, on=one, how="left")
    )


def effective(receipts: pl.LazyFrame, intents: pl.LazyFrame) -> pl.LazyFrame:
    """What took effect on a person, in any order: `change` is add, update, clear or remove.

    Args:
        receipts: RECEIPTS.
        intents: what `sent` gave of them.
    """
    # A member is what an earlier compaction left of an add, who is adopted as if added; who is gone is as one removed.
    change = pl.when(_event == "gone").then(pl.lit("remove")).otherwise(pl.lit("add"))
    others = receipts.filter(_event.is_in(["member", "adopted", "gone"])).with_columns(change=change.cast(CHANGE))
    done = intents.filter(pl.col("outcome") == "done")
    columns = receipts.collect_schema().names()
    return pl.concat([done.select(columns), others.select(columns)])

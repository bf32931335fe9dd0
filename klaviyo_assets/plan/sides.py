"""The two sides of a comparison: who is in the segment, and who is in the ledger and not in the segment.

People are compared by a digest of their payload, which is made anew on both sides in each comparison: so that of a
million people who are as they were, the payloads pass by and are not held. What the kinds mean is told in `diff`.
"""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from klaviyo_assets.frames import NOT_OPTED_IN_RULE, PROFILES

# 64 bits, of one person's two payloads: that they are equal by chance where the payloads are not happens once in
# 18 000 000 000 000 000 000 changes.
_DIGEST: Final = pl.when(pl.col("payload").is_not_null()).then(pl.col("payload").hash())


def read_known(ledger: pl.LazyFrame) -> pl.DataFrame:
    """What a comparison needs of everybody in the ledger: LEDGER with `known_digest` instead of the payload."""
    return ledger.with_columns(known_digest=_DIGEST).drop("payload").collect()


def find_additions(profiles: pl.LazyFrame, known: pl.DataFrame) -> pl.LazyFrame:
    """Everybody in the segment who is not in the ledger: rows of `profiles`, in their order, read when collected.

    Args:
        profiles: PROFILES, each address once.
        known: what `read_known` gave.
    """
    if known.is_empty():  # as at a first delivery, which then needs to remember nobody
        return profiles
    return profiles.join(known.lazy().select("email"), on="email", how="anti", maintain_order="left")


def find_inside(profiles: pl.LazyFrame, known: pl.DataFrame, *, may_clear: bool, resend_all: bool) -> pl.DataFrame:
    """Everybody in the segment and in the ledger about whom there is something to do.

    Args:
        profiles: PROFILES, each address once.
        known: what `read_known` gave.
        may_clear: whether fields that are empty now are emptied in Klaviyo.
        resend_all: whether everybody who would be unchanged is updated all the same.

    Returns:
        PROFILES with their `kind`: update or clear.
    """
    facts = (
        known.lazy()
        .filter(~pl.col("open"))
        .select("email", "known_digest", "incomplete", is_owing=pl.col("uncleared").is_not_null())
    )
    sides = profiles.select(*PROFILES.names(), digest=_DIGEST).join(facts, on="email")
    is_as_it_was = (pl.col("digest") == pl.col("known_digest")) & ~pl.col("incomplete") & pl.lit(not resend_all)
    kind = (
        pl.when(is_as_it_was & pl.col("is_owing") & pl.lit(may_clear))
        .then(pl.lit("clear"))
        .when(is_as_it_was.fill_null(False).not_())
        .then(pl.lit("update"))
    )
    return sides.with_columns(kind=kind).drop_nulls("kind").select(*PROFILES.names(), "kind").collect()


def find_outside(
    profiles: pl.LazyFrame, rejections: pl.LazyFrame, known: pl.DataFrame, *, leavers: Literal["keep", "remove"]
) -> pl.DataFrame:
    """Everybody in the ledger who is not in the segment.

    Args:
        profiles: PROFILES, each address once.
        rejections: REJECTIONS.
        known: what `read_known` gave.
        leavers: whether who left the segment leaves the list.

    Returns:
        Rows of `known` with their `kind`, remove or stay, and `new_address`, of who is there under another one.
    """
    gone = known.lazy().join(profiles.select("email"), on="email", how="anti").collect()
    outside = gone.join(_new_addresses(profiles, gone), on="external_id", how="left").join(
        _bad_rows(rejections, gone), on="email", how="left"
    )
    moved = pl.col("new_address").is_not_null() & pl.col("ours")
    leaves = pl.col("ours") & pl.lit(leavers == "remove")
    kind = (
        pl.when(~pl.col("open") & (moved | leaves) & pl.col("is_bad").is_null())
        .then(pl.lit("remove"))
        .otherwise(pl.lit("stay"))
    )
    return outside.with_columns(kind=kind).drop("is_bad")


def _new_addresses(profiles: pl.LazyFrame, gone: pl.DataFrame) -> pl.DataFrame:
    """`external_id` of those who are in the segment under another address, and that one."""
    ids = gone.lazy().select("external_id").drop_nulls().unique()
    return (
        profiles.select("external_id", new_address="email")
        .join(ids, on="external_id", how="semi")
        .unique("external_id", keep="none")
        .collect()
    )


def _bad_rows(rejections: pl.LazyFrame, gone: pl.DataFrame) -> pl.DataFrame:
    """`email` of those who have a row that could not be sent. Who did not agree is simply not in the segment."""
    bad = rejections.filter(pl.col("rule") != NOT_OPTED_IN_RULE).select("email")
    return bad.join(gone.lazy().select("email"), on="email", how="semi").unique().with_columns(is_bad=True).collect()

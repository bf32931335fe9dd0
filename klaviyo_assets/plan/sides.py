"""The two sides of a comparison: who is in the segment, and who is in the ledger, and who is in both.

People are found by a hash of their address, and held against each other by a second one, which takes half the time that
the address takes; their payloads are compared by a digest. All of these are made anew on both sides. So of a million
people who are as they were, nothing is kept but where they stand. What the kinds mean is told in `diff`.
"""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from klaviyo_assets.frames import CHANGE, NOT_OPTED_IN_RULE, look_up

# 64 bits, of one person's two payloads: that they are equal by chance where the payloads are not happens once in
# 18 000 000 000 000 000 000 changes.
_DIGEST: Final = pl.when(pl.col("payload").is_not_null()).then(pl.col("payload").hash())
# Two hashes of 64 bits stand for an address: that both are the same for two people happens to no segment.
_HASH: Final = pl.col("email").hash()
_AGAIN: Final = pl.col("email").hash(seed=1)
_BOTH: Final = pl.Schema({"place": pl.get_index_type(), "kind": CHANGE})


def read_known(ledger: pl.LazyFrame) -> pl.DataFrame:
    """What a comparison needs of everybody in the ledger: LEDGER with `known_digest` instead of the payload."""
    return ledger.with_columns(known_digest=_DIGEST).drop("payload").collect()


def find_both(profiles: pl.LazyFrame, known: pl.DataFrame, *, may_clear: bool, resend_all: bool) -> pl.DataFrame:
    """Everybody who is in the segment and in the ledger.

    Args:
        profiles: PROFILES, each address once.
        known: what `read_known` gave.
        may_clear: whether fields that are empty now are emptied in Klaviyo.
        resend_all: whether everybody who would be unchanged is updated all the same.

    Returns:
        `place`, the row in `known`, and `kind`: update or clear, or null of whom there is nothing to do about.
    """
    if known.is_empty():  # as at a first delivery
        return pl.DataFrame(schema=_BOTH)
    places = known.select(hash=_HASH).with_row_index("place")
    people = profiles.select(hash=_HASH, again=_AGAIN, digest=_DIGEST)
    pairs = look_up(people, places, "hash").select(pl.exclude("hash")).collect()
    facts = known.select(
        "known_digest", "incomplete", "open", known_again=_AGAIN, is_owing=pl.col("uncleared").is_not_null()
    )
    met = pairs.hstack(facts[pairs["place"]].get_columns()).filter(pl.col("again") == pl.col("known_again"))
    is_as_it_was = (pl.col("digest") == pl.col("known_digest")) & ~pl.col("incomplete") & pl.lit(not resend_all)
    kind = (
        pl.when(is_as_it_was & pl.col("is_owing") & pl.lit(may_clear))
        .then(pl.lit("clear"))
        .when(is_as_it_was.fill_null(False).not_())
        .then(pl.lit("update"))
    )
    return met.select("place", kind=pl.when(~pl.col("open")).then(kind).cast(CHANGE))


def read_additions(profiles: pl.LazyFrame, known: pl.DataFrame) -> pl.LazyFrame:
    """Everybody in the segment who is not in the ledger: rows of `profiles`, in their order, read when collected.

    Args:
        profiles: PROFILES, each address once.
        known: what `read_known` gave.
    """
    if known.is_empty():  # as at a first delivery, which then needs to remember nobody
        return profiles
    return look_up(profiles, known.select("email"), "email", "anti")


def find_inside(known: pl.DataFrame, both: pl.DataFrame) -> pl.DataFrame:
    """Everybody in the segment and in the ledger about whom there is something to do.

    Args:
        known: what `read_known` gave.
        both: what `find_both` gave.

    Returns:
        `email`, `kind`, and what the ledger knows: `known_external_id` and `uncleared`.
    """
    changed = both.drop_nulls("kind")
    told = known.select("email", "uncleared", known_external_id="external_id")[changed["place"]]
    return told.with_columns(changed["kind"])


def read_changed(profiles: pl.LazyFrame, people: pl.DataFrame) -> pl.LazyFrame:
    """The rows of `profiles` of these people, in their order, read when collected.

    Args:
        profiles: PROFILES, each address once.
        people: `email`, `known_external_id`, `clears` and `unset`.
    """
    facts = people.select("email", "known_external_id", "clears", "unset")
    if facts.is_empty():  # nothing is read, as where nobody has changed
        profiles = profiles.clear()
    return look_up(profiles, facts, "email").with_columns(external_id=pl.coalesce("external_id", "known_external_id"))


def read_among(rows: pl.LazyFrame, emails: pl.Series) -> pl.DataFrame:
    """The rows of these people, by their `email`, of any frame.

    What a filter lets through it copies, where a join would hold on to all that its rows were read with.
    """
    if emails.is_empty():  # nothing is read, as where nobody has changed
        return rows.clear().collect()
    may_be_among = rows.filter(_HASH.is_in(emails.hash().implode())).collect()
    return may_be_among.join(emails.to_frame("email"), on="email", how="semi")


def find_outside(
    profiles: pl.LazyFrame,
    rejections: pl.LazyFrame,
    known: pl.DataFrame,
    both: pl.DataFrame,
    *,
    leavers: Literal["keep", "remove"],
) -> pl.DataFrame:
    """Everybody in the ledger who is not in the segment.

    Args:
        profiles: PROFILES, each address once.
        rejections: REJECTIONS.
        known: what `read_known` gave.
        both: what `find_both` gave.
        leavers: whether who left the segment leaves the list.

    Returns:
        Rows of `known` with their `kind`, remove or stay, and `new_address`, of who is there under another one.
    """
    gone = known.with_row_index("place").join(both, on="place", how="anti").drop("place")
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
    ids = gone.select("external_id").drop_nulls().unique()
    if ids.is_empty():  # nothing is read, as where nobody has left
        return pl.DataFrame(schema={"external_id": pl.String, "new_address": pl.String})
    return (
        profiles.select("external_id", new_address="email")
        .filter(pl.col("external_id").is_in(ids["external_id"].implode()))
        .unique("external_id", keep="none")
        .collect()
    )


def _bad_rows(rejections: pl.LazyFrame, gone: pl.DataFrame) -> pl.DataFrame:
    """`email` of those who have a row that could not be sent. Who did not agree is simply not in the segment."""
    bad = rejections.filter(pl.col("rule") != NOT_OPTED_IN_RULE).select("email")
    return look_up(bad, gone.select("email"), "email", "semi").unique().with_columns(is_bad=True).collect()

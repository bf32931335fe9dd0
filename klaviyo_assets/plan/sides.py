"""The two sides of a comparison: who is in the segment, and who is in the ledger, and who is in both.

A person is known by two hashes of the address, PERSON, and payloads are compared by a digest. All are made anew on both
sides. So of a million people who are as they were, nothing is kept but where they stand. What the kinds mean is told in
`diff`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from klaviyo_assets.frames import CHANGE, NOT_OPTED_IN_RULE, PERSON, PERSON_OF_EMAIL, look_up

# 64 bits, of one person's two payloads: that they are equal by chance where the payloads are not happens once in
# 18 000 000 000 000 000 000 changes.
_DIGEST: Final = pl.when(pl.col("payload").is_not_null()).then(pl.col("payload").hash())
_BOTH: Final = pl.Schema({"place": pl.get_index_type(), "kind": CHANGE})


@dataclass(frozen=True)
class Sides:
    """What comes of a comparison: of whom there is nothing to do about, only how many they are.

    Attributes:
        additions: rows of PROFILES of everybody who is not in the ledger, in their order, read when collected.
        inside: everybody on both sides about whom there is something to do: PERSON, their `kind`, update or clear, and
            what the ledger knows: `known_external_id` and `uncleared`.
        outside: everybody in the ledger who is not in the segment: as LEDGER, with their `kind`, remove or stay, and
            `new_address`, of who is there under another one.
        profile_count: people in the segment.
        added: those of them who are not in the ledger.
        pending: those of them about whom a request is open.
        member_count: people in the ledger, without those whose first request is still open.
    """

    additions: pl.LazyFrame
    inside: pl.DataFrame
    outside: pl.DataFrame
    profile_count: int
    added: int
    pending: int
    member_count: int


def compare(
    profiles: pl.LazyFrame,
    rejections: pl.LazyFrame,
    ledger: pl.LazyFrame,
    *,
    leavers: Literal["keep", "remove"],
    may_clear: bool,
    resend_all: bool,
) -> Sides:
    """Hold the segment against the ledger.

    Args:
        profiles: PROFILES, each address once.
        rejections: REJECTIONS.
        ledger: LEDGER, each address once.
        leavers: whether who left the segment leaves the list.
        may_clear: whether fields that are empty now are emptied in Klaviyo.
        resend_all: whether everybody who would be unchanged is updated all the same.
    """
    known = ledger.with_columns(known_digest=_DIGEST).drop("payload").collect()
    both = _find_both(profiles, known, may_clear=may_clear, resend_all=resend_all)
    outside = _find_outside(profiles, rejections, known, both, leavers=leavers)
    profile_count = profiles.select(pl.len()).collect().item()
    # Each address stands once on either side: who is on both is the ledger without those who are outside.
    added = profile_count - (known.height - outside.height)
    first_open = known.select((pl.col("known_digest").is_null() & pl.col("open")).sum()).item()
    return Sides(
        additions=_read_additions(profiles, known) if added else profiles.clear(),
        inside=_find_inside(known, both),
        outside=outside,
        profile_count=profile_count,
        added=added,
        pending=int(known["open"].sum()) - int(outside["open"].sum()),
        member_count=known.height - int(first_open),
    )


def look_up_people(rows: pl.LazyFrame, facts: pl.DataFrame) -> pl.LazyFrame:
    """The rows of these people, in their order, with what is told of them.

    Args:
        rows: with `email`.
        facts: PERSON, each once, and columns that `rows` does not have.
    """
    first, second = PERSON
    told = facts.rename({second: "told_again"})
    met = look_up(rows.with_columns(PERSON_OF_EMAIL), told, first).filter(pl.col(second) == pl.col("told_again"))
    return met.drop(*PERSON, "told_again")


def _find_both(profiles: pl.LazyFrame, known: pl.DataFrame, *, may_clear: bool, resend_all: bool) -> pl.DataFrame:
    """Everybody who is in the segment and in the ledger.

    Returns:
        `place`, the row in `known`, and `kind`: update or clear, or null of whom there is nothing to do about.
    """
    if known.is_empty():  # as at a first delivery
        return pl.DataFrame(schema=_BOTH)
    places = known.select(PERSON_OF_EMAIL).with_row_index("place")
    people = profiles.select("email", digest=_DIGEST)
    pairs = look_up_people(people, places).select("place", "digest").collect()
    facts = known.select("known_digest", "incomplete", "open", is_owing=pl.col("uncleared").is_not_null())
    met = pairs.hstack(facts[pairs["place"]].get_columns())
    is_as_it_was = (pl.col("digest") == pl.col("known_digest")) & ~pl.col("incomplete") & pl.lit(not resend_all)
    kind = (
        pl.when(is_as_it_was & pl.col("is_owing") & pl.lit(may_clear))
        .then(pl.lit("clear"))
        .when(is_as_it_was.fill_null(False).not_())
        .then(pl.lit("update"))
    )
    return met.select("place", kind=pl.when(~pl.col("open")).then(kind).cast(CHANGE))


def _read_additions(profiles: pl.LazyFrame, known: pl.DataFrame) -> pl.LazyFrame:
    if known.is_empty():  # as at a first delivery, which then needs to remember nobody
        return profiles
    return look_up(profiles, known.select("email"), "email", "anti")


def _find_inside(known: pl.DataFrame, both: pl.DataFrame) -> pl.DataFrame:
    changed = both.drop_nulls("kind")
    told = known.select("email", "uncleared", known_external_id="external_id")[changed["place"]]
    return told.select(*PERSON_OF_EMAIL, "uncleared", "known_external_id").with_columns(changed["kind"])


def read_changed(profiles: pl.LazyFrame, people: pl.DataFrame) -> pl.LazyFrame:
    """The rows of `profiles` of these people, in their order, read when collected.

    Args:
        profiles: PROFILES, each address once.
        people: PERSON, `known_external_id`, `clears` and `unset`.
    """
    facts = people.select(*PERSON, "known_external_id", "clears", "unset")
    if facts.is_empty():  # nothing is read, as where nobody has changed
        profiles = profiles.clear()
    return look_up_people(profiles, facts).with_columns(external_id=pl.coalesce("external_id", "known_external_id"))


def read_among(rows: pl.LazyFrame, emails: pl.Series) -> pl.DataFrame:
    """The rows of these people, by their `email`, of any frame.

    What a filter lets through it copies, where a join would hold on to all that its rows were read with.
    """
    if emails.is_empty():  # nothing is read, as where nobody has changed
        return rows.clear().collect()
    may_be_among = rows.filter(pl.col("email").hash().is_in(emails.hash().implode())).collect()
    return may_be_among.join(emails.to_frame("email"), on="email", how="semi")


def _find_outside(
    profiles: pl.LazyFrame,
    rejections: pl.LazyFrame,
    known: pl.DataFrame,
    both: pl.DataFrame,
    *,
    leavers: Literal["keep", "remove"],
) -> pl.DataFrame:
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

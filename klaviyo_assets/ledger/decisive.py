"""Which of a person's receipts decide what the ledger says of him: found by numbers alone, whoever he is.

A receipt weighs half a kilobyte, nearly all of it texts. To decide which one counts, it is enough to know whose it is,
and what became of its body: so the receipts are stripped to that, however many there are, and told in full later, one
by one, by `people` and `compaction`. What is found in them is found for some of the people after the others: stripped,
a receipt weighs sixty bytes, and joined with what became of its body several times as much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

from klaviyo_assets.frames import PERSON, PERSON_OF_EMAIL, read_in_parts
from klaviyo_assets.ledger.sent import effective, sent

DECISIVE: Final = ("sequence", "added", "joined_from", "joined_until", "code", "field", "is_member", "is_cleared")

_HEAVY: Final = ("at", "run_id", "email", "external_id", "payload", "uncleared")
_REPEATED: Final = ("body", "bulk_job_id", "code", "field")  # texts, each the same for many receipts
_AT_ONCE: Final = 2_000_000  # receipts
_event: Final = pl.col("event")
_number: Final = pl.col("sequence")


def find(
    of_people: pl.LazyFrame, of_bodies: pl.DataFrame, *what: Callable[[pl.LazyFrame], pl.LazyFrame]
) -> list[pl.DataFrame]:
    """What there is to be found of each person: that of some people after that of the others, in any order.

    Args:
        of_people: RECEIPTS about people: of each whom it is about all.
        of_bodies: all RECEIPTS about bodies.
        what: each finds something in stripped receipts, which are RECEIPTS without what is heavy, and with PERSON.

    Raises:
        PolarsError: the receipts cannot be read.
    """
    stripped_of_bodies = _strip(of_bodies.lazy()).collect()
    parts = _deal(_strip(of_people))
    found = []
    while parts:  # of which each is let go of
        some = pl.concat([parts.pop(), stripped_of_bodies]).lazy()
        found.append([find_in(some).collect() for find_in in what])
    return [pl.concat(some) for some in zip(*found, strict=True)]


def _strip(receipts: pl.LazyFrame) -> pl.LazyFrame:
    return receipts.with_columns(pl.col(_REPEATED).cast(pl.Categorical), *PERSON_OF_EMAIL).drop(_HEAVY)


def _deal(stripped: pl.LazyFrame) -> list[pl.DataFrame]:
    """The receipts, dealt out so that all of a person's are in one part."""
    height = stripped.select(pl.len()).collect().item()
    nobody = stripped.clear().collect()
    parts = [[nobody] for _ in range(1 + height // _AT_ONCE)]
    dealt = stripped.with_columns(part=pl.col("person") % len(parts))
    for rows in read_in_parts(dealt, height=height, part_height=_AT_ONCE):
        for some in rows.partition_by("part", maintain_order=False):
            parts[some["part"][0]].append(some.drop("part"))
    return [pl.concat(some) for some in parts]


def decide(stripped: pl.LazyFrame) -> pl.LazyFrame:
    """One row per person who is on the list because of us, or is about to be: PERSON and DECISIVE.

    `sequence` is the number of the receipt that tells the person's fields, `added` that of the one by which he joined.
    Whose first request is open is no member yet: then `sequence` is that of the request. `is_cleared` says that what
    was still to be emptied is empty since; `code` and `field`, what Klaviyo left out.

    Args:
        stripped: as `find` gives them: of bodies all, of people all of those who are asked for.
    """
    intents = sent(stripped, person=PERSON)
    took_effect = effective(stripped, intents)
    is_open = intents.filter(pl.col("outcome").is_null()).group_by(PERSON).agg(open_at=_number.max())
    joined = took_effect.select("joined_from", "joined_until", added="sequence")
    left_out = took_effect.filter(pl.col("field").is_not_null()).select("sequence", "code", "field")
    return (
        _find_members(took_effect)
        .join(joined, on="added", how="left")
        .join(_lost_additions(intents, took_effect), on=PERSON, how="left")
        .join(is_open, on=PERSON, how="full", coalesce=True)
        .with_columns(
            sequence=pl.coalesce("sequence", "open_at"),
            joined_from=pl.min_horizontal("joined_from", "lost_from"),
            is_member=_number.is_not_null(),
        )
        .join(left_out, on="sequence", how="left")
        .select(*PERSON, *DECISIVE, is_open=pl.col("open_at").is_not_null())
    )


def lasts(took_effect: pl.LazyFrame) -> pl.LazyFrame:
    """When each change took effect on a person last: PERSON, and the numbers `add`, `update`, `clear`, `remove`."""
    change = pl.col("change")
    return took_effect.group_by(PERSON).agg(
        _number.filter(change == kind).max().alias(kind) for kind in ("add", "update", "clear", "remove")
    )


def _find_members(took_effect: pl.LazyFrame) -> pl.LazyFrame:
    """Who is on the list by what took effect last: PERSON, `sequence`, `added` and `is_cleared`."""
    told = pl.max_horizontal("add", "update")
    return (
        lasts(took_effect)
        .filter(pl.col("add").is_not_null() & (pl.col("remove") > told).fill_null(False).not_())
        .select(*PERSON, sequence=told, added="add", is_cleared=(pl.col("clear") > told).fill_null(False))
    )


def _lost_additions(intents: pl.LazyFrame, took_effect: pl.LazyFrame) -> pl.LazyFrame:
    """Since when lost additions may have put people on the list: `lost_from`, of those after their last removal.

    A bulk job that was cancelled may have put people on the list before that: they joined with it, not with the next.
    """
    lost = intents.filter((pl.col("outcome") == "lost") & (pl.col("change") == "add"))
    removed = took_effect.filter(pl.col("change") == "remove").group_by(PERSON).agg(removed_at=_number.max())
    attempts = lost.join(removed, on=PERSON, how="left").filter((_number > pl.col("removed_at")).fill_null(True))
    return attempts.group_by(PERSON).agg(lost_from=pl.col("joined_from").min())

"""Who is who: which identifiers stand for nobody, and which rows with one address give way to another.

What looks at one row alone belongs in `rows`. These are the questions that need all rows at once. They are asked of
addresses and identifiers only, streaming, and what they give back grows with what repeats, not with the segment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from klaviyo_assets.frames import look_up
from klaviyo_assets.mapping.rows import ROW, is_somebody, judge
from klaviyo_assets.mapping.rules import Rule, email_duplicate, external_id_shared, phone_shared

SHARED_RULES: Final[Mapping[str, Rule]] = {"phone_number": phone_shared, "external_id": external_id_shared}


def find_repeated(rows: pl.LazyFrame, columns: Sequence[str]) -> dict[str, pl.DataFrame]:
    """For each of the columns, the hashes of the values that stand in several rows: `hash`, each once.

    Where two values have the same hash they count as one that repeats, and are told apart by whoever looks closer. The
    hashes take a fraction of the memory of the values, and of the time to compare them.

    Args:
        rows: all identified rows.
        columns: of text; null where a row has none.
    """
    hashes = rows.select(pl.when(pl.col(each).is_not_null()).then(_hash(each)).alias(each) for each in columns)
    collected = hashes.collect(engine="streaming")
    return {column: _twice(collected[column].drop_nulls().sort()) for column in columns}


def find_shared(rows: pl.LazyFrame, identifier: str, repeated: pl.DataFrame) -> pl.DataFrame:
    """The values of an identifier that stand with several addresses that can be sent to, each once.

    Who did not opt in may still be known to Klaviyo by the identifier, so their addresses count.

    Args:
        rows: all identified rows.
        identifier: its column; null where a row has none.
        repeated: what `find_repeated` found of it.
    """
    held = _repeating(rows, identifier, repeated).filter(is_somebody()).group_by(identifier)
    shared = held.agg(SHARED_RULES[identifier].broken_by(pl.col("email")).alias("shared"))
    return shared.filter("shared").select(identifier).collect(engine="streaming")


def find_rivals(rows: pl.LazyFrame, repeated: pl.DataFrame) -> pl.DataFrame:
    """`order`, `row`, `email` and `external_id` of the rows that can be sent to and whose address repeats.

    Args:
        rows: all identified rows.
        repeated: what `find_repeated` found of the addresses.
    """
    rivals = judge(_repeating(rows, "email", repeated)).filter(pl.col("rule").is_null())
    return rivals.select(*ROW, "email", "external_id").collect(engine="streaming")


def find_tied(rivals: pl.DataFrame) -> pl.DataFrame:
    """`order` and `row` of the rivals between which only the payload can decide."""
    return rivals.filter(pl.struct("order", "email", "external_id").is_duplicated()).select(ROW)


def find_beaten(rivals: pl.DataFrame) -> pl.DataFrame:
    """`order` and `row` of the rivals that give way to another one with the same address.

    The row of the first-listed segment stays; then the one with the lowest external id (a shorter one is lower, so
    that 9 comes before 10; no id comes last); then the one with the smallest payload. The place in the segment
    decides only between rows of which the same would be sent.

    Args:
        rivals: what `find_rivals` found, as far as it fits, with the `payload` of the tied ones.
    """
    precedence = ("order", pl.col("external_id").str.len_chars(), "external_id", "payload", "row")
    in_order = rivals.sort("email", *precedence, nulls_last=True)
    return in_order.filter(email_duplicate.broken_by(pl.col("email"))).select(ROW)


def _repeating(rows: pl.LazyFrame, column: str, repeated: pl.DataFrame) -> pl.LazyFrame:
    """The rows whose value stands in several rows, and, where two values have one hash, perhaps a few more."""
    if repeated.is_empty():
        return rows.clear()
    hashed = rows.filter(pl.col(column).is_not_null()).with_columns(hash=_hash(column))
    return look_up(hashed, repeated, "hash", "semi").drop("hash")


def _hash(column: str) -> pl.Expr:
    return pl.col(column).hash()


def _twice(hashes: pl.Series) -> pl.DataFrame:
    """Those that stand in a sorted column more than once."""
    return hashes.filter(hashes == hashes.shift()).unique().rename("hash").to_frame()

"""A segment's rows in the one form that all segments share, whatever their columns and types were.

    number     order, row       the segment's place in the export, and the row's place in the segment
               segment          the segment's asset key
               opted_in         whether the customer agreed to be contacted; null where the row does not say
               address          what the e-mail column holds, trimmed
               <part>.<key>     what the field's column holds; null where the segment has none
    identify   email            the address in the one form in which Klaviyo keeps it; null where there is none
               phone_number,    identifiers as text; null where they are missing or break a rule
               external_id
               <rule>           whether the row breaks it: for each rule about identifiers
    judge      rule             the first rule that consent or address break; null where it can be sent to
    encode     <part>.<key>     `"key":` and the field's JSON; null where there is nothing to send
               <rule>           for each rule about coordinates

Each step adds to the one before, so that a step need not look at rows which the one before was enough to put aside.
What needs more than one row belongs in `identities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import polars as pl
import polars.selectors as cs

from klaviyo_assets.exports import FieldMap
from klaviyo_assets.frames import look_up
from klaviyo_assets.mapping.columns import Field
from klaviyo_assets.mapping.json_text import is_text, json_member, number_text, trimmed_member
from klaviyo_assets.mapping.normalise import is_true, normalise_phone, trim, unless
from klaviyo_assets.mapping.rules import (
    ADDRESS_RULES,
    LARGEST_PAYLOAD,
    Rule,
    external_id_too_long,
    first_broken,
    latitude_invalid,
    longitude_invalid,
    not_opted_in,
    phone_invalid,
)

ROW: Final = ("order", "row")
_COORDINATES: Final = {"latitude": latitude_invalid, "longitude": longitude_invalid}
_NO_TEXT: Final = pl.lit(None, dtype=pl.String)
_ENVELOPE: Final = 512  # bytes; the address, and the names and braces around the fields
_LONGEST_ESCAPE: Final = 6  # bytes of JSON for one byte of text, as \\u0000
_LONGEST_SCALAR: Final = 64  # bytes; a 128-bit integer takes 40

Dtypes = Mapping[Field, pl.DataType]


@dataclass(frozen=True)
class Rows:
    """Rows of one segment.

    Attributes:
        frame: numbered rows.
        dtypes: each field's type in the segment; Null where the segment has no such column.
    """

    frame: pl.LazyFrame
    dtypes: Dtypes

    def filter(self, predicate: pl.Expr) -> Rows:
        """Those of which it is true."""
        return replace(self, frame=self.frame.filter(predicate))

    def among(self, others: pl.DataFrame) -> Rows:
        """Those whose `order` and `row` stand in the other frame; where it is empty, nothing is read."""
        if others.is_empty():
            return replace(self, frame=self.frame.clear())
        return replace(self, frame=look_up(self.frame, others, ROW, "semi"))

    def without(self, others: pl.DataFrame) -> Rows:
        """Those whose `order` and `row` do not stand in the other frame."""
        if others.is_empty():
            return self
        return replace(self, frame=look_up(self.frame, others, ROW, "anti"))


def number(frame: pl.LazyFrame, segment: str, *, order: int, field_map: FieldMap, dtypes: Dtypes) -> Rows:
    """All rows of a segment, which come in its own columns.

    Args:
        frame: the segment's rows.
        segment: its asset key.
        order: its place in the export.
        field_map: which columns hold the addresses and who agreed.
        dtypes: each field's type in the segment; Null where the segment has no such column.
    """
    address = cs.by_name(field_map.email).as_expr().cast(pl.String)
    opted_in = pl.lit(True) if field_map.opted_in is None else is_true(cs.by_name(field_map.opted_in).as_expr())
    raw = (_raw(field, dtype) for field, dtype in dtypes.items())
    chosen = frame.select(address.alias("address"), opted_in.alias("opted_in"), *raw)
    numbered = chosen.with_row_index("row").with_columns(
        pl.lit(order, dtype=pl.Int32).alias("order"),
        pl.col("row").cast(pl.Int64),
        pl.lit(segment).alias("segment"),
        trim(pl.col("address")),
    )
    return Rows(numbered, dtypes)


def identify(rows: Rows) -> pl.LazyFrame:
    """Numbered rows with what identifies a person to Klaviyo."""
    texts = {field.key: _text(field, dtype) for field, dtype in rows.dtypes.items() if field.identifies}
    normalised = rows.frame.with_columns(
        unless(pl.col("address").str.to_lowercase(), "").alias("email"),
        normalise_phone(texts.get("phone_number", _NO_TEXT)).alias("phone_number"),
        trim(texts.get("external_id", _NO_TEXT)).alias("external_id"),
    )
    return normalised.with_columns(
        **_unless_broken(phone_invalid, "phone_number"), **_unless_broken(external_id_too_long, "external_id")
    )


def judge(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Numbered rows with the rule that their consent or their address breaks."""
    consent = first_broken([not_opted_in], pl.col("opted_in"))
    return frame.with_columns(pl.coalesce(consent, _address_rule()).alias("rule"))


def is_somebody() -> pl.Expr:
    """Whether the address of a numbered row can be sent to, whether or not the customer agreed."""
    return _address_rule().is_null()


def encode(frame: pl.LazyFrame, dtypes: Dtypes) -> pl.LazyFrame:
    """Identified rows with every field encoded."""
    # In two steps, as Polars does not always see that both want the same trimmed text.
    trimmed = {field.name: trim(_text(field, dtype)) for field, dtype in dtypes.items() if field.part != "properties"}
    encoded: dict[str, pl.Expr] = {rule.name: pl.lit(False) for rule in _COORDINATES.values()}
    for field, dtype in dtypes.items():
        encoded |= _encoded(field, dtype)
    return frame.with_columns(**trimmed).with_columns(**encoded)


def may_be_too_large(dtypes: Dtypes) -> pl.Expr:
    """Whether a numbered row's payload could be too large, told without building it; never false where it is."""
    if any(dtype.is_nested() for dtype in dtypes.values()):
        return pl.lit(True)
    keys = sum(len(field.key.encode()) for field in dtypes)
    fixed = _ENVELOPE + _LONGEST_SCALAR * len(dtypes) + _LONGEST_ESCAPE * keys
    texts = [pl.col(field.name).cast(pl.String) for field, dtype in dtypes.items() if is_text(dtype)]
    text_bytes = pl.sum_horizontal(pl.lit(0), *(text.str.len_bytes().cast(pl.Int64) for text in texts))
    return text_bytes * _LONGEST_ESCAPE + fixed > LARGEST_PAYLOAD


def _address_rule() -> pl.Expr:
    return first_broken(ADDRESS_RULES, pl.col("address"))


def _raw(field: Field, dtype: pl.DataType) -> pl.Expr:
    # Not `pl.col`, which reads a name like "*" or "^a.*$" as a pattern.
    value = pl.lit(None) if dtype == pl.Null else cs.by_name(field.column).as_expr()
    return value.alias(field.name)


def _text(field: Field, dtype: pl.DataType) -> pl.Expr:
    value = pl.col(field.name)
    return number_text(value, dtype) if dtype.is_numeric() else value.cast(pl.String)


def _unless_broken(rule: Rule, name: str) -> dict[str, pl.Expr]:
    value = unless(pl.col(name), "")
    broken = rule.broken_by(value).fill_null(False)
    return {rule.name: broken, name: pl.when(~broken).then(value)}


def _encoded(field: Field, dtype: pl.DataType) -> dict[str, pl.Expr]:
    if field.part == "properties":
        return {field.name: json_member(field.key, pl.col(field.name), dtype)}
    if field.part == "location" and field.key in _COORDINATES:
        return _coordinate(field)
    text = pl.col(field.key if field.identifies else field.name)
    return {field.name: trimmed_member(field.key, text)}


def _coordinate(field: Field) -> dict[str, pl.Expr]:
    text = pl.col(field.name)
    degrees = text.cast(pl.Float64, strict=False)
    rule = _COORDINATES[field.key]
    broken = (text != "") & rule.broken_by(degrees)
    return {rule.name: broken, field.name: json_member(field.key, pl.when(~broken).then(degrees), pl.Float64())}

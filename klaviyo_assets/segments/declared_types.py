"""Columns of a type that model.json declares: texts become values, and a value of another type is told of.

Which spellings a type takes is here, one function each; the frame's columns are never guessed (`text_types.py` does
that for CSV files, which declare nothing). Formats: the Common Data Model's defaults, ISO 8601 and decimal points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
import polars.selectors as cs

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.segments.csv_rows import is_blank
from klaviyo_assets.segments.model_json import Attribute

PARTITION: Final = "partition\0"  # the number of the row's partition, from 0; no attribute is called so
ROW: Final = "row\0"  # its place in the partition, from 0
_DECIMAL_DIGITS: Final = 38  # the most that a Decimal holds
_DECIMAL: Final = r"^[+-]?(\d+)(?:\.(\d*))?$"
_ZERO_AS_SPARK_WRITES_IT: Final = r"^[+-]?0(\.0*)?[eE][+-]?\d+$"  # 0E-18

Parse = Callable[[pl.Expr, bool], pl.Expr]  # texts and whether a value of another type is an error or null


def _parse_integer(text: pl.Expr, strict: bool) -> pl.Expr:
    return text.cast(pl.Int64, strict=strict)


def _parse_double(text: pl.Expr, strict: bool) -> pl.Expr:
    return text.cast(pl.Float64, strict=strict)


def _parse_boolean(text: pl.Expr, strict: bool) -> pl.Expr:
    lower = text.str.to_lowercase()
    return lower.cast(pl.Enum(["false", "true"]), strict=strict).to_physical().cast(pl.Boolean)


def _parse_moment(text: pl.Expr, strict: bool) -> pl.Expr:
    """Datetime in UTC: the seventh digit of a fraction is cut off, and what states no offset is in UTC."""
    whole = (
        text.str.replace(r"^(\d{4}-\d\d-\d\d)$", "${1}T00:00:00")
        .str.replace(" ", "T", literal=True)
        .str.replace(r"T(\d\d:\d\d)([Zz+-]|$)", "T${1}:00${2}")
        .str.replace(r"[Zz]$", "+00:00")
        .str.replace(r"(T[\d:.]+)$", "${1}+00:00")
    )
    return whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", time_zone="UTC", strict=strict)


def _parse_date(text: pl.Expr, strict: bool) -> pl.Expr:
    """Date; a moment is one if it is midnight."""
    day = text.str.replace(r"[T ]00:00(:00(\.0+)?)?(Z|z|[+-]00:?00)?$", "")
    return day.str.to_date("%Y-%m-%d", strict=strict)


_PARSERS: Final[Mapping[str, Parse]] = {
    "int64": _parse_integer,
    "double": _parse_double,
    "boolean": _parse_boolean,
    "date": _parse_date,
    "datetime": _parse_moment,
    "datetimeoffset": _parse_moment,
}  # everything else stays text, but for decimal, whose scale depends on the values


@dataclass(frozen=True)
class Fit:
    """What was found while texts were held against their declared types."""

    scales: Mapping[str, int]  # of each decimal: the digits after its point, at most
    has_blank_rows: bool


def check_fit(texts: pl.LazyFrame, attributes: Sequence[Attribute], *, partitions: Sequence[str]) -> Fit:
    """Hold every value against its declared type, in one pass.

    Args:
        texts: a column of texts for each attribute, and the columns `PARTITION` and `ROW`.
        attributes: the declared columns.
        partitions: the partitions' names, by their number in `PARTITION`.

    Raises:
        SourceUnreadable: a value is not of its column's type; the message names its place, not the value.
    """
    place = pl.struct(PARTITION, ROW)
    decimals = [attribute for attribute in attributes if attribute.data_type == "decimal"]
    typed = [attribute for attribute in attributes if attribute.data_type in _PARSERS] + decimals
    misfits = [
        place.filter(_text(attribute).is_not_null() & ~_fits(attribute)).first().alias(f"misfit {number}")
        for number, attribute in enumerate(typed)
    ]
    digits = [_count_digits(attribute).alias(f"digits {number}") for number, attribute in enumerate(decimals)]
    found = texts.select(is_blank().any().alias("blank"), *misfits, *digits).collect().row(0, named=True)
    for number, attribute in enumerate(typed):
        if misfit := found[f"misfit {number}"]:
            raise SourceUnreadable(
                f"Partition {partitions[misfit[PARTITION]]!r}, row {misfit[ROW] + 1}, column {attribute.name!r}: the "
                f"value is not {attribute.data_type}, as model.json declares it; correct the value or the type."
            )
    return Fit(
        {
            attribute.name: _find_scale(attribute, found[f"digits {number}"])
            for number, attribute in enumerate(decimals)
        },
        has_blank_rows=found["blank"],
    )


def convert(texts: pl.LazyFrame, attributes: Sequence[Attribute], fit: Fit) -> pl.LazyFrame:
    """The columns of the attributes in their types; a row without any value is nobody, and left out."""
    customers = texts.filter(~is_blank()) if fit.has_blank_rows else texts
    return customers.select(_parse(attribute, fit).alias(attribute.name) for attribute in attributes)


def _parse(attribute: Attribute, fit: Fit) -> pl.Expr:
    if attribute.data_type == "decimal":
        return _decimal_text(attribute).cast(pl.Decimal(_DECIMAL_DIGITS, fit.scales[attribute.name]))
    if parse := _PARSERS.get(attribute.data_type):
        return parse(_trimmed(attribute), True)
    return _text(attribute)


def _fits(attribute: Attribute) -> pl.Expr:
    if attribute.data_type == "decimal":
        return _decimal_text(attribute).str.contains(_DECIMAL)
    return _PARSERS[attribute.data_type](_trimmed(attribute), False).is_not_null()


def _count_digits(attribute: Attribute) -> pl.Expr:
    """A decimal's digits before its point and after it, at most."""
    text = _decimal_text(attribute)
    return pl.struct(
        whole=text.str.extract(_DECIMAL, 1).str.strip_chars_start("0").str.len_bytes().max(),
        fraction=text.str.extract(_DECIMAL, 2).str.len_bytes().max(),
    )


def _find_scale(attribute: Attribute, digits: Mapping[str, int | None]) -> int:
    whole, fraction = digits["whole"] or 0, digits["fraction"] or 0
    if whole + fraction > _DECIMAL_DIGITS:
        raise SourceUnreadable(
            f"Column {attribute.name!r}: found decimals with {whole} digits before the point and {fraction} after it, "
            f"expected at most {_DECIMAL_DIGITS} together; declare the column as string."
        )
    return fraction


def _decimal_text(attribute: Attribute) -> pl.Expr:
    return _trimmed(attribute).str.replace(_ZERO_AS_SPARK_WRITES_IT, "0")


def _trimmed(attribute: Attribute) -> pl.Expr:
    return _text(attribute).str.strip_chars()


def _text(attribute: Attribute) -> pl.Expr:
    # pl.col takes a name as ^x$ for a pattern.
    return cs.by_name(attribute.name).as_expr()

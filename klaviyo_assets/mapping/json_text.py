"""The JSON that a value of any type becomes, as an expression; null where there is nothing to say.

The rules, at every depth:

    text, Categorical, Enum    a string, as it is; blank text is nothing
    Boolean                    true, false
    integers of any width      a number with all its digits
    Float                      the shortest number that reads back as the same; a whole one without ".0", so that
                               nothing changes when a source's column turns from integer to float; NaN and the
                               infinities are nothing; -0.0 is 0
    Decimal                    a number with exactly its digits, without zeros at the end of its fraction
    Date                       "2026-11-23"
    Datetime with a zone       "2026-11-23T05:00:00Z", in UTC; fractions of a second only where there are any
    Datetime without one       "2026-11-23T05:00:00": no zone is made up
                               dates outside of the years 1 to 9999, which have no such form, are nothing
    Time                       "05:00:00"
    Duration                   a number of seconds, so that Klaviyo can compare it
    List, Array                an array of what is something
    Struct                     an object of the fields that are something, in the type's order
    an empty array or object   nothing

So null never stands in it: Klaviyo's documents contradict each other on what a null does. Types that JSON cannot hold
are found by `unsendable` and refused by `columns`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import polars as pl
from polars.datatypes import DataTypeClass

from klaviyo_assets.mapping.normalise import trim, unless

_NOTHING: Final = pl.lit(None, dtype=pl.String)
_SECONDS: Final = pl.Decimal(38, 9)
_SECONDS_PER_DAY: Final = 86_400
_DAYS: Final = (-719_162, 2_932_897)  # from 1970-01-01 to 0001-01-01, and to the end of 9999
_UNITS_PER_SECOND: Final = {"ms": Decimal(10**3), "us": Decimal(10**6), "ns": Decimal(10**9)}


def is_text(dtype: pl.DataType) -> bool:
    """Whether values of the type are text."""
    return isinstance(dtype, (pl.String, pl.Categorical, pl.Enum))


def inner_type(dtype: pl.List | pl.Array) -> pl.DataType:
    """The type of the items."""
    return _instance(dtype.inner)


def field_types(dtype: pl.Struct) -> dict[str, pl.DataType]:
    """The fields' types by their names, in the type's order."""
    return {field.name: _instance(field.dtype) for field in dtype.fields}


def unsendable(dtype: pl.DataType) -> pl.DataType | None:
    """The type within this one that has no JSON, as Binary in List(Binary); None where all has."""
    if isinstance(dtype, (pl.List, pl.Array)):
        return unsendable(inner_type(dtype))
    if isinstance(dtype, pl.Struct):
        return next((found for inner in field_types(dtype).values() if (found := unsendable(inner))), None)
    plain = dtype.is_numeric() or dtype.is_temporal() or is_text(dtype)
    return None if plain or dtype in (pl.Boolean, pl.Null) else dtype


def depth(dtype: pl.DataType) -> int:
    """How many arrays and objects stand one in another in values of the type."""
    if isinstance(dtype, (pl.List, pl.Array)):
        return 1 + depth(inner_type(dtype))
    if isinstance(dtype, pl.Struct):
        return 1 + max(map(depth, field_types(dtype).values()), default=0)
    return 0


def json_value(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The value's JSON by the table above; null where there is nothing to say.

    Args:
        value: any expression of that type.
        dtype: a type in which `unsendable` finds nothing.
    """
    if isinstance(dtype, (pl.List, pl.Array)):
        return _array(value, dtype)
    if isinstance(dtype, pl.Struct):
        return _struct(value, dtype)
    if isinstance(dtype, pl.Duration):
        # As Decimal, because Polars divides floats by multiplying with an inexact 1e-6.
        seconds = value.cast(pl.Int64).cast(_SECONDS) / pl.lit(_UNITS_PER_SECOND[dtype.time_unit])
        return number_text(seconds, _SECONDS)
    if dtype.is_temporal():
        return pl.concat_str(pl.lit('"'), _moment(value, dtype), pl.lit('"'))
    if is_text(dtype):
        return json_member("", value, dtype).str.slice(len('"":'))
    if dtype == pl.Null:
        return _NOTHING
    return number_text(value, dtype) if dtype.is_numeric() else value.cast(pl.String)


def json_member(key: str, value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The value as a member of an object, `"key":…`; null where there is nothing to say."""
    if is_text(dtype):
        text = value.cast(pl.String)
        return pl.when(trim(text) != "").then(_text_member(key, text))
    return pl.concat_str(pl.lit(json.dumps(key, ensure_ascii=False) + ":"), json_value(value, dtype))


def trimmed_member(key: str, text: pl.Expr) -> pl.Expr:
    """The same of text that is trimmed already."""
    return pl.when(text != "").then(_text_member(key, text))


def json_object(members: Sequence[pl.Expr], *, key: str | None = None) -> pl.Expr:
    """An object of those members that are not null, in their order; null where that leaves none.

    Args:
        members: each as `"key":…`.
        key: of the object itself, where it is a member of another.
    """
    if not members:
        return _NOTHING
    inside = pl.concat_str(members, separator=",", ignore_nulls=True)
    start = "{" if key is None else f"{json.dumps(key, ensure_ascii=False)}:{{"
    return pl.when(inside != "").then(pl.concat_str(pl.lit(start), inside, pl.lit("}")))


def number_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The number's digits, the same for an integer, a float and a decimal of everyday size; null for NaN."""
    if dtype.is_float():
        digits = value.cast(pl.String).str.strip_suffix(".0")
        return pl.when(value == 0).then(pl.lit("0")).when(value.is_finite()).then(digits)
    if isinstance(dtype, pl.Decimal) and dtype.scale:
        return value.cast(pl.String).str.replace(r"\.?0+$", "")
    return value.cast(pl.String)


def _text_member(key: str, text: pl.Expr) -> pl.Expr:
    # Polars escapes text only inside a struct, and then the key comes for nothing.
    return pl.struct(text.alias(key)).struct.json_encode().str.slice(1).str.strip_suffix("}")


def _array(value: pl.Expr, dtype: pl.List | pl.Array) -> pl.Expr:
    as_list = value.arr.to_list() if isinstance(dtype, pl.Array) else value
    items = as_list.list.eval(json_value(pl.element(), inner_type(dtype)))
    return unless(pl.concat_str(pl.lit("["), items.list.join(",", ignore_nulls=True), pl.lit("]")), "[]")


def _struct(value: pl.Expr, dtype: pl.Struct) -> pl.Expr:
    types = field_types(dtype)
    # By number, because `field` reads a name like "*" or "^a.*$" as a pattern.
    numbered = value.struct.rename_fields([str(number) for number in range(len(types))])
    return json_object(
        [
            json_member(key, numbered.struct.field(str(number)), inner)
            for number, (key, inner) in enumerate(types.items())
        ]
    )


def _moment(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Time:
        return value.dt.to_string("%H:%M:%S%.f")
    if not isinstance(dtype, pl.Datetime):
        return _in_years(value, 1).dt.to_string("%Y-%m-%d")
    dated = _in_years(value, _SECONDS_PER_DAY * int(_UNITS_PER_SECOND[dtype.time_unit]))
    if dtype.time_zone is not None:
        return dated.dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%dT%H:%M:%S%.fZ")
    return dated.dt.to_string("%Y-%m-%dT%H:%M:%S%.f")


def _in_years(value: pl.Expr, units_per_day: int) -> pl.Expr:
    """The date, or null outside of the years 1 to 9999: Polars panics where it has to write some of those."""
    since_1970 = value.to_physical().cast(pl.Int64)
    first, last = _DAYS[0] * units_per_day, _DAYS[1] * units_per_day - 1
    return pl.when(since_1970.is_between(max(first, -(2**63)), min(last, 2**63 - 1))).then(value)


def _instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else pl.Schema({"": dtype})[""]

"""Which fields of a person were sent once and are not any more, told from the payloads alone.

A field is named as it is cleared: "first_name", "location.city", and "properties." with the property's name as JSON
writes it. What to do about a field that is gone is decided in `clears`.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

PROPERTIES: Final = "properties."

# What follows the colon of a key, unless it is an object or an array.
_VALUE: Final = r':(?:"(?:[^"\\]|\\.)*"|[-0-9a-z][-+.0-9a-zE]*)'
# What is left then of most payloads. Where a key holds a colon, or anything an array or an escape, it looks otherwise.
_WITHOUT_VALUES: Final = r'^(?:"[^":\\]*":|[{},])*$'
# A text that ends with a colon is a key, other texts are values.
_PIECES: Final = r'"(?:[^"\\]|\\.)*":?|[\[\]{}]'
_piece: Final = pl.element()
_IS_VALUE: Final = _piece.str.starts_with('"') & ~_piece.str.ends_with('":')
_IDENTITY: Final = "email"  # who the person is, and no field


def skeleton(payload: pl.Expr) -> pl.Expr:
    """The payload's keys and brackets, in their order: the same for all people with the same fields, so for many."""
    plain = payload.str.replace_all(_VALUE, ":")
    is_plain = plain.str.contains(_WITHOUT_VALUES)
    # Piece by piece takes four times as long, and is done for the others only.
    pieces = pl.when(~is_plain).then(payload).str.extract_all(_PIECES).list.filter(~_IS_VALUE)
    return pl.when(is_plain).then(plain).otherwise(pieces.list.join("")).cast(pl.Categorical)


def fields_of(skeletons: pl.Series) -> pl.Series:
    """The fields that stand in each payload, as lists of names; null where there is no payload.

    Args:
        skeletons: of the payloads.
    """
    distinct = skeletons.drop_nulls().unique().cast(pl.String)
    named = pl.DataFrame(
        {"skeleton": distinct, "fields": [_name_fields(each) for each in distinct]},
        schema={"skeleton": pl.String, "fields": pl.List(pl.String)},
    )
    told = skeletons.cast(pl.String).to_frame("skeleton")
    return told.join(named, on="skeleton", how="left", maintain_order="left")["fields"]


def _name_fields(skeleton: str) -> list[str]:
    """The fields of one skeleton; what stands inside the value of a property is no field of its own."""
    fields: list[str] = []
    path: list[str] = []
    key = ""
    for piece in re.findall(_PIECES, skeleton):
        if piece in "{[":
            path.append(key)
        elif piece in "}]":
            path.pop()
        else:
            key = piece[1:-2]
            fields += _name_field(path[1:], key)
    return fields


def _name_field(path: list[str], key: str) -> list[str]:
    if path == ["attributes"] and key not in ("location", "properties", _IDENTITY):
        return [key]
    if path == ["attributes", "location"]:
        return [f"location.{key}"]
    return [f"{PROPERTIES}{key}"] if path == ["attributes", "properties"] else []

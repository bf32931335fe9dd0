"""How columns and types are shown in messages: never by what may be a customer's value.

A header that is missing makes names of the first customer's values; the categories of an Enum are values, and the
fields of a Struct may be keys that a source took from them. What a message says besides is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import polars as pl
from polars.datatypes import DataTypeClass

_VALUE: Final = re.compile(r".*@.*|[\W\d_]*\d[\W\d_]*", re.DOTALL)  # an address; a number, a phone number, a date


def are_names(names: Iterable[str]) -> bool:
    """Whether none of the names looks like a value; where one does, the others are not to be shown either."""
    return not any(map(_VALUE.fullmatch, names))


def shown_type(dtype: pl.DataType | DataTypeClass) -> str:
    """The type as Polars writes it, without an Enum's categories and without fields that look like values."""
    if isinstance(dtype, pl.Enum):
        return "Enum"
    if isinstance(dtype, pl.List):
        return f"List({shown_type(dtype.inner)})"
    if isinstance(dtype, pl.Array):
        return f"Array({shown_type(dtype.inner)}, shape=({dtype.size},))"
    if isinstance(dtype, pl.Struct):
        fields = {field.name: field.dtype for field in dtype.fields}
        inside = ", ".join(f"{name!r}: {shown_type(inner)}" for name, inner in fields.items())
        return f"Struct({{{inside}}})" if are_names(fields) else "Struct"
    return str(dtype)

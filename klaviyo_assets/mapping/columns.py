"""Which column feeds which field, once the segments' columns are known; and every complaint about columns.

A complaint that needs a value belongs in `rules`.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from klaviyo_assets.errors import ColumnMissing, SegmentError
from klaviyo_assets.exports import FieldMap
from klaviyo_assets.mapping.json_text import depth, field_types, inner_type, is_text, unsendable
from klaviyo_assets.shown import are_names, shown_type

IDENTIFIERS: Final = ("phone_number", "external_id")
_COLUMNS_SHOWN: Final = 40
_DEEPEST: Final = 8  # the work for a value doubles with each array or object around it


@dataclass(frozen=True)
class Field:
    """One field of a profile, and the column that feeds it.

    Attributes:
        part: where in the payload it stands.
        key: its name there, as Klaviyo or the field map calls it.
        column: its name in the segment.
    """

    part: Literal["attributes", "location", "properties"]
    key: str
    column: str

    @property
    def name(self) -> str:
        """Its column's name within mapping, where no name of a source can clash with it."""
        return f"{self.part}.{self.key}"

    @property
    def identifies(self) -> bool:
        """Whether Klaviyo knows people by it, besides by their address."""
        return self.part == "attributes" and self.key in IDENTIFIERS


def match_columns(schemas: Mapping[str, pl.Schema], field_map: FieldMap) -> tuple[Field, ...]:
    """The fields of the payload, in its order.

    Declared fields keep the field map's order; other columns follow by name, so that it does not matter where they
    stand in their source. Where another column has the name of a declared property, the declaration wins.

    Args:
        schemas: each segment's columns and types, by its asset key.
        field_map: what to feed.

    Raises:
        ColumnMissing: a mapped column is in not every segment.
        SegmentError: a column's type cannot feed its field, or segments disagree on it.
    """
    for segment, schema in schemas.items():
        _check_present(segment, schema, field_map)
        _check_email(segment, schema[field_map.email], field_map.email)
        if field_map.opted_in is not None:
            _check_opted_in(segment, schema[field_map.opted_in], field_map.opted_in)
    fields = (*_declared(field_map), *_others(schemas, field_map))
    for field in fields:
        _check_field(field, {name: schema[field.column] for name, schema in schemas.items() if field.column in schema})
    return fields


def _declared(field_map: FieldMap) -> Iterator[Field]:
    yield from (Field("attributes", key, column) for key, column in field_map.attributes.items())
    yield from (Field("location", key, column) for key, column in field_map.location.items())
    yield from (Field("properties", key, column) for key, column in field_map.properties.items())


def _others(schemas: Mapping[str, pl.Schema], field_map: FieldMap) -> Iterator[Field]:
    if field_map.other_columns:
        columns = {column for schema in schemas.values() for column in schema}
        taken = {*field_map.named_columns, *field_map.properties}
        yield from (Field("properties", column, column) for column in sorted(columns - taken))


def _check_present(segment: str, schema: pl.Schema, field_map: FieldMap) -> None:
    missing = [column for column in field_map.named_columns if column not in schema]
    if missing:
        raise ColumnMissing(
            f"Segment {segment} has no column {', '.join(_with_guess(column, schema) for column in missing)}; "
            f"{_shown(schema)}; correct the name in the export's match or fields, or add the column to "
            f"the segment."
        )


def _with_guess(column: str, schema: pl.Schema) -> str:
    folded = {name.casefold(): name for name in schema} if are_names(schema) else {}
    guesses = difflib.get_close_matches(column.casefold(), folded, n=1)
    return f"'{column}'" + (f" (did you mean '{folded[guesses[0]]}'?)" if guesses else "")


def _shown(schema: pl.Schema) -> str:
    if not schema:
        return "it has no columns"
    if not are_names(schema):
        return f"the names of its {len(schema)} columns look like a customer's values, as where a header is missing"
    rest = len(schema) - _COLUMNS_SHOWN
    return f"its columns are {', '.join([*schema][:_COLUMNS_SHOWN])}" + (f" and {rest} more" if rest > 0 else "")


def _check_email(segment: str, dtype: pl.DataType, column: str) -> None:
    # A segment without rows often has columns without a type.
    if not is_text(dtype) and dtype != pl.Null:
        raise SegmentError(
            f"Segment {segment} holds {shown_type(dtype)} in column '{column}', which the export matches e-mail "
            f"addresses by, expected String; name the column with the addresses in the export's match."
        )


def _check_opted_in(segment: str, dtype: pl.DataType, column: str) -> None:
    if not (dtype.is_integer() or is_text(dtype) or dtype in (pl.Boolean, pl.Null)):
        raise SegmentError(
            f"Segment {segment} holds {shown_type(dtype)} in column '{column}', by which the export tells who opted "
            f"in, expected Boolean, an integer or String; cast the column in the segment, or name another one in the "
            f"export's match."
        )


def _check_field(field: Field, dtypes: Mapping[str, pl.DataType]) -> None:
    for segment, dtype in dtypes.items():
        _check_depth(field, segment, dtype)
        found = f"Segment {segment} holds {shown_type(dtype)} in column '{field.column}'"
        where = f"{found}, which feeds {field.part} '{field.key}'"
        if (inner := unsendable(dtype)) is not None:
            raise SegmentError(
                f"{where}, and JSON has no {shown_type(inner)}; cast the column in the segment, or leave it out by "
                f"naming the wanted columns in the export's fields."
            )
        if field.part != "properties" and not (is_text(dtype) or dtype.is_numeric() or dtype == pl.Null):
            raise SegmentError(
                f"{where}, expected text or a number; cast the column in the segment, or map it to a property."
            )
    if field.part == "properties":
        _check_agreement(field, dtypes)


def _check_depth(field: Field, segment: str, dtype: pl.DataType) -> None:
    if depth(dtype) > _DEEPEST:
        raise SegmentError(
            f"Segment {segment} holds values nested {depth(dtype)} deep in column '{field.column}', which feeds "
            f"{field.part} '{field.key}', expected at most {_DEEPEST}; flatten the column in the segment, or leave it "
            f"out by naming the wanted columns in the export's fields."
        )


def _check_agreement(field: Field, dtypes: Mapping[str, pl.DataType]) -> None:
    for (first, one), (second, other) in itertools.combinations(dtypes.items(), 2):
        if not _alike(one, other):
            raise SegmentError(
                f"Segments {first} and {second} hold different types in column '{field.column}', which feeds property "
                f"'{field.key}': {shown_type(one)} and {shown_type(other)}; cast one of them in its segment, so that "
                f"the property is of one kind in Klaviyo."
            )


def _alike(one: pl.DataType, other: pl.DataType) -> bool:
    """Whether values of both types become the same kind of JSON; no cast is needed then, and nothing is lost."""
    if pl.Null in (one, other):
        return True
    if isinstance(one, (pl.List, pl.Array)) and isinstance(other, (pl.List, pl.Array)):
        return _alike(inner_type(one), inner_type(other))
    if isinstance(one, pl.Struct) and isinstance(other, pl.Struct):
        ours, theirs = field_types(one), field_types(other)
        return all(_alike(ours[name], theirs[name]) for name in ours.keys() & theirs.keys())
    if isinstance(one, pl.Datetime) and isinstance(other, pl.Datetime):
        return (one.time_zone is None) == (other.time_zone is None)
    both_numbers = one.is_numeric() and other.is_numeric()
    both_texts = is_text(one) and is_text(other)
    return both_numbers or both_texts or one.base_type() == other.base_type()

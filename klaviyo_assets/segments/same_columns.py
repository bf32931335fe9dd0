"""Several files as one segment: they must have the same columns, whatever their order.

A column that only some files have would become null for the customers of the others without a word; so it is an
error. How the files are read is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.segments.places import SourceFile
from klaviyo_assets.shown import are_names, shown_type


def check_same_columns(files: Sequence[SourceFile], columns: Sequence[Iterable[str]]) -> None:
    """Hold the columns of each file against those of the first.

    Raises:
        SourceUnreadable: a file lacks a column of the first, or has another one.
    """
    expected = list(columns[0])
    for file, names in zip(files[1:], columns[1:], strict=True):
        found = list(names)
        missing = [name for name in expected if name not in found]
        extra = [name for name in found if name not in expected]
        if missing or extra:
            shows = are_names([*expected, *found])
            raise SourceUnreadable(
                f"{file.name} has other columns than {files[0].name}: {_list_names('it lacks', missing, shows)}"
                f"{'; ' if missing and extra else ''}{_list_names('only it has', extra, shows)}; expected the same "
                f"columns in every file of a source: write the files anew, or declare them as two segments."
            )


def check_same_types(files: Sequence[SourceFile], schemas: Sequence[Mapping[str, pl.DataType]]) -> None:
    """Hold the types of each file's columns against those of the first; sizes of whole or float numbers may differ.

    Raises:
        SourceUnreadable: a column has a type that cannot be united with that in the first file without loss.
    """
    for file, schema in zip(files[1:], schemas[1:], strict=True):
        for name, expected in schemas[0].items():
            if not _can_unite(schema[name], expected):
                raise SourceUnreadable(
                    f"{file.name} holds column {name!r} as {shown_type(schema[name])}, expected {shown_type(expected)} "
                    f"as in {files[0].name}; write the files anew with one type for each column."
                )


def _can_unite(one: pl.DataType, other: pl.DataType) -> bool:
    return (
        one == other
        or pl.Null in (one, other)
        or (one.is_integer() and other.is_integer())
        or (one.is_float() and other.is_float())
    )


def _list_names(label: str, names: Sequence[str], shows: bool) -> str:
    if names and not shows:
        return f"{label} {len(names)} (a name looks like a customer's value, as where a header is missing)"
    return f"{label} {', '.join(map(repr, names))}" if names else ""

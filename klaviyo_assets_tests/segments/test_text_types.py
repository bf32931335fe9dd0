"""The types of CSV columns: none of them may cost a value anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.exports import FileSource
from klaviyo_assets.segments import open_source
from klaviyo_assets.segments.text_types import apply_types
from klaviyo_assets_tests.segments.written import csv_bytes, write

Texts = Sequence[str | None]

DECIDED: dict[str, tuple[Texts, pl.DataType, list[Any]]] = {
    "whole numbers": (["1", "-20", "0"], pl.Int64(), [1, -20, 0]),
    "whole numbers and nothing": (["1", None, "3"], pl.Int64(), [1, None, 3]),
    "nothing": ([None, None], pl.String(), [None, None]),
    "largest number that JSON holds": (["9007199254740991"], pl.Int64(), [2**53 - 1]),
    "larger than JSON holds": (["9007199254740992"], pl.String(), ["9007199254740992"]),
    "long ids": (["12345678901234567890"], pl.String(), ["12345678901234567890"]),
    "leading zeros": (["007", "8"], pl.String(), ["007", "8"]),
    "phone numbers": (["+37120000001", "1"], pl.String(), ["+37120000001", "1"]),
    "exponents": (["1e5", "2"], pl.String(), ["1e5", "2"]),
    "minus nothing": (["-0", "1"], pl.Float64(), [-0.0, 1.0]),
    "numbers with blanks": ([" 1", "2"], pl.String(), [" 1", "2"]),
    "digits of other scripts": (["٣", "4"], pl.String(), ["٣", "4"]),
    "floats": (["1.5", "-0.25", "3.0"], pl.Float64(), [1.5, -0.25, 3.0]),
    "floats and whole numbers": (["1.5", "20", None], pl.Float64(), [1.5, 20.0, None]),
    "floats and two ways of whole numbers": (["1.5", "20", "20.0"], pl.String(), ["1.5", "20", "20.0"]),
    "prices with two digits": (["12.50", "3.25"], pl.String(), ["12.50", "3.25"]),
    "more digits than a float has": (["0.12345678901234567890"], pl.String(), ["0.12345678901234567890"]),
    "not numbers": (["NaN", "inf", "1.5"], pl.String(), ["NaN", "inf", "1.5"]),
    "decimal commas": (["1,5"], pl.String(), ["1,5"]),
    "true and false": (["true", "false", None], pl.Boolean(), [True, False, None]),
    "True and False": (["True", "True"], pl.Boolean(), [True, True]),
    "TRUE and FALSE": (["FALSE"], pl.Boolean(), [False]),
    "true and True": (["true", "True"], pl.String(), ["true", "True"]),
    "yes and no": (["yes", "no"], pl.String(), ["yes", "no"]),
    "dates": (["2024-02-29", "1960-01-01"], pl.Date(), [date(2024, 2, 29), date(1960, 1, 1)]),
    "a date that never was": (["2023-02-29"], pl.String(), ["2023-02-29"]),
    "short dates": (["2024-1-1"], pl.String(), ["2024-1-1"]),
    "moments": (["2024-01-02 03:04:05"], pl.Datetime("us"), [datetime(2024, 1, 2, 3, 4, 5)]),  # noqa: DTZ001
    "moments in UTC": (
        ["2024-01-02T03:04:05Z", "2024-01-02T03:04:06Z"],
        pl.Datetime("us", "UTC"),
        [datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2024, 1, 2, 3, 4, 6, tzinfo=UTC)],
    ),
    "moments with milliseconds": (
        ["2024-01-02T03:04:05.120+00:00"],
        pl.Datetime("us", "UTC"),
        [datetime(2024, 1, 2, 3, 4, 5, 120000, tzinfo=UTC)],
    ),
    "moments with an offset": (["2024-01-02T03:04:05+02:00"], pl.String(), ["2024-01-02T03:04:05+02:00"]),
    "moments with seven digits": (["2024-01-02T03:04:05.1234567Z"], pl.String(), ["2024-01-02T03:04:05.1234567Z"]),
    "moments written in two ways": (
        ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05"],
        pl.String(),
        ["2024-01-02T03:04:05Z", "2024-01-02T03:04:05"],
    ),
}


@pytest.mark.parametrize(("texts", "dtype", "values"), DECIDED.values(), ids=DECIDED.keys())
def test_decided(texts: Texts, dtype: pl.DataType, values: list[Any]) -> None:
    """A column has the type through which all its values come back as they were; else it stays text."""
    typed = apply_types(pl.LazyFrame({"other": ["x"] * len(texts), "a": texts}, schema_overrides={"a": pl.String}))

    column = typed.collect()["a"]

    assert column.dtype == dtype
    assert column.to_list() == values


def test_late_value_decides() -> None:
    """One value far behind the sample is enough for a column to stay text."""
    texts = [str(number) for number in range(1, 20_000)] + ["007"]

    column = apply_types(pl.LazyFrame({"a": texts})).collect()["a"]

    assert column.to_list() == texts


def test_late_first_value_decides() -> None:
    """A column that is empty as far as the sample goes has the type of what comes after."""
    column = apply_types(pl.LazyFrame({"key": ["x"] * 20_000, "a": [None] * 19_999 + ["true"]})).collect()["a"]

    assert column.dtype == pl.Boolean
    assert column[-1] is True


def test_rows_without_any_value_are_nobody() -> None:
    """A row in which nothing stands is left out, one in which anything stands is not."""
    typed = apply_types(pl.LazyFrame({"a": ["1", None, None], "b": ["x", None, "y"]})).collect()

    assert typed.rows() == [(1, "x"), (None, "y")]


@pytest.mark.parametrize("name", ["^a$", "*", "a.b", "0", "a b", "blank"])
def test_any_name(name: str) -> None:
    """A column's name is never taken for a pattern."""
    typed = apply_types(pl.LazyFrame({name: ["1"], "a": ["x"]})).collect()

    assert typed.to_dict(as_series=False) == {name: [1], "a": ["x"]}


_numbers = st.one_of(
    st.integers().map(str),
    st.integers(0, 99).map("{:03}".format),
    st.floats().map(repr),
    st.floats(-1e6, 1e6).map("{:.2f}".format),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.from_regex(r"[+-]?[0-9]{1,22}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)
_moments = st.one_of(
    st.dates().map(str),
    st.datetimes().map(str),
    st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z"),
    st.from_regex(
        r"[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}([T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?Z?)?", fullmatch=True
    ),
)
_flags = st.sampled_from(["true", "false", "True", "False", "TRUE", "tRUE", "0", "1"])
_columns = st.one_of(
    *(
        st.lists(st.one_of(st.none(), kind), min_size=1, max_size=6)
        for kind in (_numbers, st.integers().map(str), st.floats().map(repr), _moments, _flags, st.text(min_size=1))
    )
)


@given(texts=_columns)
def test_no_value_is_lost(texts: Texts) -> None:
    """Whatever the type, each value says exactly what its text said, and different texts stay different."""
    # Without the second column a row of one null would be nobody.
    column = apply_types(
        pl.LazyFrame({"a": texts, "b": ["x"] * len(texts)}, schema_overrides={"a": pl.String})
    ).collect()["a"]

    values = column.to_list()
    assert [value is None for value in values] == [text is None for text in texts]
    assert len(set(map(repr, values))) == len(set(texts))
    assert all(_says_the_same(text, value) for text, value in zip(texts, values, strict=True) if text is not None)


def _says_the_same(text: str, value: Any) -> bool:
    match value:
        case str():
            return text == value
        case bool():
            return text.lower() == str(value).lower()
        case int():
            return text == str(value)
        case float():
            # The float that is nearest to the text, and no digit of the text is beyond it.
            return float(text) == value and Decimal(text) == Decimal(repr(value))
        case datetime():
            return datetime.fromisoformat(text) == value
        case date():
            return text == value.isoformat()
    return False


_cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)


@given(
    rows=st.lists(st.tuples(_cells, _cells.map("x{}".format), _cells), min_size=1, max_size=8),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    quote_all=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_file_comes_back(
    rows: list[tuple[str, str, str]],
    separator: str,
    quote_all: bool,
    line_end: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A file that a CSV writer wrote is read as it was meant, whatever its values hold; empty is null."""
    columns = ["a", "b", "c"]
    data = csv_bytes(columns, rows, separator=separator, quote_all=quote_all, line_end=line_end)
    path = write(tmp_path_factory.mktemp("csv") / "a.csv", data)

    customers = open_source(FileSource(type="csv", path=str(path)), root=Path()).read_customers().collect()

    assert customers["b"].to_list() == [row[1] for row in rows]
    for place in (0, 2):
        found = customers.to_series(place)
        if found.dtype == pl.String:
            assert found.to_list() == [row[place] or None for row in rows]


@given(text=st.text(st.sampled_from('ab",\n '), max_size=24))
def test_never_misread(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever stands under a header is read as Python's csv module reads it, or refused."""
    path = write(tmp_path_factory.mktemp("csv") / "a.csv", f"one,two\n{text}".encode())

    try:
        customers = open_source(FileSource(type="csv", path=str(path)), root=Path()).read_customers().collect()
    except SourceUnreadable:
        return

    records = [[value or None for value in record] for record in csv.reader(io.StringIO(text, newline=""))]
    assert [list(row) for row in customers.rows()] == [record for record in records if any(record)]


def test_reads_what_python_reads(tmp_path: Path) -> None:
    """Quotes that are doubled, or stand in the middle of a value, are read as the csv module reads them."""
    text = 'a,b\n"x ""y"" z",1st\nFrank "Frankie" O\'Neil,2nd\n"",3rd\n"two\nlines",4th\n'
    path = write(tmp_path / "a.csv", text.encode())

    customers = open_source(FileSource(type="csv", path=str(path)), root=tmp_path).read_customers().collect()

    expected = [[value or None for value in row] for row in list(csv.reader(io.StringIO(text)))[1:]]
    assert [list(row) for row in customers.rows()] == expected

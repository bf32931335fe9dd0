"""What a payload must say, and who agreed to get it, told anew in plain Python, one person at a time; and columns.

It shares nothing with the package: it starts from Python's values, and ends at what `json.loads` gives back.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import strategies as st

RIGA = ZoneInfo("Europe/Riga")
BLANKS = " \t\n\r\v\f\u00a0\u200b\ufeff"

TEXTS = st.text(max_size=8) | st.sampled_from(
    ["", " ", "\u200b", '"', "\\", '\\"}', "null", "a\x00b", "😀", "{}", "[]", "x" * 40]
)


def said(value: Any) -> Any:
    """What the JSON of a value means, numbers as Decimal; None where there is nothing to say."""
    if isinstance(value, list):
        return [item for item in map(said, value) if item is not None] or None
    if isinstance(value, dict):
        return {key: inner for key, item in value.items() if (inner := said(item)) is not None} or None
    if isinstance(value, str):
        return value if value.strip(BLANKS) else None
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, time | date):
        return _clock(value) if isinstance(value, time) else value.isoformat()
    return _number(value)


def agreed(value: object) -> bool:
    """Whether a customer of whom a row says this has agreed to be contacted."""
    if isinstance(value, str):
        return value.strip(BLANKS).lower() in {"true", "1", "yes", "y", "t"}
    return isinstance(value, int) and value == 1


def _number(value: float | Decimal | timedelta) -> Decimal | None:
    if isinstance(value, timedelta):
        return Decimal(value.days * 86_400 + value.seconds) + Decimal(value.microseconds).scaleb(-6)
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return number if number.is_finite() else None


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        return f"{value.date().isoformat()}T{_clock(value.time())}"
    utc = value.astimezone(UTC)
    return f"{utc.date().isoformat()}T{_clock(utc.time())}Z"


def _clock(value: time) -> str:
    if value.microsecond == 0:
        return value.isoformat("seconds")
    return value.isoformat("milliseconds" if value.microsecond % 1000 == 0 else "microseconds")


@dataclass(frozen=True)
class Column:
    """A column's type, and values to fill it with."""

    dtype: pl.DataType
    values: st.SearchStrategy[Any]


def _floats(width: int) -> st.SearchStrategy[float]:
    return st.floats(width=width)  # type: ignore[arg-type]


def as_single(value: float) -> float:
    """The double whose shortest form is the shortest one of this single-precision float."""
    digits = (float(f"{value:.{precision}g}") for precision in range(1, 10))
    return next((double for double in digits if _single(double) == _single(value)), value)


def _single(value: float) -> bytes:
    try:
        return struct.pack("f", value)
    except OverflowError:
        return b""


def _within(dtype: pl.DataType, low: int, high: int) -> Column:
    return Column(dtype, st.integers(low, high))


_NAIVE = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001
_SPANS = st.timedeltas(timedelta(days=-30_000), timedelta(days=30_000))
_CENTS = st.decimals(Decimal(-(10**8)), Decimal(10**8), places=4)

SCALARS = st.sampled_from(
    [
        Column(pl.String(), TEXTS),
        Column(pl.Categorical(), TEXTS),
        Column(pl.Enum(["a", "", "b"]), st.sampled_from(["a", "", "b"])),
        Column(pl.Boolean(), st.booleans()),
        _within(pl.Int8(), -128, 127),
        _within(pl.UInt32(), 0, 2**32 - 1),
        _within(pl.Int64(), -(2**63), 2**63 - 1),
        _within(pl.UInt64(), 0, 2**64 - 1),
        _within(pl.Int128(), -(2**127), 2**127 - 1),
        Column(pl.Float64(), _floats(64)),
        Column(pl.Float32(), _floats(32).map(as_single)),
        Column(pl.Decimal(20, 4), _CENTS),
        Column(pl.Date(), st.dates()),
        Column(pl.Datetime("us"), _NAIVE),
        Column(pl.Datetime("us", "Europe/Riga"), _NAIVE.map(lambda at: at.replace(tzinfo=UTC).astimezone(RIGA))),
        Column(pl.Time(), st.times()),
        Column(pl.Duration("us"), _SPANS),
        Column(pl.Null(), st.none()),
    ]
)


_AGREEING = st.sampled_from(["true", "True", "TRUE", " yes\n", "Y", "t", "1"])
_OTHERS = st.sampled_from(["false", "no", "n", "f", "0", "", " ", "on", "ok", "2", "01"])
_ANSWERS = _AGREEING | _OTHERS | st.text("yest 1\u00a0", max_size=4)
CONSENTS = st.sampled_from(
    [
        Column(pl.Boolean(), st.booleans()),
        Column(pl.String(), _ANSWERS),
        Column(pl.Categorical(), _ANSWERS),
        Column(pl.Enum(["no", "Yes", "1"]), st.sampled_from(["no", "Yes", "1"])),
        _within(pl.Int8(), -2, 2),
        _within(pl.UInt64(), 0, 2),
        _within(pl.Int128(), -1, 1),
        Column(pl.Null(), st.none()),
    ]
)


def _or_null(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def _list(inner: Column) -> Column:
    return Column(pl.List(inner.dtype), st.lists(_or_null(inner.values), max_size=3))


def _array(inner: Column) -> Column:
    return Column(pl.Array(inner.dtype, 2), st.lists(_or_null(inner.values), min_size=2, max_size=2))


def _struct(inner: dict[str, Column]) -> Column:
    dtype = pl.Struct({key: column.dtype for key, column in inner.items()})
    return Column(dtype, st.fixed_dictionaries({key: _or_null(column.values) for key, column in inner.items()}))


def _nested(columns: st.SearchStrategy[Column]) -> st.SearchStrategy[Column]:
    fields = st.dictionaries(st.sampled_from(["a", "*", 'q"', "ä"]), columns, min_size=1, max_size=3)
    wrap: Callable[[Column], st.SearchStrategy[Column]] = lambda inner: st.sampled_from([_list(inner), _array(inner)])  # noqa: E731
    return columns.flatmap(wrap) | fields.map(_struct)


COLUMNS = st.recursive(SCALARS, _nested, max_leaves=3)


@st.composite
def filled(draw: st.DrawFn, *, height: int) -> tuple[pl.Series, list[Any]]:
    """A column of any type, and the Python values that it was filled with."""
    return _fill(draw, draw(COLUMNS), height)


@st.composite
def answered(draw: st.DrawFn, *, height: int) -> tuple[pl.Series, list[Any]]:
    """A column that may say who agreed, and the Python values that it was filled with."""
    return _fill(draw, draw(CONSENTS), height)


def _fill(draw: st.DrawFn, column: Column, height: int) -> tuple[pl.Series, list[Any]]:
    values = draw(st.lists(_or_null(column.values), min_size=height, max_size=height))
    return pl.Series(values, dtype=column.dtype, strict=False), values

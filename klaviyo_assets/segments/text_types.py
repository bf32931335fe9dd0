"""Which type a column of texts has: the one through which every one of its values comes back as it was.

`007`, `+37120000001`, `1e5` and ids too long for a number come back as something else from a number, so they stay
text. That is decided for whole columns in one pass over the frame, after a sample has thrown out most types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import polars as pl
import polars.selectors as cs

from klaviyo_assets.segments.csv_rows import is_blank

_SAMPLE_ROWS: Final = 1000
_LARGEST_NUMBER: Final = 2**53 - 1  # beyond it readers of JSON lose digits: RFC 8259, section 6


@dataclass(frozen=True)
class Form:
    """A way to write the values of one type: `render(parse(text))` is the text again, if it is written so.

    `parse` takes the texts and whether one that is not of this form is an error or null.
    """

    parse: Callable[[pl.Expr, bool], pl.Expr]
    render: Callable[[pl.Expr], pl.Expr]

    def survives(self, text: pl.Expr) -> pl.Expr:
        """Whether every value comes back; nulls do."""
        return self.render(self.parse(text, False)).eq_missing(text).all()


def apply_types(texts: pl.LazyFrame) -> pl.LazyFrame:
    """The frame with each column of texts in the type that all its values survive; else it stays String.

    Int64, Float64, Boolean, Date, or Datetime (us; in UTC where Z or +00:00 is written, else without a time zone).
    Rows without any value are left out.
    """
    names = texts.collect_schema().names()
    candidates = _measure(texts.head(_SAMPLE_ROWS).collect().lazy(), dict.fromkeys(names, _FORMS)).survivors
    measured = _measure(texts, candidates)
    if measured.has_blank_rows:
        texts = texts.filter(~is_blank())
    return texts.select(
        forms[0].parse(_column(name), True).alias(name) if forms and name in measured.filled else _column(name)
        for name, forms in measured.survivors.items()
    )


@dataclass(frozen=True)
class _Measured:
    survivors: Mapping[str, Sequence[Form]]  # by column: the forms that all its values survive
    filled: frozenset[str]  # the columns that hold any value
    has_blank_rows: bool


def _measure(texts: pl.LazyFrame, candidates: Mapping[str, Sequence[Form]]) -> _Measured:
    """One pass over the frame, in which each column is held against its candidates."""
    filled = {f"{place}": _column(name).is_not_null().any() for place, name in enumerate(candidates)}
    tests = {
        f"{place} {number}": form.survives(_column(name))
        for place, (name, forms) in enumerate(candidates.items())
        for number, form in enumerate(forms)
    }
    found = texts.select(is_blank().any().alias("blank"), **filled, **tests).collect().row(0, named=True)
    return _Measured(
        survivors={
            name: [form for number, form in enumerate(forms) if found[f"{place} {number}"]]
            for place, (name, forms) in enumerate(candidates.items())
        },
        filled=frozenset(name for place, name in enumerate(candidates) if found[f"{place}"]),
        has_blank_rows=found["blank"],
    )


def _column(name: str) -> pl.Expr:
    # pl.col takes a name as ^x$ for a pattern.
    return cs.by_name(name).as_expr()


def _integer() -> Form:
    def parse(text: pl.Expr, strict: bool) -> pl.Expr:
        number = text.cast(pl.Int64, strict=strict)
        return pl.when(number.abs() <= _LARGEST_NUMBER).then(number)

    return Form(parse, lambda number: number.cast(pl.String))


def _float(*, whole_without_point: bool) -> Form:
    def parse(text: pl.Expr, strict: bool) -> pl.Expr:
        number = text.cast(pl.Float64, strict=strict)
        return pl.when(number.abs() <= _LARGEST_NUMBER).then(number)  # neither NaN nor infinity is

    def render(number: pl.Expr) -> pl.Expr:
        text = number.cast(pl.String)
        return text.str.strip_suffix(".0") if whole_without_point else text

    return Form(parse, render)


def _boolean(true: str, false: str) -> Form:
    def parse(text: pl.Expr, strict: bool) -> pl.Expr:
        # An Enum's first category is 0. (replace_strict says the same, and holds the whole column.)
        return text.cast(pl.Enum([false, true]), strict=strict).to_physical().cast(pl.Boolean)

    return Form(parse, lambda value: pl.when(value).then(pl.lit(true)).when(~value).then(pl.lit(false)))


def _date() -> Form:
    return Form(
        lambda text, strict: text.str.to_date("%Y-%m-%d", strict=strict), lambda date: date.dt.to_string("%Y-%m-%d")
    )


def _datetime(pattern: str, *, is_utc: bool) -> Form:
    def parse(text: pl.Expr, strict: bool) -> pl.Expr:
        moment = text.str.to_datetime(pattern, time_unit="us", strict=strict)
        return moment.dt.replace_time_zone("UTC") if is_utc else moment

    # The zone is a literal part of the pattern, so it is written back as it stood.
    return Form(parse, lambda moment: moment.dt.to_string(pattern))


def _datetimes() -> list[Form]:
    written = product("T ", ("", "%.3f", "%.6f"), ("", "Z", "+00:00"))
    return [
        _datetime(f"%Y-%m-%d{between}%H:%M:%S{fraction}{zone}", is_utc=bool(zone))
        for between, fraction, zone in written
    ]


_FORMS: Final[tuple[Form, ...]] = (
    _integer(),
    _float(whole_without_point=False),
    _float(whole_without_point=True),
    _boolean("true", "false"),
    _boolean("True", "False"),
    _boolean("TRUE", "FALSE"),
    _date(),
    *_datetimes(),
)

"""The types that model.json declares: what each takes, and what is told of a value that does not fit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.exports import CustomerInsightsSource
from klaviyo_assets.segments import CustomerInsightsReader
from klaviyo_assets_tests.segments.written import csv_bytes, entity, partition, write, write_model

UTC_TIME = pl.Datetime("us", "UTC")


def _read(folder: Path, kind: str, *parts: list[str | None]) -> pl.Series:
    """The column `value` of that dataType, one partition for each list of texts."""
    names = [f"Vip/{number}/Vip_{number}.csv" for number in range(len(parts))]
    for name, texts in zip(names, parts, strict=True):
        write(folder / name, csv_bytes(None, [["x", text] for text in texts], quote_all=True))
    write_model(folder, entity({"key": "string", "value": kind}, [partition(name) for name in names]))
    source = CustomerInsightsSource(type="customer_insights", path=".", entity="Vip")
    return CustomerInsightsReader(source, folder).read_customers().collect()["value"]


def _utc(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


TAKEN: dict[str, tuple[str, list[str | None], pl.DataType, list[Any]]] = {
    "string": ("string", ["007", "", " x "], pl.String(), ["007", None, " x "]),
    "guid": ("GUID", ["CE759201-F786"], pl.String(), ["CE759201-F786"]),
    "time": ("time", ["12:30:00"], pl.String(), ["12:30:00"]),
    "json": ("JSON", ['{"a": 1}'], pl.String(), ['{"a": 1}']),
    "a type that nobody knows": ("money", ["1 €"], pl.String(), ["1 €"]),
    "int64": ("int64", ["1200", None, "-3", " 7 ", "9223372036854775807"], pl.Int64(), [1200, None, -3, 7, 2**63 - 1]),
    "any letters": ("Int64", ["1"], pl.Int64(), [1]),
    "double": ("double", ["0.1", "-2", "1E5", None], pl.Float64(), [0.1, -2.0, 1e5, None]),
    "boolean": ("boolean", ["True", "false", "TRUE", None], pl.Boolean(), [True, False, True, None]),
    "date": ("date", ["1984-02-11", None], pl.Date(), [date(1984, 2, 11), None]),
    "date as midnight": (
        "date",
        ["1984-02-11T00:00:00Z", "1984-02-12 00:00:00.0000000"],
        pl.Date(),
        [date(1984, 2, 11), date(1984, 2, 12)],
    ),
    "dateTime": ("dateTime", ["2021-10-09T06:05:40Z", None], UTC_TIME, [_utc("2021-10-09T06:05:40"), None]),
    "dateTime, seven digits": (
        "dateTime",
        ["2021-10-09T06:05:40.1112229Z"],
        UTC_TIME,
        [_utc("2021-10-09T06:05:40.111222")],
    ),
    "dateTime without offset": ("dateTime", ["2021-10-09 06:05:40.5"], UTC_TIME, [_utc("2021-10-09T06:05:40.500000")]),
    "dateTime without seconds": (
        "dateTime",
        ["2021-10-09T06:05", "2021-10-09T06:05Z"],
        UTC_TIME,
        [_utc("2021-10-09T06:05:00")] * 2,
    ),
    "dateTime without time": ("dateTime", ["1990-12-01"], UTC_TIME, [_utc("1990-12-01T00:00:00")]),
    "dateTimeOffset": (
        "dateTimeOffset",
        ["2021-10-09T06:05:40.1112223+02:00"],
        UTC_TIME,
        [_utc("2021-10-09T04:05:40.111222")],
    ),
    "dateTimeOffset, short": (
        "dateTimeOffset",
        ["2021-10-09T06:05:40-0530"],
        UTC_TIME,
        [_utc("2021-10-09T11:35:40")],
    ),
    "decimal": (
        "decimal",
        ["530.25", "0", None, "-12.5"],
        pl.Decimal(38, 2),
        [Decimal("530.25"), Decimal(0), None, Decimal("-12.5")],
    ),
    "whole decimal": ("decimal", ["+3", "5."], pl.Decimal(38, 0), [Decimal(3), Decimal(5)]),
    "long decimal": (
        "decimal",
        ["12345678901234567890123456789012345.678"],
        pl.Decimal(38, 3),
        [Decimal("12345678901234567890123456789012345.678")],
    ),
    "nothing of Spark's": ("decimal", ["0E-18", "1.5"], pl.Decimal(38, 1), [Decimal(0), Decimal("1.5")]),
    "no decimal at all": ("decimal", [None], pl.Decimal(38, 0), [None]),
}


@pytest.mark.parametrize(("kind", "texts", "dtype", "values"), TAKEN.values(), ids=TAKEN.keys())
def test_taken(kind: str, texts: list[str | None], dtype: pl.DataType, values: list[Any], tmp_path: Path) -> None:
    """A declared type takes its values in every form in which it is written, and nothing is null for nothing."""
    column = _read(tmp_path, kind, texts)

    assert column.dtype == dtype
    assert column.to_list() == values


def test_scale_is_that_of_all_partitions(tmp_path: Path) -> None:
    """No partition's decimals lose digits because another one's have fewer."""
    column = _read(tmp_path, "decimal", ["1.5"], ["2.125"], ["3"])

    assert column.dtype == pl.Decimal(38, 3)
    assert column.to_list() == [Decimal("1.5"), Decimal("2.125"), Decimal(3)]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int64", "1.5"),
        ("int64", "9223372036854775808"),
        ("double", "1,5"),
        ("boolean", "yes"),
        ("boolean", "1"),
        ("date", "11.02.1984"),
        ("date", "1984-02-30"),
        ("date", "1984-02-11T08:00:00Z"),
        ("dateTime", "yesterday"),
        ("dateTime", "2021-13-09T06:05:40Z"),
        ("dateTimeOffset", "2021-10-09T06:05:40+99:00"),
        ("decimal", "1,5"),
        ("decimal", "1e5"),
        ("decimal", "."),
    ],
)
def test_not_taken(kind: str, text: str, tmp_path: Path) -> None:
    """A value that is not of the declared type is an error with column, row and partition, and without the value."""
    with pytest.raises(SourceUnreadable) as failure:
        _read(tmp_path, kind, [None], [None, None, text])

    assert str(failure.value) == (
        f"Partition 'Vip_1', row 3, column 'value': the value is not {kind.lower()}, as model.json declares it; "
        f"correct the value or the type."
    )


def test_too_many_digits(tmp_path: Path) -> None:
    """Decimals that no Decimal holds are not rounded."""
    with pytest.raises(SourceUnreadable, match="30 digits before the point and 10 after it, expected at most 38"):
        _read(tmp_path, "decimal", ["1" * 30, "0." + "1" * 10])

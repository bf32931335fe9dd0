"""The JSON of a value of each type, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from klaviyo_assets_tests.mapping.mapped import attributes, field_map, mapped, property_payloads, with_addresses

NAN, INF = float("nan"), float("inf")
NAIVE = datetime(2026, 11, 23, 5, 0)  # noqa: DTZ001
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)

# type: values in a column of it, and the JSON of each; None: it is absent
SCALARS: dict[str, tuple[pl.Series, list[str | None]]] = {
    "String": (
        pl.Series(["gold", " padded ", "", " \u200b\n", None, "null", "true", "1"]),
        ['"gold"', '" padded "', None, None, None, '"null"', '"true"', '"1"'],
    ),
    "escaped": (
        pl.Series(
            ['a"b', "a\\b", "a\nb\t\r", "\x00\x1f", "}", '"}', '{"v":', "/", "\x7f", "é", "😀", "a\u2028", "\\u0041"]
        ),
        [
            r'"a\"b"',
            r'"a\\b"',
            r'"a\nb\t\r"',
            r'"\u0000\u001f"',
            '"}"',
            r'"\"}"',
            r'"{\"v\":"',
            '"/"',
            '"\x7f"',
            '"é"',
            '"😀"',
            '"a\u2028"',
            r'"\\u0041"',
        ],
    ),
    "Categorical": (pl.Series(["b", "a", None, ""], dtype=pl.Categorical), ['"b"', '"a"', None, None]),
    "Enum": (pl.Series(["b", "a", None], dtype=pl.Enum(["b", "a"])), ['"b"', '"a"', None]),
    "Boolean": (pl.Series([True, False, None]), ["true", "false", None]),
    "Int8": (pl.Series([-128, 0, 127], dtype=pl.Int8), ["-128", "0", "127"]),
    "Int64": (pl.Series([-(2**63), 2**63 - 1, None]), ["-9223372036854775808", "9223372036854775807", None]),
    "UInt64": (pl.Series([2**64 - 1], dtype=pl.UInt64), ["18446744073709551615"]),
    "Int128": (pl.Series([-(2**126)], dtype=pl.Int128), [str(-(2**126))]),
    "UInt128": (pl.Series([2**127], dtype=pl.UInt128), [str(2**127)]),
    "Float64": (
        pl.Series([0.1, 1.0, -2.0, 1e-7, 5e-324, 1.5e300, 2.0**53, 100.25]),
        ["0.1", "1", "-2", "1e-7", "5e-324", "1.5e+300", "9007199254740992", "100.25"],
    ),
    "no number": (pl.Series([NAN, INF, -INF, None]), [None] * 4),
    "zeros": (pl.Series([0.0, -0.0]), ["0", "0"]),
    "Float32": (pl.Series([0.1, 16777216.0, NAN], dtype=pl.Float32), ["0.1", "16777216", None]),
    "Float16": (pl.Series([0.5, INF], dtype=pl.Float16), ["0.5", None]),
    "Decimal": (
        pl.Series([Decimal("530.25"), Decimal("0.10"), Decimal("-5.00"), Decimal("0.00"), Decimal("100.00"), None]),
        ["530.25", "0.1", "-5", "0", "100", None],
    ),
    "wide Decimal": (pl.Series([Decimal("0." + "1" * 38)]), ["0." + "1" * 38]),
    "Decimal without fraction": (pl.Series([Decimal(100), Decimal(10**37)]), ["100", str(10**37)]),
    "Date": (pl.Series([date(2026, 11, 3), date(1, 1, 1), None]), ['"2026-11-03"', '"0001-01-01"', None]),
    "Datetime": (
        pl.Series([NAIVE, NAIVE.replace(microsecond=120_000), NAIVE.replace(microsecond=1), None]),
        ['"2026-11-23T05:00:00"', '"2026-11-23T05:00:00.120"', '"2026-11-23T05:00:00.000001"', None],
    ),
    "Datetime in ms": (pl.Series([NAIVE], dtype=pl.Datetime("ms")), ['"2026-11-23T05:00:00"']),
    "Datetime in ns": (
        pl.Series([1, 10**9], dtype=pl.Int64).cast(pl.Datetime("ns")),
        ['"1970-01-01T00:00:00.000000001"', '"1970-01-01T00:00:01"'],
    ),
    "Datetime with a zone": (
        pl.Series([NOON, None]).dt.convert_time_zone("Europe/Riga"),
        ['"2026-07-01T12:00:00Z"', None],
    ),
    "Datetime in UTC": (pl.Series([NOON.replace(microsecond=5)]), ['"2026-07-01T12:00:00.000005Z"']),
    "Date out of the years": (
        pl.Series([-719_163, -719_162, 2_932_896, 2_932_897, 2**31 - 1, -(2**31)], dtype=pl.Int32).cast(pl.Date),
        [None, '"0001-01-01"', '"9999-12-31"', None, None, None],
    ),
    "Datetime out of the years": (
        pl.Series([2**63 - 1, -(2**63) + 1, 253_402_300_799_999]).cast(pl.Datetime("ms")),
        [None, None, '"9999-12-31T23:59:59.999"'],
    ),
    "Datetime with a zone out of the years": (
        pl.Series([2**62, 0]).cast(pl.Datetime("us", "Europe/Riga")),
        [None, '"1970-01-01T00:00:00Z"'],
    ),
    "latest Datetime in ns": (
        pl.Series([2**63 - 1, -(2**63) + 1]).cast(pl.Datetime("ns")),
        ['"2262-04-11T23:47:16.854775807"', '"1677-09-21T00:12:43.145224193"'],
    ),
    "Time": (
        pl.Series([time(5, 0), time(23, 59, 59, 500_000), None]),
        ['"05:00:00"', '"23:59:59.500"', None],
    ),
    "Duration": (
        pl.Series([timedelta(days=1), timedelta(seconds=-1.5), timedelta(microseconds=1), timedelta(-1, 0, 1), None]),
        ["86400", "-1.5", "0.000001", "-86399.999999", None],
    ),
    "Duration in ms": (pl.Series([timedelta(seconds=90)], dtype=pl.Duration("ms")), ["90"]),
    "Duration in ns": (pl.Series([2**62, 0]).cast(pl.Duration("ns")), ["4611686018.427387904", "0"]),
    "Null": (pl.Series([None, None]), [None, None]),
}

NESTED: dict[str, tuple[pl.Series, list[str | None]]] = {
    "List": (
        pl.Series([["a", None, "", "b"], [], [None], [" "], None]),
        ['["a","b"]', None, None, None, None],
    ),
    "List of floats": (pl.Series([[1.0, NAN, 0.5, None, -0.0], [INF]]), ["[1,0.5,0]", None]),
    "List of Lists": (pl.Series([[[1], [], [None, 2]], [[]], None]), ["[[1],[2]]", None, None]),
    "List of dates": (pl.Series([[date(2026, 1, 2), None]]), ['["2026-01-02"]']),
    "List of Decimals": (pl.Series([[Decimal("1.50"), Decimal("2.00")]]), ["[1.5,2]"]),
    "List of Enums": (pl.Series([["x"]], dtype=pl.List(pl.Enum(["x"]))), ['["x"]']),
    "List of Nulls": (pl.Series([[None]], dtype=pl.List(pl.Null)), [None]),
    "Array": (pl.Series([[1, 2], [None, 3]], dtype=pl.Array(pl.Int8, 2)), ["[1,2]", "[3]"]),
    "Array of Arrays": (
        pl.Series([[[1, 2], [3, None]]], dtype=pl.Array(pl.Array(pl.Int8, 2), 2)),
        ["[[1,2],[3]]"],
    ),
    "Struct": (
        pl.Series([{"b": 1, "a": "x"}, {"b": None, "a": "y"}, {"b": None, "a": ""}, None]),
        ['{"b":1,"a":"x"}', '{"a":"y"}', None, None],
    ),
    "Struct of all sorts": (
        pl.Series([{"at": NOON, "d": Decimal("0.5"), "l": [True], "s": {"f": NAN, "i": 3}}]),
        ['{"at":"2026-07-01T12:00:00Z","d":0.5,"l":[true],"s":{"i":3}}'],
    ),
    "Struct with odd names": (
        pl.Series([{"*": 1, "^.*$": 2, 'q"\\\n': "x", "": "y", "ä": 3}]),
        [r'{"*":1,"^.*$":2,"q\"\\\n":"x","":"y","ä":3}'],
    ),
    "Struct without fields": (pl.Series([{}], dtype=pl.Struct([])), [None]),
    "List of Structs": (
        pl.Series([[{"id": 1, "at": date(2026, 1, 2)}, {"id": None, "at": None}, None], [None]]),
        ['[{"id":1,"at":"2026-01-02"}]', None],
    ),
}


@pytest.mark.parametrize(("values", "expected"), (SCALARS | NESTED).values(), ids=SCALARS | NESTED)
def test_a_property_is_sent_as_its_type_wants(values: pl.Series, expected: list[str | None]) -> None:
    """Each value has one JSON, which is what it means, and none where there is nothing to say."""
    assert property_payloads(values) == expected
    assert all(part is None or json.loads(part) is not None for part in expected)


@pytest.mark.parametrize(("values", "expected"), SCALARS.values(), ids=SCALARS)
@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"k": v}], ids=["List", "Struct"])
def test_a_value_is_the_same_at_every_depth(
    values: pl.Series, expected: list[str | None], wrap: Callable[[Any], Any]
) -> None:
    """Within a List or a Struct a value has the JSON that it has alone."""
    frame = values.to_frame("k")
    nested = frame.select(pl.concat_list("k")) if isinstance(wrap(0), list) else frame.select(pl.struct("k"))

    found = property_payloads(nested.to_series())

    start, end = ("[", "]") if isinstance(wrap(0), list) else ('{"k":', "}")
    assert found == [None if part is None else start + part + end for part in expected]


def test_the_order_of_a_categoricals_texts_does_not_show() -> None:
    """Two columns that met their categories in another order give the same payloads."""
    one = pl.Series(["a", "b", "c"], dtype=pl.Categorical)
    other = pl.Series(["c", "a", "b", "c"], dtype=pl.Categorical).tail(3)

    assert property_payloads(one) == property_payloads(other)


@pytest.mark.parametrize("key", ["tier", "Loyalty tier", 'q"\\\n\x00', "ä😀", "*", "^.*$", "v", "}", "email"])
@pytest.mark.parametrize("value", ["gold", 1, [1], {"a": "x"}], ids=repr)
def test_any_name_will_do_for_a_property(key: str, value: object) -> None:
    """A property's name is escaped as JSON wants it, whatever its type."""
    profiles, _ = mapped(with_addresses({"c": [value]}), field_map(properties={key: "c"}))

    assert attributes(profiles["payload"][0])["properties"] == {key: value}

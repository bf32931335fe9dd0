"""The payload as a whole: valid JSON that says what the row says, and changes only when the person does."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.mapping.rules import LARGEST_PAYLOAD
from klaviyo_assets_tests.mapping.mapped import attributes, field_map, mapped, with_addresses
from klaviyo_assets_tests.mapping.oracle import filled, said

HEIGHT = 3


@st.composite
def tables(draw: st.DrawFn) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """Customers with columns of any type, and the same as one dictionary a row."""
    columns = {f"c{n}": draw(filled(height=HEIGHT)) for n in range(draw(st.integers(0, 4)))}
    emails = [f"p{n}@example.com" for n in range(HEIGHT)]
    frame = pl.DataFrame({"email": emails} | {name: series for name, (series, _) in columns.items()})
    return frame, [{name: values[row] for name, (_, values) in columns.items()} for row in range(HEIGHT)]


@given(tables())
def test_a_payload_means_what_its_row_means(table: tuple[pl.DataFrame, list[dict[str, Any]]]) -> None:
    """For columns of every type, a payload is JSON that says what Python's json would say of the row's values."""
    customers, rows = table

    profiles, _ = mapped(customers, field_map(other_columns=True))

    for number, (payload, row) in enumerate(zip(profiles["payload"], rows, strict=True)):
        properties = {} if said(row) is None else {"properties": said(row)}
        found = json.loads(payload, parse_float=Decimal, parse_int=Decimal)
        assert found == {"type": "profile", "attributes": {"email": f"p{number}@example.com", **properties}}


@given(tables(), st.randoms())
def test_a_payload_depends_on_nothing_but_its_row(
    table: tuple[pl.DataFrame, list[dict[str, Any]]], random: Any
) -> None:
    """Neither the order of columns, nor that of rows, nor other rows show in a payload."""
    customers, _ = table
    columns = random.sample(customers.columns, len(customers.columns))
    kept = random.sample(range(HEIGHT), 2)

    all_of_them, _ = mapped(customers, field_map(other_columns=True))
    some, _ = mapped(customers.select(columns)[kept], field_map(other_columns=True))

    assert some["payload"].to_list() == all_of_them["payload"].gather(kept).to_list()


def test_keys_stand_in_the_field_maps_order() -> None:
    """First the address, then first-class fields, location and properties, each as declared; spaces nowhere."""
    customers = with_addresses({"c": ["1"]})
    fields = field_map(
        location={"zip": "c", "latitude": "c", "city": "c"},
        properties={"z": "c", "a": "c"},
        last_name="c",
        external_id="c",
        first_name="c",
    )

    profiles, _ = mapped(customers, fields)

    assert profiles["payload"].to_list() == [
        '{"type":"profile","attributes":{"email":"p0@example.com","last_name":"1","external_id":"1",'
        '"first_name":"1","location":{"zip":"1","latitude":1,"city":"1"},"properties":{"z":"1","a":"1"}}}'
    ]


def test_what_says_nothing_is_absent() -> None:
    """A person of whom only the address is known has a payload with only the address."""
    customers = with_addresses({"c": [""]})
    fields = field_map(first_name="c", phone_number="c", external_id="c", location={"city": "c"}, properties={"p": "c"})

    profiles, _ = mapped(customers, fields)

    assert profiles["payload"].to_list() == ['{"type":"profile","attributes":{"email":"p0@example.com"}}']


def test_other_columns_are_properties_by_name() -> None:
    """With `*`, what the map names nowhere becomes a property, after the declared ones, in the order of names."""
    customers = with_addresses({"z": [1], "first": ["Ada"], "b": [2], "a": [3], "taken": [4]})

    profiles, _ = mapped(customers, field_map(first_name="first", properties={"taken": "b"}, other_columns=True))

    said_of_her = attributes(profiles["payload"][0])
    assert list(said_of_her["properties"].items()) == [("taken", 2), ("a", 3), ("z", 1)]
    assert said_of_her["first_name"] == "Ada"


def test_other_columns_of_one_segment_are_null_in_the_others() -> None:
    """With `*`, the columns of all segments are united."""
    segments = {
        "segments/a": pl.DataFrame({"email": ["a@example.com"], "x": [1]}),
        "segments/b": pl.DataFrame({"y": ["t"], "email": ["b@example.com"]}),
    }

    profiles, _ = mapped(segments, field_map(other_columns=True))

    assert [attributes(payload)["properties"] for payload in profiles["payload"]] == [{"x": 1}, {"y": "t"}]


LENGTH_OF_THE_REST = len('{"type":"profile","attributes":{"email":"p0@example.com","properties":{"v":""}}}')

# what stands in the text: how many bytes each of its characters takes in JSON
CHARACTERS = {"plain": ("a", 1), "two bytes": ("ä", 2), "emoji": ("😀", 4), "quote": ('"', 2), "control": ("\x01", 6)}


@pytest.mark.parametrize(("character", "size"), CHARACTERS.values(), ids=CHARACTERS)
@pytest.mark.parametrize("wrap", [lambda text: text, lambda text: [text], lambda text: {"": text}])
@pytest.mark.parametrize("excess", [0, 1], ids=["just fits", "one byte over"])
def test_a_payload_has_at_most_100_000_bytes(character: str, size: int, wrap: Any, excess: int) -> None:
    """A larger payload is `too_large`, to the byte as JSON counts it, in text and in nested values."""
    around = len(json.dumps(wrap(""), separators=(",", ":"))) - 2
    room = LARGEST_PAYLOAD - LENGTH_OF_THE_REST - around
    text = character * (room // size) + "b" * (room % size) + "c" * excess

    profiles, rejections = mapped(with_addresses({"v": [wrap(text), wrap("b")]}), field_map(properties={"v": "v"}))

    assert profiles["row"].to_list() == ([1] if excess else [0, 1])
    assert rejections["rule"].to_list() == ["too_large"] * excess
    assert excess or len(profiles["payload"][0].encode()) == LARGEST_PAYLOAD


@pytest.mark.parametrize(
    ("count", "name", "value"),
    [(500, "ä" * 100, pl.Series([1.5])), (2_300, "", pl.Series([2**127 - 1], dtype=pl.Int128))],
    ids=["long names", "long numbers"],
)
def test_many_fields_can_be_too_large_together(count: int, name: str, value: pl.Series) -> None:
    """Names and numbers count too: many of them in one payload are `too_large`."""
    properties = {f"{n}{name}": "c" for n in range(count)}

    _, rejections = mapped(with_addresses({"c": value}), field_map(properties=properties))

    assert rejections.select("row", "email", "rule").rows() == [(0, "p0@example.com", "too_large")]

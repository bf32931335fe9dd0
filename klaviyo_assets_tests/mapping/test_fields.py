"""First-class fields besides address and phone: what is sent of them, and what costs the person only the field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from klaviyo_assets.exports import FieldMap
from klaviyo_assets.mapping import WARNINGS
from klaviyo_assets_tests.mapping.mapped import attributes, field_map, mapped, with_addresses

TEXT_FIELDS = ["first_name", "last_name", "organization", "locale", "title", "image", "external_id"]
TEXT_PARTS = ["address1", "address2", "city", "country", "region", "zip", "timezone", "ip"]

TEXTS = {
    "text": (pl.Series(["Ada"]), "Ada"),
    "trimmed": (pl.Series(["\u00a0 Ada  Lovelace\t\u200b"]), "Ada  Lovelace"),
    "blank": (pl.Series([" \u200b\n"]), None),
    "empty": (pl.Series([""]), None),
    "null": (pl.Series([None], dtype=pl.String), None),
    "no type": (pl.Series([None]), None),
    "Categorical": (pl.Series(["Ada"], dtype=pl.Categorical), "Ada"),
    "Enum": (pl.Series(["Ada"], dtype=pl.Enum(["Ada"])), "Ada"),
    "Int64": (pl.Series([1001]), "1001"),
    "UInt64": (pl.Series([2**64 - 1], dtype=pl.UInt64), "18446744073709551615"),
    "Int128": (pl.Series([-(2**100)], dtype=pl.Int128), str(-(2**100))),
    "whole Float64": (pl.Series([1001.0]), "1001"),
    "Float64": (pl.Series([10.5]), "10.5"),
    "NaN": (pl.Series([float("nan")]), None),
    "infinity": (pl.Series([float("inf")]), None),
    "Decimal": (pl.Series([Decimal("10.50")]), "10.5"),
}


@pytest.mark.parametrize("field", TEXT_FIELDS)
@pytest.mark.parametrize(("values", "sent"), TEXTS.values(), ids=TEXTS)
def test_a_text_field_is_sent_as_trimmed_text(field: str, values: pl.Series, sent: str | None) -> None:
    """Text and numbers are sent as text without white space at its ends; what is blank or no number is absent."""
    profiles, _ = mapped(with_addresses({"c": values}), FieldMap("email", {field: "c"}, {}, {}))

    assert attributes(profiles["payload"][0]).get(field) == sent
    assert profiles["dropped"].to_list() == [None]


@pytest.mark.parametrize("part", TEXT_PARTS)
@pytest.mark.parametrize(("values", "sent"), TEXTS.values(), ids=TEXTS)
def test_a_part_of_the_location_is_sent_as_trimmed_text(part: str, values: pl.Series, sent: str | None) -> None:
    """The same holds within the location, which is absent when nothing is in it."""
    profiles, _ = mapped(with_addresses({"c": values}), field_map(location={part: "c"}))

    assert attributes(profiles["payload"][0]).get("location") == (None if sent is None else {part: sent})


COORDINATES = {
    "text": ("56.9496", 56.9496, False),
    "padded text": (" 56.9496\n", 56.9496, False),
    "whole": ("24", 24, False),
    "with plus": ("+24.5", 24.5, False),
    "negative": ("-0.5", -0.5, False),
    "no decimal comma": ("56,9496", None, True),
    "degrees": ("56°N", None, True),
    "infinite": ("inf", None, True),
    "not a number": ("nan", None, True),
    "word": ("north", None, True),
    "blank": (" ", None, False),
    "null": (None, None, False),
}


@pytest.mark.parametrize("part", ["latitude", "longitude"])
@pytest.mark.parametrize(("held", "sent", "warns"), COORDINATES.values(), ids=COORDINATES)
def test_a_coordinate_is_sent_as_a_number(part: str, held: str | None, sent: float | None, warns: bool) -> None:
    """A coordinate in text is sent as a number; what is none is left out."""
    customers = with_addresses({"c": pl.Series([held], dtype=pl.String)})

    profiles, _ = mapped(customers, field_map(location={part: "c"}))

    assert attributes(profiles["payload"][0]).get("location") == (None if sent is None else {part: sent})
    assert profiles["dropped"].to_list() == [f"{part}_invalid" if warns else None]


@pytest.mark.parametrize(
    ("part", "held", "sent"),
    [
        ("latitude", 90.0, 90),
        ("latitude", -90.0, -90),
        ("latitude", 90.0001, None),
        ("latitude", -91.0, None),
        ("longitude", 180.0, 180),
        ("longitude", -180.0, -180),
        ("longitude", 180.5, None),
        ("longitude", -1e300, None),
    ],
)
def test_a_coordinate_must_be_on_the_globe(part: str, held: float, sent: float | None) -> None:
    """Latitudes go from -90 to 90, longitudes from -180 to 180, the ends included."""
    profiles, _ = mapped(with_addresses({"c": [held]}), field_map(location={part: "c"}))

    assert attributes(profiles["payload"][0]).get("location") == (None if sent is None else {part: sent})
    assert profiles["dropped"].to_list() == [None if sent is not None else f"{part}_invalid"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None], ids=str)
def test_a_coordinate_that_is_no_number_is_absent(value: float | None) -> None:
    """NaN and infinity in a column of numbers say nothing, as null does."""
    customers = with_addresses({"c": pl.Series([value], dtype=pl.Float64)})

    profiles, _ = mapped(customers, field_map(location={"latitude": "c"}))

    assert "location" not in attributes(profiles["payload"][0])
    assert profiles["dropped"].to_list() == [None]


@pytest.mark.parametrize(("length", "kept"), [(255, True), (256, False)])
def test_an_external_id_has_at_most_255_characters(length: int, kept: bool) -> None:
    """A longer external id is left out, in the payload and in its column; characters count, not bytes."""
    external_id = "ä" * length

    profiles, _ = mapped(with_addresses({"c": [external_id]}), field_map(external_id="c"))

    sent = external_id if kept else None
    assert profiles["external_id"].to_list() == [sent]
    assert attributes(profiles["payload"][0]).get("external_id") == sent
    assert profiles["dropped"].to_list() == [None if kept else "external_id_too_long"]


def test_external_ids_that_are_numbers_are_text() -> None:
    """The column external_id is what stands in the payload, whatever the column's type was."""
    profiles, _ = mapped(with_addresses({"c": [7, None, 12]}), field_map(external_id="c"))

    assert profiles["external_id"].to_list() == ["7", None, "12"]


def test_several_fields_may_be_left_out_at_once() -> None:
    """`dropped` names the rules in a fixed order, whichever order the field map has."""
    customers = with_addresses({"lon": ["x"], "lat": ["y"], "id": ["i" * 300], "phone": ["1"]})
    fields = field_map(location={"longitude": "lon", "latitude": "lat"}, external_id="id", phone_number="phone")

    profiles, _ = mapped(customers, fields)

    names = ["phone_invalid", "external_id_too_long", "latitude_invalid", "longitude_invalid"]
    assert profiles["dropped"].to_list() == [",".join(names)]
    assert [name for name in WARNINGS if name in names] == names


def test_one_column_may_feed_several_fields() -> None:
    """A column that is mapped more than once is sent in each place, in that place's form."""
    customers = with_addresses({"c": [" 56.5 "]})
    fields = field_map(first_name="c", location={"latitude": "c"}, properties={"as it is": "c"})

    profiles, _ = mapped(customers, fields)

    expected: dict[str, Any] = {
        "email": "p0@example.com",
        "first_name": "56.5",
        "location": {"latitude": 56.5},
        "properties": {"as it is": " 56.5 "},
    }
    assert attributes(profiles["payload"][0]) == expected


def test_the_address_may_feed_other_fields_too() -> None:
    """The column with the addresses can be mapped like any other."""
    profiles, _ = mapped(pl.DataFrame({"email": ["Ada@Example.com"]}), field_map(properties={"login": "email"}))

    said = {"email": "ada@example.com", "properties": {"login": "Ada@Example.com"}}
    assert attributes(profiles["payload"][0]) == said

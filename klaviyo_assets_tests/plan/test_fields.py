"""Which fields stand in a payload, told from its text."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.plan.fields import fields_of, skeleton


def payload(**attributes: Any) -> str:
    """A payload as it is sent: no spaces, letters as they are."""
    document = {"type": "profile", "attributes": {"email": "ada@example.com", **attributes}}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def fields(*payloads: str | None) -> list[list[str] | None]:
    """The fields of each payload."""
    texts = pl.DataFrame({"payload": payloads}, schema={"payload": pl.String})
    found = fields_of(texts.select(skeleton(pl.col("payload")))["payload"])
    assert found.dtype == pl.List(pl.String)
    return found.to_list()


@pytest.mark.parametrize(
    ("given_payload", "expected"),
    [
        pytest.param(payload(), [], id="an-address-is-no-field"),
        pytest.param(payload(title="x", first_name="y"), ["title", "first_name"], id="fields-of-klaviyo"),
        pytest.param(payload(location={"city": "Rīga", "latitude": 56.9}), ["location.city", "location.latitude"]),
        pytest.param(payload(properties={"tier": 1, "email": "x"}), ["properties.tier", "properties.email"]),
        pytest.param(payload(title='says "first_name": or {[', image="}]"), ["title", "image"], id="text-like-json"),
        pytest.param(payload(title="ends with a \\"), ["title"], id="text-that-ends-with-an-escape"),
        pytest.param(payload(title="a colon:"), ["title"], id="text-that-ends-with-a-colon"),
        pytest.param(
            payload(properties={"a": {"b": {"c": 1}}, "list": [{"d": 1}, ["e:"], "f"], "g": 2}),
            ["properties.a", "properties.list", "properties.g"],
            id="what-stands-in-a-value-is-no-field",
        ),
        pytest.param(
            payload(properties={"location": {"city": 1}, "properties": {"x": 1}, "attributes": 2}),
            ["properties.location", "properties.properties", "properties.attributes"],
            id="properties-named-like-parts",
        ),
        pytest.param(
            payload(properties={"a.b": 1, "dzīve ✨": 1, "": 1, "{[": 1, "k:": 1, " ": 1}),
            ["properties.a.b", "properties.dzīve ✨", "properties.", "properties.{[", "properties.k:", "properties. "],
            id="odd-names",
        ),
        pytest.param(
            payload(properties={'a "b"': 1, "c\\": 2, "d\ne": 3}),
            [r"properties.a \"b\"", r"properties.c\\", r"properties.d\ne"],
            id="names-as-json-writes-them",
        ),
        pytest.param(None, None, id="no-payload"),
    ],
)
def test_fields(given_payload: str | None, expected: list[str] | None) -> None:
    """A field is what Klaviyo could empty by its name, however odd names and values are."""
    assert fields(given_payload) == [expected]


def test_each_payload_keeps_its_own_fields() -> None:
    """Payloads of one frame are told apart, in their order, also where many have the same fields."""
    same, other = payload(title="x"), payload(image="x")

    assert fields(same, None, other, same) == [["title"], None, ["image"], ["title"]]
    assert fields() == []


texts = st.text() | st.text(alphabet=':",[]{}\\1-t e')  # the other one looks like JSON everywhere
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["title", "first_name"]), texts),
    st.dictionaries(st.sampled_from(["city", "zip"]), texts),
    st.dictionaries(texts, values),
)
def test_fields_are_the_keys_of_the_document(
    attributes: dict[str, str], location: dict[str, str], properties: dict[str, Any]
) -> None:
    """Whatever stands in a payload, its fields are those that a reader of JSON finds."""
    expected = [
        *attributes,
        *(f"location.{key}" for key in location),
        *(f"properties.{json.dumps(key, ensure_ascii=False)[1:-1]}" for key in properties),
    ]

    assert fields(payload(**attributes, location=location, properties=properties)) == [expected]

"""How mistakes are told: short, sorted, and without anything that must not be seen."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.exports import Export, Match
from klaviyo_assets.orchestration.declarations.mistakes import (
    Mistake,
    Place,
    attribute_name,
    closest,
    listed,
    redact,
    shown,
)

DETACHED = Export(name="vip", connection=None, list_id="YafG4m", segments=("a",), match=Match(email="EMail"))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        (True, "true"),
        (12, "12"),
        (0.5, "0.5"),
        ({}, "a mapping"),
        ([], "an empty list"),
        ([1], "a list"),
        ("", "empty text"),
        ("vip", '"vip"'),
        ("two\n  lines", '"two lines"'),
        ("x" * 61, '"' + "x" * 60 + '…"'),
        ("ada@contoso.com", "an address"),
        ("pk_0123", "a private key"),
        ("the key pk_0123", "a private key"),
        (f"0pk_{'a' * 34}", "a private key"),
        ("user_pk_id", '"user_pk_id"'),
        (date(2026, 11, 23), "2026-11-23"),
    ],
    ids=str,
)
def test_a_value_is_shown_in_words(value: Any, words: str) -> None:
    """What was found is named, and text is shown in quotes, unless it is an address or a key."""
    assert words == shown(value)


@given(st.emails())
def test_no_address_gets_out(address: str) -> None:
    """An address in a sentence becomes words, whatever the sentence is."""
    assert "@" not in redact(f"found {address}, expected something else; write {address}")


def test_no_key_gets_out_of_a_mistake() -> None:
    """A key that somebody took for the name of an attribute is not told."""
    told = str(Mistake(("pk_0123456789",), "found an unknown attribute").at(Place("defs.yaml", 3, 1)))

    assert told == "defs.yaml:3:1: a private key: found an unknown attribute"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ((), ""),
        (("name",), "name"),
        (("limits", "max_profiles"), "limits.max_profiles"),
        (("segments", 0), "segments[0]"),
    ],
)
def test_an_attribute_is_named_by_its_path(path: tuple[str | int, ...], name: str) -> None:
    """Names are joined by points, and places in a list stand in brackets."""
    assert name == attribute_name(path)


def test_without_a_file_the_declaration_is_named() -> None:
    """A mistake in Python is told of the declaration by its kind and name."""
    mistake = Mistake(("list_id",), "found x, expected y; write y", DETACHED)

    assert str(mistake) == "export vip: list_id: found x, expected y; write y"


def test_mistakes_are_sorted_as_they_stand() -> None:
    """Lines are compared as numbers."""
    places = [Place("b", 1, 1), Place("a", 10, 1), Place("a", 9, 20), Place("a", 9, 3)]

    assert [str(place) for place in sorted(places)] == ["a:9:3", "a:9:20", "a:10:1", "b:1:1"]


def test_words_are_listed_and_guessed() -> None:
    """One, two and three words are listed; the nearest is guessed, and none where all are far."""
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"], "and")] == ["a", "a or b", "a, b and c"]
    assert closest("removed", ["keep", "remove"]) == "remove"
    assert closest("delete", ["keep"]) is None

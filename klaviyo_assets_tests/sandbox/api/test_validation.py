"""Which addresses, numbers and sizes are valid."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_assets.sandbox import Settings
from klaviyo_assets.sandbox.account.payload import Row
from klaviyo_assets.sandbox.api.errors import ApiError
from klaviyo_assets.sandbox.api.validation import byte_count, read_profile

DEFAULT = Settings()


def read(attributes: dict[str, Any], *, bulk: bool = True, settings: Settings = DEFAULT, **resource: Any) -> Row:
    """A profile of these attributes, read."""
    entry = {"type": "profile", "attributes": attributes, **resource}
    return read_profile(entry, pointer="/data", settings=settings, bulk=bulk)


@pytest.mark.parametrize(
    "email",
    [
        "a@b.co",
        "first.last+tag@sub.example.com",
        "o'neil@example.co.uk",
        "a_b-c%d@example-shop.com",
        "1@2.co",
        "x@xn--bcher-kva.example",
        "x@example.xn--p1ai",
        "x" * 88 + "@example.com",
    ],
)
def test_valid_addresses(email: str) -> None:
    """They are taken, and kept in lower case."""
    assert read({"email": email.upper()}).email == email


@pytest.mark.parametrize(
    "email",
    [
        "",
        "plain",
        "@example.com",
        "a@",
        "a@b",
        "a@b.c",
        "a@1.2.3.4",
        "a@example.c0m1",
        "mailto:a@example.com",
        "wow!@example.com",
        "a b@example.com",
        "a@exa mple.com",
        "a@example..com",
        "a..b@example.com",
        ".a@example.com",
        "a.@example.com",
        "a@-example.com",
        "a@example.com.",
        "a@b@example.com",
        "a,b@example.com",
        "<a@example.com>",
        "a@example.com\nb",
        "x" * 89 + "@example.com",
    ],
)
def test_invalid_addresses(email: str) -> None:
    """They are refused, whatever else the row has."""
    with pytest.raises(ApiError) as refused:
        read({"email": email, "external_id": "1"})

    assert [problem.detail for problem in refused.value.problems] == ["Invalid email address"]


@pytest.mark.parametrize("number", ["+37120000001", "+12345678901", "+4912345678901"])
def test_valid_numbers(number: str) -> None:
    """E.164 is taken, alone or beside an address."""
    assert read({"phone_number": number}).phone_number == number
    assert read({"phone_number": number, "email": "a@b.co"}).phone_number == number


@pytest.mark.parametrize("number", ["", "+1234", "0037120000001", "+0123456789", "20000001", "+1 234 567 89 01"])
def test_invalid_numbers(number: str) -> None:
    """A bulk import drops them beside an address, and refuses them otherwise."""
    assert read({"phone_number": number, "email": "a@b.co"}).phone_number is None
    with pytest.raises(ApiError):
        read({"phone_number": number, "external_id": "1"})
    with pytest.raises(ApiError):
        read({"phone_number": number, "email": "a@b.co"}, bulk=False)


@pytest.mark.parametrize(
    "meta",
    [
        [],
        {"patch_properties": []},
        {"patch_properties": {"append": []}},
        {"patch_properties": {"unset": [5]}},
        {"patch_identifiers": {"append": {"email": ["a@b.co"]}}},
    ],
    ids=str,
)
def test_what_is_no_patch(meta: Any) -> None:
    """A patch of another form is refused, and so is one that the sandbox cannot keep."""
    with pytest.raises(ApiError):
        read({"email": "a@b.co"}, meta=meta)


def test_an_empty_meta_says_nothing() -> None:
    """Neither does null."""
    assert read({"email": "a@b.co"}, meta={}).patch is None
    assert read({"email": "a@b.co"}, meta=None).patch is None


def test_a_row_shows_whom_it_is_about_by_its_id_alone() -> None:
    """An id is an identifier, and must be a text."""
    assert read({}, id="01ABC").profile_id == "01ABC"
    with pytest.raises(ApiError):
        read({"email": "a@b.co"}, id=5)


def test_bytes_are_counted_in_utf_8() -> None:
    """Not in characters, and not escaped."""
    assert byte_count({"x": "é😀"}) == len('{"x":"é😀"}'.encode())

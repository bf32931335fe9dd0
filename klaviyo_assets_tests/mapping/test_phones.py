"""Phone numbers: which are sent, in which form, and which cost the person nothing but the number."""

from __future__ import annotations

import polars as pl
import pytest

from klaviyo_assets_tests.mapping.mapped import attributes, field_map, mapped, with_addresses

# what the source holds: what is sent
GOOD = {
    "+37120000000": "+37120000000",
    "+371 20 000 000": "+37120000000",
    "+371-2000-0000": "+37120000000",
    "+371.2000.0000": "+37120000000",
    "+1 (415) 555-0100": "+14155550100",
    "(+1) 415 555 0100": "+14155550100",
    "0037120000000": "+37120000000",
    "00 371 20000000": "+37120000000",
    "+44 (0)20 7946 0958": "+442079460958",
    "0044 (0) 20 7946 0958": "+442079460958",
    " +37120000000 ": "+37120000000",
    "\u00a0+371\u00a020\u202f000\u2009000": "+37120000000",
    "+371\u201120\u2013000\u2014000": "+37120000000",
    "+371\u221220000000": "+37120000000",
    "\u202a+37120000000\u202c": "+37120000000",
    "+49 89 1234567": "+49891234567",
    "+1234567": "+1234567",
    "+123456789012345": "+123456789012345",
}

INVALID = [
    "20000000",
    "37120000000",
    "0 171 1234567",
    "+123456",
    "+1234567890123456",
    "+0371200000",
    "000371200000",
    "+",
    "00",
    "+371 CALL ME",
    "+371 2000 0000 ext 5",
    "+3712000000x",
    "++37120000000",
    "371+20000000",
    "+371 20000000 / +371 20000001",
    "+371,20000000",
    "tel:+37120000000",
    "\uff0b37120000000",
    "+\u0663\u0667\u0661\u0662\u0660\u0660\u0660\u0660",  # Arabic-Indic digits
    "n/a",
    "unknown",
    "-1",
]

ABSENT = [None, "", "  ", "\u200b", "-", "()"]


def phone_of(held: str | None) -> tuple[str | None, str | None]:
    """The phone number that is sent for one person, and the rules that cost a field."""
    customers = with_addresses({"phone": pl.Series([held], dtype=pl.String)})
    profiles, rejections = mapped(customers, field_map(phone_number="phone"))
    assert rejections.is_empty()
    payload, dropped = profiles.select("payload", "dropped").row(0)
    return attributes(payload).get("phone_number"), dropped


@pytest.mark.parametrize(("held", "sent"), GOOD.items(), ids=map(ascii, GOOD))
def test_a_good_number_is_sent_in_one_form(held: str, sent: str) -> None:
    """A number with its country code is sent as E.164, however it was written."""
    assert phone_of(held) == (sent, None)


@pytest.mark.parametrize("held", INVALID, ids=map(ascii, INVALID))
def test_a_bad_number_is_left_out(held: str) -> None:
    """A number that is not international costs the field, not the person, and is a warning."""
    assert phone_of(held) == (None, "phone_invalid")


@pytest.mark.parametrize("held", ABSENT, ids=map(ascii, ABSENT))
def test_no_number_is_no_warning(held: str | None) -> None:
    """Where nothing is written that could be a number, nothing is left out."""
    assert phone_of(held) == (None, None)


def test_a_number_column_has_no_country_code() -> None:
    """Numbers in a column of integers lack the +, so nobody can tell the country."""
    profiles, _ = mapped(with_addresses({"phone": [37120000000, None]}), field_map(phone_number="phone"))

    assert profiles["dropped"].to_list() == ["phone_invalid", None]

"""How people are asked for and read in pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.errors import UnexpectedAnswer
from klaviyo_assets.frames import MEMBERS
from klaviyo_assets.klaviyo import members


def page(*people: dict[str, Any], following: str | None = None) -> bytes:
    """A page as Klaviyo writes it."""
    data = [{"type": "profile", "id": person.pop("id"), "attributes": person, "links": {}} for person in people]
    return json.dumps({"data": data, "links": {"self": "", "next": following, "prev": None}}).encode()


def test_a_page_becomes_a_frame() -> None:
    """Addresses are as we write them, times in UTC with or without fractions, unknown fields passed over."""
    body = page(
        {"id": "01A", "email": " Ada@Example.COM ", "external_id": "7", "joined_group_at": "2026-09-04T13:39:28+00:00"},
        {"id": "01B", "email": None, "new_field": [1], "joined_group_at": "2026-09-04T13:39:28.697020+00:00"},
        {"id": "01C"},
        following="https://a.klaviyo.com/next",
    )
    frame, following = members.parse_page(body)

    assert following == "https://a.klaviyo.com/next"
    assert frame.schema == MEMBERS
    assert frame.row(0) == ("01A", "ada@example.com", "7", None, datetime(2026, 9, 4, 13, 39, 28, tzinfo=UTC))
    assert frame["joined_at"].to_list()[1:] == [datetime(2026, 9, 4, 13, 39, 28, 697020, tzinfo=UTC), None]


def test_an_empty_page_is_an_empty_frame() -> None:
    """Nobody on a page is nobody, and the last page has no next."""
    frame, following = members.parse_page(page())

    assert frame.schema == MEMBERS
    assert (frame.height, following) == (0, None)


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b'{"data": 5}', b'{"data": [{"id": {"marker": 1}}]}'])
def test_a_page_of_nonsense_is_an_error_that_quotes_nothing(body: bytes) -> None:
    """What is no page of people is not taken for an empty one."""
    with pytest.raises(UnexpectedAnswer) as raised:
        members.parse_page(body)

    assert "marker" not in str(raised.value)
    assert raised.value.__cause__ is None


@given(st.lists(st.emails(), unique=True, max_size=250))
def test_lookups_fit_into_an_address(emails: list[str]) -> None:
    """Every group is at most a hundred and short enough in a URL, and nobody is left out."""
    groups = list(members.cut_lookups(pl.Series(emails, dtype=pl.String)))

    assert [email for group in groups for email in group] == emails
    assert all(len(group) <= 100 for group in groups)
    assert all(len(quote(",".join(f'"{email}"' for email in group))) <= 7_100 for group in groups if len(group) > 1)


def test_identifiers_are_the_body_that_removes() -> None:
    """The ids stand as Klaviyo wants them."""
    body = json.loads(members.render_identifiers(pl.Series(["01A", "01B"])))

    assert body == {"data": [{"type": "profile", "id": "01A"}, {"type": "profile", "id": "01B"}]}

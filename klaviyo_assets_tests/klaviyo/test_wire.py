"""What requests look like."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from klaviyo_assets.errors import UnexpectedAnswer
from klaviyo_assets.klaviyo import wire


def test_filter_survives_the_address() -> None:
    """Plus signs, quotes and letters of any script arrive as they were."""
    emails = ["a+b@example.com", 'q"uote@example.com', "ä&=#@example.com"]
    path = wire.with_query("/api/x", {"filter": wire.any_of("email", emails)})

    assert parse_qs(urlsplit(path).query)["filter"] == [
        r'any(email,["a+b@example.com","q\"uote@example.com","ä&=#@example.com"])'
    ]
    assert "+" not in path


def test_equals_quotes_its_value() -> None:
    """A name with quotes stays one value."""
    assert wire.equals("name", 'The "best"') == r'equals(name,"The \"best\"")'


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (None, None),
        ("https://a.klaviyo.com/api/lists?page%5Bcursor%5D=bmV4", "/api/lists?page%5Bcursor%5D=bmV4"),
        ("https://a.klaviyo.com/api/lists/", "/api/lists/"),
        ("/api/lists?page=2", "/api/lists?page=2"),
    ],
)
def test_next_page(link: str | None, expected: str | None) -> None:
    """The link to the next page is followed on the same host; none means the end."""
    assert wire.next_page({"links": {"next": link, "prev": "junk"}}, api_url=wire.API_URL) == expected


def test_no_links_is_the_end() -> None:
    """An answer without links has no next page."""
    assert wire.next_page({}, api_url=wire.API_URL) is None


@pytest.mark.parametrize("link", ["https://evil.example/api", "http://a.klaviyo.com/api", "https://a.klaviyo.com:444/"])
def test_the_key_is_not_taken_to_another_host(link: str) -> None:
    """A link that leads elsewhere is not followed."""
    with pytest.raises(UnexpectedAnswer, match="the key is not sent there"):
        wire.next_page({"links": {"next": link}}, api_url=wire.API_URL)


def test_link_to_a_list() -> None:
    """A list's link leads to Klaviyo's own page, or to the sandbox's."""
    assert wire.link_to_list("YafG4m", api_url=wire.API_URL) == "https://www.klaviyo.com/list/YafG4m/members"
    assert wire.link_to_list("L1", api_url="http://127.0.0.1:8025") == "http://127.0.0.1:8025/list/L1/members"


def test_a_path_without_a_query_is_itself() -> None:
    """Nothing is added where nothing is asked."""
    assert wire.with_query("/api/lists", {}) == "/api/lists"


@pytest.mark.parametrize(("method", "writes"), [("GET", False), ("POST", True), ("DELETE", True), ("PATCH", True)])
def test_what_may_change_the_account(method: str, writes: bool) -> None:
    """Everything but a question may change something."""
    assert wire.Request(method, "/api/lists", "/api/lists", wire.L).writes is writes


def test_every_request_says_who_and_which_revision() -> None:
    """The key stands in its header, and the revision is the one that the answers are read by."""
    headers = wire.headers("pk_1")

    assert headers["Authorization"] == "Klaviyo-API-Key pk_1"
    assert headers["revision"] == wire.REVISION
    assert headers["Accept"] == headers["Content-Type"] == "application/vnd.api+json"

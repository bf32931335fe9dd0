"""What a request to Klaviyo looks like. No I/O, no clock.

Each rule names the page that it implements. What an answer means belongs in `answers`, a rule about time in `pacing`,
a sequence of calls in `client`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from klaviyo_assets.errors import UnexpectedAnswer

REVISION: Final = "2026-07-15"  # https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy
API_URL: Final = "https://a.klaviyo.com"
SITE_URL: Final = "https://www.klaviyo.com"
JSON_API: Final = "application/vnd.api+json"


@dataclass(frozen=True)
class Tier:
    """How many requests an endpoint takes: in a second, and in a minute.

    https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
    """

    burst: int
    steady: int


XS: Final = Tier(1, 15)
S: Final = Tier(3, 60)
M: Final = Tier(10, 150)
L: Final = Tier(75, 750)


@dataclass(frozen=True)
class Request:
    """One call, before it is sent.

    Attributes:
        method: the HTTP method.
        path: path and query, already encoded, or a whole address that Klaviyo gave as a link.
        budget: the name of the quota that it counts against, one per endpoint and account.
        tier: that quota's size.
        body: JSON as bytes; None for no body.
        repeatable: whether sending it twice does no more than sending it once.
    """

    method: str
    path: str
    budget: str
    tier: Tier
    body: bytes | None = None
    repeatable: bool = True

    @property
    def writes(self) -> bool:
        """Whether it may change anything in the account."""
        return self.method != "GET"

    @property
    def name(self) -> str:
        """Method and endpoint, for people: a query may hold addresses, a body always does."""
        return f"{self.method} {self.budget.partition(' ')[0]}"

    def __repr__(self) -> str:
        return f"Request({self.name})"


def headers(api_key: str) -> dict[str, str]:
    """The headers of every request: https://developers.klaviyo.com/en/docs/authenticate_."""
    return {
        "Authorization": f"Klaviyo-API-Key {api_key}",
        "revision": REVISION,
        "Accept": JSON_API,
        "Content-Type": JSON_API,
    }


def with_query(path: str, query: Mapping[str, str]) -> str:
    """The path with its query, encoded as Klaviyo echoes it: spaces as %20, never as +."""
    return f"{path}?{urlencode(query, quote_via=quote)}" if query else path


def any_of(field: str, values: list[str]) -> str:
    """The filter `any(field,["…","…"])`: https://developers.klaviyo.com/en/docs/filtering_."""
    return f"any({field},{json.dumps(values, ensure_ascii=False, separators=(',', ':'))})"


def equals(field: str, value: str) -> str:
    """The filter `equals(field,"…")`."""
    return f"equals({field},{json.dumps(value, ensure_ascii=False)})"


def next_page(document: Mapping[str, Any], *, api_url: str) -> str | None:
    """Path and query of the next page, or None on the last.

    Raises:
        UnexpectedAnswer: the link leads to another host; the key is not sent there.
    """
    link = (document.get("links") or {}).get("next")
    if not link:
        return None
    found, expected = urlsplit(link), urlsplit(api_url)
    if found.netloc and (found.scheme, found.netloc) != (expected.scheme, expected.netloc):
        raise UnexpectedAnswer(
            f"Klaviyo's link to the next page leads to {found.scheme}://{found.netloc}, expected {api_url}; the key "
            f"is not sent there: check the address that the connection uses."
        )
    return f"{found.path}?{found.query}" if found.query else found.path


def link_to_list(list_id: str, *, api_url: str) -> str:
    """Where a person looks at the list: Klaviyo's own page, or the sandbox's where the API is not Klaviyo's."""
    site = SITE_URL if api_url == API_URL else api_url
    return f"{site}/list/{list_id}/members"

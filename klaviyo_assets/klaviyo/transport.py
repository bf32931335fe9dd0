"""The only place that knows the HTTP library: a request goes out, an answer or `Unavailable` comes back.

No rule of Klaviyo's belongs here, except that a key goes to nobody else: only to https or to this machine, never
along a redirect.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import httpx

from klaviyo_assets.errors import KeyMissing, Unavailable
from klaviyo_assets.klaviyo.answers import Answer
from klaviyo_assets.klaviyo.wire import Request, headers

TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)  # seconds; Klaviyo's gateway gives up before that
LONGEST_ANSWER_S: Final = 120.0  # from the request to the end of its answer
MOST_CONNECTIONS: Final = 16


class Transport:
    """Connections to one address with one key; safe for several threads."""

    def __init__(self, *, api_key: str, api_url: str) -> None:
        """Check where the key would go; nothing is sent yet.

        Raises:
            KeyMissing: the address is neither https nor this machine.
        """
        is_local = _check_address(api_url)
        self._http = httpx.Client(
            base_url=api_url,
            headers=headers(api_key),
            timeout=TIMEOUT,
            follow_redirects=False,
            trust_env=not is_local,  # a proxy would see what goes to this machine in clear
            limits=httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def send(self, request: Request) -> Answer:
        """One attempt.

        Raises:
            Unavailable: no whole answer came; the request may have had its effect.
        """
        started = time.monotonic()
        try:
            with self._http.stream(request.method, request.path, content=request.body) as response:
                body = b"".join(_hasty(response.iter_bytes(), until=started + LONGEST_ANSWER_S))
        except httpx.RequestError as error:
            # The library's own text may hold the address with its query: only its kind is told.
            message = (
                f"Klaviyo did not answer {request.name} ({type(error).__name__}); check the "
                f"connection to the network, or try again later."
            )
            raise Unavailable(message) from None
        return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)


def _hasty(pieces: Iterable[bytes], *, until: float) -> Iterator[bytes]:
    """The pieces, unless they take too long in all: each by itself may come in time, and the last one never."""
    for piece in pieces:
        if time.monotonic() > until:
            raise httpx.ReadTimeout("the answer takes too long")
        yield piece


def _check_address(api_url: str) -> bool:
    """Whether the address is this machine's."""
    address = urlsplit(api_url)
    if address.scheme in ("http", "https") and _is_this_machine(address.hostname or ""):
        return True
    if address.scheme == "https" and address.hostname:
        return False
    message = (
        f"The address {address.scheme}://{address.hostname} is neither https nor this machine; the key is not sent "
        f"there: set the variable that api_url_env names to https://a.klaviyo.com, or take it away."
    )
    raise KeyMissing(message)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

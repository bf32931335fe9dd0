"""The only place that knows the HTTP library: a request goes out, an answer or `Unavailable` comes back.

No rule of Klaviyo's belongs here, except that a key goes to nobody else: only to https or to this machine, never
along a redirect; and that the library's own log lines hold no query, since it may hold addresses of people.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

import httpx

from klaviyo_assets.errors import KeyMissing, Unavailable
from klaviyo_assets.klaviyo.answers import Answer
from klaviyo_assets.klaviyo.wire import Request, headers

TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)  # seconds; Klaviyo's gateway gives up before that
LONGEST_ANSWER_S: Final = 120.0  # from the request to the end of its answer
MOST_CONNECTIONS: Final = 16
_REMEDY: Final = "set the variable that api_url_env names to https://a.klaviyo.com, or take it away."
_KEY: Final = re.compile(r"[!-~]+")  # what a header can hold, and no space


class _WithoutQuery(logging.Filter):
    """Takes the query from the address in a line of log, and with it the people whom a look-up names."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line pass, after that."""
        if isinstance(record.args, tuple):
            record.args = tuple(arg.copy_with(query=None) if isinstance(arg, httpx.URL) else arg for arg in record.args)
        return True


# The library tells every request at level INFO, and Dagster keeps such lines where `python_logs` asks for them.
logging.getLogger("httpx").addFilter(_WithoutQuery())


class Transport:
    """Connections to one address with one key; safe for several threads."""

    def __init__(self, *, api_key: str, api_url: str) -> None:
        """Check where the key would go; nothing is sent yet.

        Raises:
            KeyMissing: the address is neither https nor this machine, or the key cannot be one.
        """
        _check_key(api_key)
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


def _check_key(api_key: str) -> None:
    # The library would quote a key that it cannot send.
    if not _KEY.fullmatch(api_key):
        raise KeyMissing(
            "The private key holds a space, a line break or a character that no key has; copy it again into the "
            "variable that api_key_env names, and nothing else."
        )


def _check_address(api_url: str) -> bool:
    """Whether the address is this machine's."""
    address = _split(api_url)
    if address.scheme in ("http", "https") and _is_this_machine(address.hostname or ""):
        return True
    if address.scheme == "https" and address.hostname:
        return False
    raise KeyMissing(f"{_found(address)} is neither https nor this machine; the key is not sent there: {_REMEDY}")


def _split(api_url: str) -> SplitResult:
    try:
        address = urlsplit(api_url)
        address.port  # noqa: B018  reading it checks it
    except ValueError:
        raise KeyMissing(f"What api_url_env names holds no address; nothing is sent: {_REMEDY}") from None
    # What stands before an @ would be sent in the place of the key, and told wherever the address is.
    if address.username is not None or address.query or address.fragment:
        found = "a user name, a query or a fragment"
        raise KeyMissing(f"{_found(address)} has {found}, expected none of these; {_REMEDY}")
    return address


def _found(address: SplitResult) -> str:
    return f"The address {address.scheme}://{address.hostname}"


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""The last requests, for people and for tests. Neither keys nor bodies are kept."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 10_000


@dataclass(frozen=True)
class LoggedRequest:
    """A request and what came of it.

    Attributes:
        path: with its query, as it was sent.
        status: None where the connection was dropped instead of answered.
        at: the sandbox's time, seconds since 1970.
        duration_s: until the answer was ready to be sent, in real seconds.
        account_id: None where nobody was recognised.
    """

    method: str
    path: str
    status: int | None
    at: float
    duration_s: float
    byte_count: int
    account_id: str | None

    def as_json(self) -> dict[str, Any]:
        """As the control route tells it."""
        return asdict(self)


class RequestLog:
    """Keeps the last 10 000 requests, oldest first."""

    def __init__(self) -> None:
        self._requests: deque[LoggedRequest] = deque(maxlen=KEPT)

    def add(self, request: LoggedRequest) -> None:
        """Logs a request; the oldest goes if there are too many."""
        self._requests.append(request)

    def all(self) -> list[LoggedRequest]:
        """Every request that is kept."""
        return list(self._requests)

    def clear(self) -> None:
        """Forgets them all."""
        self._requests.clear()

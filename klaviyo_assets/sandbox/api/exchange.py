"""What passes between the gateway and an endpoint: a call, and an answer. No HTTP library here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from klaviyo_assets.sandbox.account import Account
from klaviyo_assets.sandbox.api.query import Query
from klaviyo_assets.sandbox.effects import Effect
from klaviyo_assets.sandbox.settings import Settings

JSON_API = "application/vnd.api+json"


@dataclass(frozen=True)
class Incoming:
    """A request as it came.

    Attributes:
        body: None where it was larger than `byte_count` may be.
        whole_at: when its last byte came, by the sandbox's clock: then it counts against the limits, however long it
            waits for its turn.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None = field(repr=False)
    byte_count: int
    base_url: str
    whole_at: float

    @property
    def route(self) -> str:
        """The path without the slash that may end it."""
        return self.path.rstrip("/")


@dataclass(frozen=True)
class Call:
    """A request that may be answered: by whom, of what, and with which body.

    Attributes:
        now: the sandbox's time, seconds since 1970.
        params: the parts of the path that vary.
        document: the decoded body; None if there was none.
        effects: what ordered faults have in store for a bulk job that this call makes.
    """

    account: Account
    settings: Settings
    now: float
    base_url: str
    route: str
    params: Mapping[str, str]
    query: Query
    document: Any = field(default=None, repr=False)
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What is sent back. A document is rendered as JSON:API; bytes go as they are."""

    status: int
    document: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str | None = None

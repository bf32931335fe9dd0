"""What a delivery takes from the world around it, so that a test can decide it: time, names, and the order of answers.

Klaviyo's side of the world is the client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from klaviyo_assets.delivery.in_flight import InFlight, Threads


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _random_name() -> str:
    return uuid4().hex


@dataclass(frozen=True)
class World:
    """Where a delivery happens.

    Attributes:
        now: the time, in UTC.
        new_name: a name that nothing had before.
        in_flight: gives room for requests at once.
    """

    now: Callable[[], datetime] = _utc_now
    new_name: Callable[[], str] = _random_name
    in_flight: Callable[[], InFlight[Any]] = Threads

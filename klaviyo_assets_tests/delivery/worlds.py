"""Worlds that a test decides: in which order answers come, what things are called, and when a process dies.

A killed process does nothing more: no request leaves and no receipt is written from that moment on, whatever the code
does on its way out.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import polars as pl
from upath import UPath

from klaviyo_assets.delivery.in_flight import MOST
from klaviyo_assets.delivery.world import World
from klaviyo_assets.klaviyo.answers import Answer
from klaviyo_assets.klaviyo.transport import Transport
from klaviyo_assets.klaviyo.wire import Request
from klaviyo_assets.ledger import DeltaLedger


class Killed(BaseException):
    """The process is gone."""


class Fate:
    """Does something at one of a delivery's steps: each request, each commit of the ledger, before and after it."""

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        self.is_met = False
        self._left = at
        self._act = act

    def step(self) -> None:
        """One step further."""
        self._left -= 1
        if self._left <= 0:
            self.is_met = True
            self._act()


def death(at: int) -> Fate:
    """The process is killed at this step."""

    def die() -> None:
        raise Killed

    return Fate(at, die)


class FatedTransport(Transport):
    """Sends requests as long as fate allows."""

    def __init__(self, fate: Fate, *, api_key: str, api_url: str) -> None:
        super().__init__(api_key=api_key, api_url=api_url)
        self._fate = fate

    def send(self, request: Request) -> Answer:
        """Send it; whoever dies after that never hears the answer."""
        self._fate.step()
        answer = super().send(request)
        self._fate.step()
        return answer


def fated_ledger(fate: Fate) -> Callable[[UPath], DeltaLedger]:
    """Ledgers that are written as long as fate allows."""

    class FatedLedger(DeltaLedger):
        def append(self, receipts: pl.DataFrame) -> None:
            fate.step()
            super().append(receipts)
            fate.step()

        def replace(self, receipts: pl.LazyFrame) -> None:
            fate.step()
            super().replace(receipts)
            fate.step()

    return FatedLedger


class OneByOne:
    """Calls that are made one after the other, in an order that is chosen."""

    def __init__(self, choose: Callable[[int], int]) -> None:
        """Nothing is under way.

        Args:
            choose: gives the place, of so many, of the call that is made next.
        """
        self._choose = choose
        self._waiting: list[Callable[[], Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.clear()

    @property
    def room(self) -> int:
        """How many more may be started."""
        return MOST - len(self._waiting)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is under way."""
        return not self._waiting

    def start(self, call: Callable[[], Any]) -> None:
        """Begin a call."""
        self._waiting.append(call)

    def finished(self) -> list[Any]:
        """Make one of them."""
        return [self._waiting.pop(self._choose(len(self._waiting)))()]

    def abandon(self) -> list[Any]:
        """Of those that are left, some had begun; none, where they are made as they come."""
        begun = [call for call in self._waiting if self._choose(2)]
        self._waiting.clear()
        results = []
        for call in begun:
            try:
                results.append(call())
            except Exception:  # noqa: BLE001  as in the real one, what fails now is passed over
                continue
        return results


def orderly_world() -> World:
    """A world in which requests leave as they come, one after the other."""
    return World(in_flight=lambda: OneByOne(lambda count: 0))


def drawn_world(seed: int, *, now: Callable[[], float]) -> World:
    """A world that is the same for the same seed.

    Args:
        seed: whatever is drawn, is drawn from it.
        now: the time, in seconds since 1970.
    """
    draw = random.Random(seed)
    return World(
        now=lambda: datetime.fromtimestamp(now(), UTC),
        new_name=lambda: f"{draw.getrandbits(128):032x}",
        in_flight=lambda: OneByOne(draw.randrange),
    )

"""Failures on order: which request, how often, and what then. They are data, and a test can ask whether they were met.

What can be ordered stands in `effects.py`.
"""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from klaviyo_assets.sandbox.effects import EFFECTS, Effect, parse_effect
from klaviyo_assets.sandbox.inputs import WrongInput, expect_known, expect_object, parse


@dataclass(frozen=True)
class Match:
    """Which requests: by method, by path (a glob, or `^` and a regular expression), from the n-th on."""

    method: str = "*"
    path: str = "*"
    nth: int = 1

    def __post_init__(self) -> None:
        if self.nth < 1:
            raise WrongInput(f"match.nth: found {self.nth}, expected 1 or more.")
        if self.path.startswith("^"):
            try:
                re.compile(self.path)
            except re.error as mistake:
                raise WrongInput(f"match.path: found no regular expression ({mistake}).") from None

    def fits(self, method: str, route: str) -> bool:
        """Whether a request is meant; `route` is the path without query and last slash."""
        if self.method not in ("*", method):
            return False
        if self.path.startswith("^"):
            return re.search(self.path, route) is not None
        return fnmatchcase(route, self.path.rstrip("/") or "/")


@dataclass
class Fault:
    """One order: it is met when it has happened `times` times."""

    match: Match
    do: tuple[Effect, ...]
    times: int = 1
    seen_count: int = 0
    met_count: int = 0

    def fits(self, method: str, route: str) -> bool:
        """Whether it may happen to a request; `route` is the path without query and last slash."""
        concerned = all(effect.concerns in (None, (method, route)) for effect in self.do)
        return bool(self.remaining_count) and concerned and self.match.fits(method, route)

    @property
    def remaining_count(self) -> int:
        """How often it will still happen."""
        return self.times - self.met_count

    def as_json(self) -> dict[str, Any]:
        """The order as it was given, and how far it was met."""
        effects = [{"kind": effect.kind} | asdict(effect) for effect in self.do]
        counts = {"met_count": self.met_count, "remaining_count": self.remaining_count}
        return {"match": asdict(self.match), "times": self.times, "do": effects} | counts


class FaultBook:
    """The faults that were ordered. A request takes at most one: the first that fits and is not met yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def order(self, fault: Fault) -> Fault:
        """Adds a fault, after those that are there."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def take(self, method: str, route: str) -> tuple[Effect, ...]:
        """What happens to a request, which is thereby counted."""
        with self._lock:
            for fault in self._faults:
                if fault.fits(method, route):
                    fault.seen_count += 1
                    if fault.seen_count >= fault.match.nth:
                        fault.met_count += 1
                        return fault.do
        return ()

    def all(self) -> list[Fault]:
        """Every fault, in the order of their orders."""
        return list(self._faults)

    def unmet(self) -> list[Fault]:
        """Those that have not happened as often as was ordered."""
        return [fault for fault in self._faults if fault.remaining_count]

    def clear(self) -> None:
        """Takes all orders back."""
        with self._lock:
            self._faults = []


def parse_fault(given: object) -> Fault:
    """A fault from decoded JSON: `{"match": {…}, "times": 1, "do": {"kind": …, …}}`; `do` may be a list.

    Raises:
        WrongInput: anything that is no fault, and what would be one.
    """
    order = expect_object(given, where="fault")
    expect_known(order, ("match", "times", "do"), where="fault")
    match = parse(Match, order.get("match", {}), where="match")
    effects = order.get("do")
    parsed = tuple(parse_effect(effect) for effect in (effects if isinstance(effects, list) else [effects]))
    return new_fault(match, parsed, times=order.get("times", 1))


def new_fault(match: Match, do: tuple[Effect, ...], *, times: int = 1) -> Fault:
    """A fault of effects that are effects already."""
    if type(times) is not int or times < 1:
        raise WrongInput(f"fault.times: found {times!r}, expected a whole number from 1 up.")
    if not do:
        raise WrongInput(f"fault.do: found no effect, expected one of {', '.join(EFFECTS)}.")
    return Fault(match, do, times)

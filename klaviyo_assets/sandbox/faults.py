"""Failures on order: which request, how often, and what then. They are data, and a test can ask whether they were met.

What an effect does to an answer on its way out stands in `transmit.py`, what it does to a bulk job in
`api/bulk_jobs.py`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Literal

from klaviyo_assets.sandbox.inputs import WrongInput, expect_known, expect_object, parse


@dataclass(frozen=True)
class Effect:
    """What happens to a request that a fault was ordered for."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class AnswerWith(Effect):
    """Answers with a status instead of the result.

    Attributes:
        retry_after: the header's value, whatever it is.
        html: a page as a proxy sends it, in place of a JSON error.
        errors: the entries of the JSON error; by default what Klaviyo says with that status.
        after_work: the request is carried out first; only its result is withheld.
    """

    kind = "answer_with"
    status: int
    retry_after: str | None = None
    html: bool = False
    errors: tuple[Mapping[str, Any], ...] | None = None
    after_work: bool = False

    def __post_init__(self) -> None:
        if not 200 <= self.status <= 599:
            raise WrongInput(f"answer_with.status: found {self.status}, expected 200 to 599.")


@dataclass(frozen=True)
class DropConnection(Effect):
    """Closes the connection without an answer, before the request is carried out or after."""

    kind = "drop_connection"
    after_work: bool = False


@dataclass(frozen=True)
class DelayAnswer(Effect):
    """Waits so many real seconds before it answers."""

    kind = "delay_answer"
    delay_s: float


@dataclass(frozen=True)
class SlowBody(Effect):
    """Sends the answer's body in pieces, with a pause of so many real seconds before each."""

    kind = "slow_body"
    pause_s: float
    piece_count: int = 4


@dataclass(frozen=True)
class CutBody(Effect):
    """Promises the whole body, sends a share of it, and closes the connection."""

    kind = "cut_body"
    sent_share: float = 0.5


@dataclass(frozen=True)
class AlterAnswer(Effect):
    """Sets values in the answer's document: an unknown status, a field that nobody has heard of.

    Attributes:
        set: JSON pointer to value; `*` in a pointer stands for every item of a list.
    """

    kind = "alter_answer"
    set: Mapping[str, Any]


@dataclass(frozen=True)
class FailRows(Effect):
    """Lets rows of the bulk job that the request makes fail, by their index or their e-mail address.

    Attributes:
        with_pointer: the import error says which row it is about.
        with_payload: the import error repeats the row.
    """

    kind = "fail_rows"
    indexes: tuple[int, ...] = ()
    emails: tuple[str, ...] = field(default=(), repr=False)
    code: str = "invalid"
    title: str = "Invalid input."
    detail: str = "The profile could not be imported."
    with_pointer: bool = True
    with_payload: bool = True


@dataclass(frozen=True)
class EndBulkJob(Effect):
    """Decides how the bulk job that the request makes comes to its end.

    Attributes:
        ending: `expired` completes, and is gone at once; a stuck one stays as it is for good.
        applied_share: how many of its rows are applied before that.
    """

    kind = "end_bulk_job"
    ending: Literal["cancelled", "stuck_queued", "stuck_processing", "expired"]
    applied_share: float = 1.0


EFFECTS: dict[str, type[Effect]] = {
    effect.kind: effect
    for effect in (*(AnswerWith, DropConnection, DelayAnswer, SlowBody, CutBody, AlterAnswer, FailRows, EndBulkJob),)
}


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
        """`route` is the path without query and last slash."""
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
                if fault.remaining_count and fault.match.fits(method, route):
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
    expect_known(order, {"match": 0, "times": 0, "do": 0}, where="fault")
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


def parse_effect(given: object) -> Effect:
    """One effect, of the class that its `kind` names."""
    values = dict(expect_object(given, where="do"))
    kind = values.pop("kind", None)
    if kind not in EFFECTS:
        raise WrongInput(f"do.kind: found {kind!r}, expected one of {', '.join(EFFECTS)}.")
    return parse(EFFECTS[kind], values, where=kind)

"""Histories of a ledger: steps as deliveries take them, and in plain Python what they come to.

A step does only what a delivery may do: nobody gets a new change while a request with him is open. Whom a step
concerns in vain it passes over, so that any steps in any order are a history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl
from hypothesis import strategies as st

from klaviyo_assets.frames import CHANGES, LEDGER, RECEIPTS, empty
from klaviyo_assets.ledger import Stamp
from klaviyo_assets.ledger.receipts import number
from klaviyo_assets_tests.frames_made import NOON, made, members

EMAILS: Final = [f"{name}@example.com" for name in "abcd"]
BODIES: Final = ["add", "update", "clear", "remove"]
ENDINGS: Final = ["done", "done", "lost", None]


@dataclass(frozen=True)
class Step:
    """One step: `kind` is a change, or what became known; a body is submitted, and ends, at once or not yet."""

    kind: str
    emails: frozenset[str]
    value: int
    submitted: bool
    ending: str | None
    unlucky: frozenset[str]  # whom Klaviyo refused, or left a field out of
    hours: int


steps = st.builds(
    Step,
    kind=st.sampled_from([*BODIES, *BODIES, "settle", "settle", "existing", "adopted", "gone"]),
    emails=st.frozensets(st.sampled_from(EMAILS), min_size=1),
    value=st.integers(1, 3),
    submitted=st.booleans(),
    ending=st.sampled_from(ENDINGS),
    unlucky=st.frozensets(st.sampled_from(EMAILS), max_size=1),
    hours=st.sampled_from([0, 1, 30, 250]),
)


@dataclass(frozen=True)
class Member:
    """Somebody on the list by our doing, or whom we adopted."""

    payload: str | None
    joined_from: datetime | None
    joined_until: datetime | None
    uncleared: tuple[str, ...] | None = None
    incomplete: bool = False


@dataclass
class Body:
    """A request body that is not settled."""

    change: str
    people: dict[str, Member]
    left_out: set[str]
    joined_from: datetime | None = None


@dataclass
class History:
    """The receipts of some steps, and what they come to as far as plain Python knows.

    Attributes:
        receipts: without their numbers.
        lost_from: since when a lost addition may have put somebody on the list, who did not leave it since.
    """

    receipts: list[pl.DataFrame] = field(default_factory=lambda: [empty(RECEIPTS)])
    members: dict[str, Member] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    open: dict[str, Body] = field(default_factory=dict)
    lost_from: dict[str, datetime] = field(default_factory=dict)
    now: datetime = NOON
    count: int = 0

    def read(self) -> pl.DataFrame:
        """The receipts, numbered."""
        return number(pl.concat(self.receipts), first=0)

    @property
    def stamp(self) -> Stamp:
        return Stamp(run_id="run-1", at=NOON)

    @property
    def busy(self) -> set[str]:
        """Who has an open request."""
        return {email for body in self.open.values() for email in body.people}

    def take(self, step: Step) -> None:
        """Write the step's receipts, and note what they come to."""
        self.now += timedelta(hours=step.hours, seconds=1)
        if step.kind in BODIES:
            self._send(step)
        elif step.kind == "settle":
            for body in list(self.open)[:1]:
                self._settle(body, step.ending or "done")
        else:
            self._learn(step)

    def _choose(self, step: Step) -> set[str]:
        """Whom of the step's people a delivery could have changed so."""
        known = {email for email in self.members if step.kind != "clear" or self.members[email].uncleared}
        return set(step.emails - known if step.kind == "add" else step.emails & known) - self.busy

    def _send(self, step: Step) -> None:
        chosen = self._choose(step)
        if not chosen:
            return
        self.count += 1
        name, is_import = str(self.count), step.kind in ("add", "update")
        clears = ["title"] if step.kind == "clear" or (step.kind == "update" and step.value > 1) else None
        payload = f"v{step.value}" if is_import else None
        rows = [{"email": email} for email in sorted(chosen)]
        changes = made(CHANGES, rows, change=step.kind, payload=payload, clears=clears)
        self.receipts.append(self.stamp.intents(changes, body=name))
        unlucky = chosen & step.unlucky
        left_out = unlucky if is_import and step.value == 3 else set()
        self._note(left_out, self.stamp.dropped, name)
        self._note(unlucky - left_out, self.stamp.refused, name)
        sent = Member(payload, None, None, tuple(clears) if clears and is_import else None)
        self.open[name] = Body(step.kind, dict.fromkeys(chosen - unlucky | left_out, sent), left_out)
        if is_import and step.submitted:
            self.open[name].joined_from = self.now
            self.receipts.append(self.stamp.submitted(name, f"job-{name}", life=(self.now, self.now)))
        if step.ending:
            self._settle(name, step.ending)

    def _note(self, people: set[str], write: Callable[..., pl.DataFrame], name: str) -> None:
        facts = {"email": sorted(people), "code": "x", "field": "phone_number"}
        if people:
            self.receipts.append(write(pl.DataFrame(facts), body=name))

    def _settle(self, name: str, outcome: str) -> None:
        body = self.open.pop(name)
        is_over = body.joined_from is not None
        self.receipts.append(self.stamp.settled(name, outcome=outcome, completed_at=self.now if is_over else None))
        for email, sent in body.people.items():
            if outcome == "done":
                self._apply(email, body, replace(sent, incomplete=email in body.left_out))
            elif body.change == "add" and body.joined_from:
                self.lost_from[email] = min(self.lost_from.get(email, body.joined_from), body.joined_from)

    def _apply(self, email: str, body: Body, sent: Member) -> None:
        before = self.members.get(email)
        if body.change == "add":
            times = [time for time in (body.joined_from, self.lost_from.get(email)) if time]
            until = self.now if body.joined_from else None
            self.members[email] = replace(sent, joined_from=min(times, default=None), joined_until=until)
        elif body.change == "remove":
            self._forget(email)
        elif before and body.change == "update":
            new = {"payload": sent.payload, "uncleared": sent.uncleared, "incomplete": sent.incomplete}
            self.members[email] = replace(before, **new)  # type: ignore[arg-type]
        elif before:
            self.members[email] = replace(before, uncleared=None)

    def _learn(self, step: Step) -> None:
        if step.kind == "existing":
            unknown = sorted(step.emails - self.members.keys() - self.foreign)
            self.receipts.append(self.stamp.existing(members(unknown, joined_at=self.now)))
            self.foreign |= set(unknown)
        elif step.kind == "adopted":
            adopted = sorted(self.foreign - self.busy)
            known = [self.members.get(email, Member(None, None, None)) for email in adopted]
            facts: dict[str, Any] = {"email": adopted, "external_id": None, "joined_at": self.now}
            facts |= {name: [getattr(each, name) for each in known] for name in ("payload", "uncleared")}
            if adopted:
                self.receipts.append(self.stamp.adopted(pl.DataFrame(facts)))
            for email, before in zip(adopted, known, strict=True):
                since = min(self.now, self.lost_from.get(email, self.now))
                self.members[email] = Member(before.payload, since, self.now, before.uncleared)
            self.foreign -= set(adopted)
        else:
            gone = sorted(step.emails & self.members.keys() - self.busy)
            self.receipts.append(self.stamp.gone(pl.DataFrame({"email": gone}, schema={"email": pl.String})))
            for email in gone:
                self._forget(email)

    def _forget(self, email: str) -> None:
        self.members.pop(email)
        self.lost_from.pop(email, None)

    def as_ledger(self) -> pl.DataFrame:
        """The LEDGER that it comes to, by address."""
        nobody = Member(None, None, None)
        rows = [
            {
                **vars(self.members.get(email, nobody)),
                "email": email,
                "ours": email not in self.foreign,
                "open": email in self.busy,
            }
            for email in sorted(self.members.keys() | self.busy)
        ]
        return made(LEDGER, rows)

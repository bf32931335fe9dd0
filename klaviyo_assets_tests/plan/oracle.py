"""The tables of `plan/diff.py` and `plan/clears.py` in plain Python, a person at a time: what a plan should hold.

It is slow and plain on purpose, and shares nothing with what it judges.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from klaviyo_assets.plan import PlanCounts
from klaviyo_assets_tests.plan.universes import Person, Universe

COST = {
    "phone_invalid": "phone_number",
    "phone_shared": "phone_number",
    "latitude_invalid": "location.latitude",
    "external_id_shared": "external_id",
}


@dataclass(frozen=True)
class Policy:
    """How an export wants its plans."""

    leavers: Literal["keep", "remove"]
    on_null: Literal["clear", "keep"]
    resend_all: bool


@dataclass(frozen=True)
class Verdict:
    """What becomes of one person."""

    kind: str
    clears: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    confirm_first: str | None = None


def judge(universe: Universe, policy: Policy) -> dict[str, Verdict]:
    """The verdict of everybody who is in the segment or the ledger."""
    here = [(each.external_id, each.email) for each in universe if each.now is not None and each.external_id]
    ids = Counter(external_id for external_id, _ in here)
    moved_to = {external_id: email for external_id, email in here if ids[external_id] == 1}
    return {each.email: _judge(each, policy, moved_to) for each in universe if each.now is not None or each.known}


def _judge(person: Person, policy: Policy, moved_to: dict[str, str]) -> Verdict:
    known = person.known
    if known is None:
        return Verdict("add")
    if known.open:
        return Verdict("stay" if person.now is None else "pending")
    if person.now is not None:
        return _compare(person, policy)
    if not known.ours or set(person.rejected) - {"not_opted_in"}:
        return Verdict("stay")
    if known.external_id and known.external_id in moved_to:
        return Verdict("remove", confirm_first=moved_to[known.external_id])
    return Verdict("remove" if policy.leavers == "remove" else "stay")


def _compare(person: Person, policy: Policy) -> Verdict:
    """Of somebody who is in the segment and in the ledger."""
    known = person.known
    assert known is not None
    assert person.now is not None
    is_confirmed = known.payload == person.payload and not known.incomplete and not policy.resend_all
    gone = _find_gone(person) if policy.on_null == "clear" else frozenset()
    properties = {field for field in gone if field.startswith("properties.")}
    clears = tuple(sorted(gone - properties))
    if is_confirmed:
        return Verdict("clear", clears) if clears else Verdict("unchanged")
    return Verdict("update", clears, tuple(sorted(json.loads(f'"{field[11:]}"') for field in properties)))


def _find_gone(person: Person) -> frozenset[str]:
    """What we sent once, and nobody sends now, but for what a rule dropped."""
    known = person.known
    assert known is not None
    once = known.sent | set(known.uncleared or ())
    sent = set(person.now or ()).union(*person.others)
    return once - sent - {COST[rule] for rule in (person.dropped or "").split(",") if rule}


def count(universes: Iterable[Universe], policy: Policy) -> PlanCounts:
    """How many there are of each kind."""
    people = [each for universe in universes for each in universe]
    verdicts = [verdict for universe in universes for verdict in judge(universe, policy).values()]
    kinds = Counter(verdict.kind for verdict in verdicts)
    rules = Counter(rule for each in people for rule in each.rejected)
    return PlanCounts(
        rows_read=sum(each.now is not None for each in people) + rules.total(),
        rejected=rules.total(),
        duplicate_count=rules["email_duplicate"],
        withheld_count=rules["not_opted_in"],
        added=kinds["add"],
        updated=kinds["update"] + kinds["clear"],
        cleared_count=sum(bool(verdict.clears or verdict.unset) for verdict in verdicts),
        unchanged=kinds["unchanged"],
        pending=kinds["pending"],
        removed=kinds["remove"],
        moved_count=sum(verdict.confirm_first is not None for verdict in verdicts),
        stayed=kinds["stay"],
        member_count=sum(not (each.known.open and each.known.payload is None) for each in people if each.known),
    )

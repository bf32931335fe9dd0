"""The plan of thousands of random universes, compared with what plain Python makes of each.

A failure prints the smallest universe that it found, and the seed: TEST_SEED=… repeats the run.
"""

from __future__ import annotations

import itertools
import json
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal

import pytest

from klaviyo_assets.plan import Plan, diff
from klaviyo_assets_tests.frames_made import all_changes
from klaviyo_assets_tests.plan import universes as made
from klaviyo_assets_tests.plan.oracle import Policy, Verdict, count, judge
from klaviyo_assets_tests.plan.universes import Person, Universe, make_universe

SEED = int(os.environ.get("TEST_SEED") or random.SystemRandom().randrange(2**32))
COUNT = 4_000 if os.environ.get("CI") else 1_000
LEAVERS: list[Literal["keep", "remove"]] = ["keep", "remove"]
ON_NULL: list[Literal["clear", "keep"]] = ["clear", "keep"]
POLICIES = [Policy(*each) for each in itertools.product(LEAVERS, ON_NULL, (False, True))]


@cache
def all_universes() -> Sequence[Universe]:
    """Those of this run."""
    return [make_universe(SEED, number) for number in range(COUNT)]


def plan_of(universes: Sequence[Universe], policy: Policy) -> Plan:
    """One plan for all of them."""
    people = [each for universe in universes for each in universe]
    return diff(
        made.profiles(people),
        made.rejections(people),
        made.ledger(people),
        leavers=policy.leavers,
        on_null=policy.on_null,
        others=made.others(people),
        resend_all=policy.resend_all,
    )


def found(plan: Plan) -> dict[str, Verdict]:
    """What a plan does to whom; that an update's clear follows it is a part of the update."""
    changes: dict[str, Verdict] = {}
    columns = ("email", "change", "clears", "unset", "confirm_first")
    for email, change, clears, unset, confirm_first in all_changes(plan).select(columns).iter_rows():
        if change == "clear" and email in changes:
            assert changes[email].clears == tuple(clears)
            continue
        names = tuple(sorted(json.loads(unset))) if unset else ()
        changes[email] = Verdict(change, tuple(clears or ()), names, confirm_first)
    return changes


def wanted(universes: Sequence[Universe], policy: Policy) -> dict[str, Verdict]:
    """What a plan should do to whom: nothing to those who stay as they are."""
    verdicts = (verdict for universe in universes for verdict in judge(universe, policy).items())
    return {email: verdict for email, verdict in verdicts if verdict.kind in ("add", "update", "clear", "remove")}


def is_wrong(universes: Sequence[Universe], policy: Policy) -> bool:
    """Whether the plan is not what it should be."""
    plan = plan_of(universes, policy)
    return found(plan) != wanted(universes, policy) or plan.counts != count(universes, policy)


def find_smallest(universes: Sequence[Universe], policy: Policy) -> Universe:
    """One wrong universe, and of its people only those without whom it would be right."""
    while len(universes) > 1:
        half = len(universes) // 2
        universes = universes[:half] if is_wrong(universes[:half], policy) else universes[half:]
    universe = universes[0]
    for person in universe:
        fewer = tuple(each for each in universe if each is not person)
        universe = fewer if is_wrong([fewer], policy) else universe
    return universe


def describe(universe: Universe, policy: Policy) -> Iterator[str]:
    """The universe in a few lines: what was wanted, what was found, and of whom."""
    plan = plan_of([universe], policy)
    yield f"TEST_SEED={SEED}, {policy}"
    yield f"wanted {wanted([universe], policy)}"
    yield f"found  {found(plan)}"
    yield f"wanted {count([universe], policy)}"
    yield f"found  {plan.counts}"
    yield from map(repr, universe)


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_plan_is_what_plain_python_makes_of_it(policy: Policy) -> None:
    """For any segment and any ledger that could have been its own, the plan is that of the tables."""
    universes = all_universes()
    if is_wrong(universes, policy):
        pytest.fail("\n".join(describe(find_smallest(universes, policy), policy)))


def test_every_kind_of_change_is_met_at_random() -> None:
    """The universes are neither all alike nor all trivial: each kind, and each way to empty a field, is common."""
    policy = Policy("remove", "clear", resend_all=False)
    universes = all_universes()
    verdicts = [verdict for universe in universes for verdict in judge(universe, policy).values()]

    kinds = Counter(verdict.kind for verdict in verdicts)
    kinds["unset"] = sum(bool(verdict.unset) for verdict in verdicts)
    kinds["cleared"] = sum(bool(verdict.clears) for verdict in verdicts)
    kinds["moved"] = sum(bool(verdict.confirm_first) for verdict in verdicts)
    assert len(kinds) == 10
    assert min(kinds.values()) > COUNT / 100


def test_a_failure_names_the_person_who_was_judged_wrongly() -> None:
    """Of thousands of people the report of a failure shows those who matter, and the seed."""
    ada = Person("ada@0.example", {"first_name": 1}, None, None, (), None, ())
    lines = list(describe((ada,), POLICIES[0]))

    assert f"TEST_SEED={SEED}" in lines[0]
    assert "ada@0.example" in lines[1]
    assert lines[-1] == repr(ada)

"""The laws of the plan, for ledgers that are a perturbed segment."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.plan import Plan, diff
from klaviyo_assets_tests.frames_made import all_changes, ledger, profiles, rejections

Leavers = Literal["keep", "remove"]
EMAILS = [f"p{number}@example.com" for number in range(12)]
people = st.dictionaries(st.sampled_from(EMAILS), st.sampled_from(["v1", "v2", "v3"]))
policy: st.SearchStrategy[Leavers] = st.sampled_from(["keep", "remove"])


@dataclass(frozen=True)
class Case:
    """A segment, its rejections, and a ledger that knows some of the same people."""

    desired: dict[str, str]
    rejected: list[tuple[str | None, str]]
    known: dict[str, str]
    foreign: set[str]
    open: set[str]
    external_ids: dict[str, str]

    @property
    def profiles(self) -> pl.LazyFrame:
        return profiles(self.desired, self.external_ids)

    @property
    def ledger(self) -> pl.LazyFrame:
        email = pl.col("email")
        ids = {name: self.external_ids[name] for name in self.known if name in self.external_ids}
        return ledger(dict(self.known)).with_columns(
            external_id=email.replace_strict(ids, default=None, return_dtype=pl.String),
            ours=~email.is_in(list(self.foreign)),
            open=email.is_in(list(self.open)),
        )

    def plan(self, leavers: Leavers) -> Plan:
        return diff(self.profiles, rejections(self.rejected), self.ledger, leavers=leavers)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A case whose external ids say, for some, that two addresses are one customer."""
    desired = draw(people)
    others = [email for email in EMAILS if email not in desired]
    rejected = draw(st.lists(st.sampled_from([*others, None]), max_size=3, unique=True)) if others else []
    known = {**draw(people), **{email: value for email, value in desired.items() if draw(st.booleans())}}
    ids = {email: draw(st.sampled_from([email, "shared"])) for email in EMAILS if draw(st.booleans())}
    some = st.sets(st.sampled_from(sorted(known))) if known else st.just(set())
    return Case(desired, [(email, "too_large") for email in rejected], known, draw(some), draw(some), ids)


def apply(case: Case, plan: Plan) -> dict[str, str]:
    """The ledger's people after every change was confirmed."""
    after = dict(case.known)
    for change, email, payload in all_changes(plan).select("change", "email", "payload").iter_rows():
        if change == "remove":
            del after[email]
        else:
            after[email] = payload
    return after


@given(cases(), policy)
def test_applying_a_plan_gives_the_desired_state(case: Case, leavers: Leavers) -> None:
    """Once applied, everybody in the segment is there with his payload, but for those who are open."""
    after = apply(case, case.plan(leavers))

    settled = {email: value for email, value in case.desired.items() if email not in case.open}
    assert settled.items() <= after.items()


@given(cases())
def test_removing_leavers_leaves_only_whom_a_rule_keeps(case: Case) -> None:
    """After a removal, who is not in the segment is there because rejected, foreign or open."""
    after = apply(case, case.plan("remove"))

    kept_by_rule = {email for email, _ in case.rejected} | case.foreign | case.open
    assert after.keys() - case.desired.keys() <= kept_by_rule


@given(cases(), policy)
def test_planning_again_gives_nothing(case: Case, leavers: Leavers) -> None:
    """The plan that follows an applied plan is empty."""
    after = Case(
        case.desired, case.rejected, apply(case, case.plan(leavers)), case.foreign, case.open, case.external_ids
    )

    assert all_changes(after.plan(leavers)).is_empty()


@given(cases(), policy, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(case: Case, leavers: Leavers, chance: random.Random) -> None:
    """Shuffled inputs give the same plan, to the byte; who is new is sent in the order of the segment."""
    seed = chance.randint(0, 10_000)
    mixed = [
        frame.collect().sample(fraction=1, shuffle=True, seed=seed).lazy() for frame in (case.profiles, case.ledger)
    ]
    plan = case.plan(leavers)
    again = diff(mixed[0], rejections(case.rejected), mixed[1], leavers=leavers)

    assert again.changes.equals(plan.changes)
    for mine, its in ((again.additions, plan.additions), (again.updates, plan.updates)):
        assert mine.sort("email").collect().equals(its.sort("email").collect())
    assert again.counts == plan.counts


@given(cases(), policy)
def test_nobody_who_is_not_ours_is_removed(case: Case, leavers: Leavers) -> None:
    """Removals are of people in the ledger, added by us, without an open request."""
    removed = set(case.plan(leavers).changes.filter(change="remove")["email"])

    assert removed <= case.known.keys() - case.foreign - case.open - case.desired.keys()


@given(cases(), policy)
def test_nobody_vanishes_between_rows_read_and_rows_counted(case: Case, leavers: Leavers) -> None:
    """Every row of the segment, and everybody in the ledger, is counted once."""
    counts = case.plan(leavers).counts

    assert counts.rows_read == len(case.desired) + len(case.rejected)
    assert counts.rows_read == (counts.added + counts.updated + counts.unchanged + counts.pending + counts.rejected)
    assert len(case.known.keys() - case.desired.keys()) == counts.removed + counts.stayed

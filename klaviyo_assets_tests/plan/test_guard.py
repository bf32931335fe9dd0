"""What refuses a plan, at its limit and just beyond it."""

from __future__ import annotations

import pytest

from klaviyo_assets.errors import UnsafePlan
from klaviyo_assets.exports import Limits
from klaviyo_assets.plan import Plan, Size, diff, guard, guard_mapping, guard_size, measure
from klaviyo_assets_tests.frames_made import ledger, profiles, rejections


def plan_of(segment: int, known: int) -> Plan:
    """A segment of so many people, of whom the ledger knows the first so many, and more where it is larger."""
    people = {f"p{number}@example.com": "v" for number in range(max(segment, known))}
    return diff(
        profiles(dict(list(people.items())[:segment])),
        rejections([]),
        ledger(dict(list(people.items())[:known])),
        leavers="remove",
    )


def refusal(plan: Plan, limits: Limits, **how: bool) -> str | None:
    """The limit that refuses, or None."""
    try:
        guard("vip", plan, limits, leavers="remove", **how)
    except UnsafePlan as error:
        return error.limit
    return None


@pytest.mark.parametrize(
    ("segment", "known", "limits", "expected"),
    [
        pytest.param(100, 0, Limits(), None, id="first-delivery"),
        pytest.param(70, 100, Limits(), None, id="removals-at-the-limit"),
        pytest.param(69, 100, Limits(), "max_removed_share", id="removals-over-the-limit"),
        pytest.param(1, 10, Limits(), None, id="nine-removals-are-too-few-to-judge"),
        pytest.param(1, 11, Limits(), "max_removed_share", id="ten-removals-are-judged"),
        pytest.param(0, 3, Limits(), "max_removed_share", id="segment-became-empty"),
        pytest.param(0, 0, Limits(), None, id="empty-and-always-was"),
        pytest.param(6, 0, Limits(max_profiles=5), "max_profiles", id="too-many"),
        pytest.param(5, 0, Limits(max_profiles=5), None, id="as-many-as-allowed"),
        pytest.param(4, 0, Limits(min_profiles=5), "min_profiles", id="too-few"),
        pytest.param(5, 0, Limits(min_profiles=5), None, id="just-enough"),
    ],
)
def test_limit(segment: int, known: int, limits: Limits, expected: str | None) -> None:
    """Each limit holds at its value, and refuses beyond it."""
    assert refusal(plan_of(segment, known), limits) == expected


@pytest.mark.parametrize(("segment", "known"), [(69, 100), (0, 3)])
def test_mass_removal_can_be_allowed_for_a_run(segment: int, known: int) -> None:
    """With allow_mass_removal the share of removals, and an emptied segment, refuse nothing."""
    assert refusal(plan_of(segment, known), Limits(), allow_mass_removal=True) is None


def test_allowing_removals_allows_nothing_else() -> None:
    """With allow_mass_removal the size still refuses."""
    assert refusal(plan_of(6, 0), Limits(max_profiles=5), allow_mass_removal=True) == "max_profiles"


def test_moves_are_no_removals() -> None:
    """A segment whose people all changed address empties nothing."""
    old = {f"old{number}@example.com": "v" for number in range(20)}
    new = {f"new{number}@example.com": "v" for number in range(20)}
    ids = {f"new{number}@example.com": str(number) for number in range(20)}
    known = ledger(old).with_columns(external_id=ledger(old).collect()["email"].str.extract(r"old(\d+)@"))
    plan = diff(profiles(new, ids), rejections([]), known, leavers="remove")

    assert plan.counts.moved_count == 20
    assert refusal(plan, Limits()) is None


@pytest.mark.parametrize(
    ("size", "is_refused"),
    [
        pytest.param(Size(rows_read=10, profile_count=5, duplicate_count=0), False, id="at-the-limit"),
        pytest.param(Size(rows_read=10, profile_count=4, duplicate_count=0), True, id="below"),
        pytest.param(Size(rows_read=10, profile_count=4, duplicate_count=1), False, id="a-duplicate-is-usable"),
        pytest.param(Size(10, 2, 1, withheld_count=2), False, id="who-did-not-agree-is-no-mistake"),
        pytest.param(Size(10, 2, 1, withheld_count=1), True, id="below-although-some-did-not-agree"),
        pytest.param(Size(rows_read=0, profile_count=0, duplicate_count=0), False, id="no-rows"),
    ],
)
def test_valid_share(size: Size, is_refused: bool) -> None:
    """Below min_valid_share of usable addresses nothing is sent."""
    if not is_refused:
        guard_mapping("vip", size, Limits())
        return
    with pytest.raises(UnsafePlan, match="min_valid_share") as refused:
        guard_mapping("vip", size, Limits())
    assert refused.value.limit == "min_valid_share"


def test_measure_counts_rows_people_and_duplicates() -> None:
    """A size is measured from the mapped frames alone."""
    size = measure(
        profiles({"a@example.com": "p"}),
        rejections([("a@example.com", "email_duplicate"), (None, "email_missing"), (None, "not_opted_in")]),
    )

    assert size == Size(rows_read=4, profile_count=1, duplicate_count=1, withheld_count=1)
    assert (size.unusable_count, size.valid_share) == (1, 0.75)


def test_a_plan_whose_rows_are_unusable_is_refused() -> None:
    """The share of usable addresses holds for a plan too, before its size is looked at."""
    rows: list[tuple[str | None, str]] = [(None, "email_missing")] * 3
    plan = diff(profiles({"a@example.com": "p", "b@example.com": "p"}), rejections(rows), ledger({}), leavers="remove")

    assert refusal(plan, Limits(max_profiles=1)) == "min_valid_share"


def test_nobody_is_missed_where_leavers_stay() -> None:
    """An export that keeps leavers is not refused for them, but for a segment that became empty it is."""
    plan, gone = plan_of(69, 100), plan_of(0, 100)
    guard("vip", plan, Limits(), leavers="keep")

    with pytest.raises(UnsafePlan, match="has become empty, while 100 of its people are on the list"):
        guard("vip", gone, Limits(), leavers="keep")


def test_moves_do_not_hide_removals() -> None:
    """Removals over the limit refuse also where many only changed address."""
    old = {f"old{number}@example.com": "v" for number in range(30)}
    new = {f"new{number}@example.com": "v" for number in range(15)}
    ids = {f"new{number}@example.com": str(number) for number in range(15)}
    known = ledger(old).with_columns(external_id=ledger(old).collect()["email"].str.extract(r"old(\d+)@"))
    plan = diff(profiles(new, ids), rejections([]), known, leavers="remove")

    assert (plan.counts.removed, plan.counts.moved_count) == (30, 15)
    assert refusal(plan, Limits(max_removed_share=0.5)) is None
    assert refusal(plan, Limits(max_removed_share=0.49)) == "max_removed_share"


@pytest.mark.parametrize("rule", ["not_opted_in", "forgotten"])
def test_who_may_not_be_sent_is_no_fault_of_the_segment(rule: str) -> None:
    """Rows of people who did not agree, or were forgotten, take nothing from the share of usable addresses."""
    assert measure(profiles({"a@example.com": "p"}), rejections([(None, rule)] * 3)).valid_share == 1


def test_message_says_measure_limit_and_remedy() -> None:
    """A refusal names the export, what was found, the limit, and what to do."""
    with pytest.raises(UnsafePlan) as refused:
        guard_size("vip", Size(rows_read=7, profile_count=7, duplicate_count=0), Limits(max_profiles=5))

    message = str(refused.value)
    assert all(part in message for part in ("'vip'", "7 profiles", "max_profiles of 5", "raise max_profiles"))

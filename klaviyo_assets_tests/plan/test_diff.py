"""The truth table of the plan, row by row."""

from __future__ import annotations

import polars as pl
import pytest

from klaviyo_assets.frames import CHANGES
from klaviyo_assets.plan import Plan, diff
from klaviyo_assets_tests.frames_made import ledger, profiles, rejections

HERE = {"ada@example.com": "p1"}
NOBODY: dict[str, str] = {}


def changes(plan: Plan) -> dict[str, str]:
    """Address to change, of what there is to do."""
    return dict(plan.changes.select("email", "change").iter_rows())


@pytest.mark.parametrize(
    ("segment", "known", "leavers", "expected"),
    [
        pytest.param(HERE, ledger(NOBODY), "keep", "add", id="in-segment-not-in-ledger"),
        pytest.param(HERE, ledger(HERE), "keep", None, id="same-payload"),
        pytest.param(HERE, ledger({"ada@example.com": "p0"}), "keep", "update", id="other-payload"),
        pytest.param(NOBODY, ledger(HERE), "remove", "remove", id="leaver-removed"),
        pytest.param(NOBODY, ledger(HERE), "keep", None, id="leaver-kept"),
        pytest.param(NOBODY, ledger(HERE, ours=False), "remove", None, id="leaver-not-ours"),
        pytest.param(HERE, ledger({"ada@example.com": None}, open=True), "keep", None, id="open-add"),
        pytest.param(HERE, ledger({"ada@example.com": "p0"}, open=True), "keep", None, id="open-update"),
        pytest.param(NOBODY, ledger(HERE, open=True), "remove", None, id="open-leaver"),
        pytest.param(NOBODY, ledger(NOBODY), "remove", None, id="nowhere"),
    ],
)
def test_change(segment: dict[str, str], known: pl.LazyFrame, leavers: str, expected: str | None) -> None:
    """Each row of the table gives its change, and nothing else."""
    plan = diff(profiles(segment), rejections([]), known, leavers=leavers)  # type: ignore[arg-type]

    assert changes(plan) == ({"ada@example.com": expected} if expected else {})


@pytest.mark.parametrize("leavers", ["keep", "remove"])
def test_rejected_row_keeps_its_person_on_the_list(leavers: str) -> None:
    """A row that became bad is no reason to lose a person who is on the list."""
    plan = diff(
        profiles({}),
        rejections([("ada@example.com", "too_large")]),
        ledger(HERE),
        leavers=leavers,  # type: ignore[arg-type]
    )

    assert changes(plan) == {}
    assert (plan.counts.stayed, plan.counts.rejected) == (1, 1)


@pytest.mark.parametrize("leavers", ["keep", "remove"])
def test_moved_person_is_added_and_then_removed(leavers: str) -> None:
    """A new address with the same external id is added, and the old one removed once it is confirmed."""
    known = ledger({"old@example.com": "p1"}, external_id="7")
    plan = diff(
        profiles({"new@example.com": "p2"}, {"new@example.com": "7"}),
        rejections([]),
        known,
        leavers=leavers,  # type: ignore[arg-type]
    )

    assert changes(plan) == {"new@example.com": "add", "old@example.com": "remove"}
    removal = plan.changes.filter(email="old@example.com")
    assert removal["confirm_first"].item() == "new@example.com"
    assert plan.counts.moved_count == 1


def test_old_address_that_another_row_holds_is_not_removed() -> None:
    """Where another customer now has the old address, it stays."""
    people = {"new@example.com": "p2", "old@example.com": "p3"}
    ids = {"new@example.com": "7", "old@example.com": "8"}
    plan = diff(
        profiles(people, ids), rejections([]), ledger({"old@example.com": "p1"}, external_id="7"), leavers="keep"
    )

    assert changes(plan) == {"new@example.com": "add", "old@example.com": "update"}


def test_moved_person_who_is_not_ours_stays() -> None:
    """Who was on the list before we came is not removed, though the address changed."""
    known = ledger({"old@example.com": "p1"}, external_id="7", ours=False)
    plan = diff(profiles({"new@example.com": "p"}, {"new@example.com": "7"}), rejections([]), known, leavers="remove")

    assert changes(plan) == {"new@example.com": "add"}


def test_external_id_on_two_rows_moves_nobody() -> None:
    """An external id that two customers share tells nothing about who moved."""
    people = {"new@example.com": "p1", "other@example.com": "p2"}
    known = ledger({"old@example.com": "p1"}, external_id="7")
    plan = diff(profiles(people, dict.fromkeys(people, "7")), rejections([]), known, leavers="keep")

    assert plan.counts.removed == 0


def test_changes_are_sorted_frames_of_their_schema() -> None:
    """Changes have the columns of CHANGES, and stand by change and address."""
    people = {"b@example.com": "p", "a@example.com": "p", "c@example.com": "new"}
    plan = diff(
        profiles(people), rejections([]), ledger({"c@example.com": "p", "d@example.com": "p"}), leavers="remove"
    )

    assert plan.changes.schema == CHANGES
    assert plan.changes["email"].to_list() == [f"{letter}@example.com" for letter in "abcd"]


def test_removal_carries_no_payload_and_an_addition_no_join_time() -> None:
    """A change holds what its request needs, and no more."""
    plan = diff(profiles(HERE), rejections([]), ledger({"z@example.com": "p"}), leavers="remove")
    added, removed = plan.changes.rows(named=True)

    assert (added["payload"], added["joined_from"], added["leaving"]) == ("p1", None, None)
    assert (removed["payload"], removed["leaving"]) == (None, False)
    assert removed["joined_from"] is not None


def test_repr_holds_no_address() -> None:
    """A plan that is printed shows counts only."""
    assert "@" not in repr(diff(profiles(HERE), rejections([]), ledger({}), leavers="keep"))

"""The truth table of the plan, row by row."""

from __future__ import annotations

import polars as pl
import pytest

from klaviyo_assets.frames import CHANGES
from klaviyo_assets.plan import Plan, diff
from klaviyo_assets_tests.frames_made import all_changes, ledger, profiles, rejections

HERE = {"ada@example.com": "p1"}
NOBODY: dict[str, str] = {}


def changes(plan: Plan) -> dict[str, str]:
    """Address to change, of what there is to do."""
    return dict(all_changes(plan).select("email", "change").iter_rows())


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
        pytest.param(HERE, ledger(HERE, incomplete=True), "keep", "update", id="a-field-was-left-out"),
        pytest.param(HERE, ledger(HERE, incomplete=True, open=True), "keep", None, id="a-field-was-left-out-open"),
        pytest.param(NOBODY, ledger(HERE, incomplete=True), "keep", None, id="a-field-was-left-out-of-a-leaver"),
        pytest.param(HERE, ledger({"ada@example.com": None}), "keep", "update", id="adopted"),
        pytest.param(HERE, ledger(HERE, uncleared=["title"]), "keep", "clear", id="a-field-to-empty"),
        pytest.param(HERE, ledger(HERE, uncleared=["title"], open=True), "keep", None, id="a-field-to-empty-open"),
        pytest.param(NOBODY, ledger(HERE, uncleared=["title"]), "keep", None, id="a-field-to-empty-of-a-leaver"),
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


@pytest.mark.parametrize(
    ("rules", "leavers", "expected"),
    [
        pytest.param(["not_opted_in"], "remove", "remove", id="did-not-agree"),
        pytest.param(["not_opted_in"], "keep", None, id="did-not-agree-but-leavers-stay"),
        pytest.param(["too_large"], "remove", None, id="bad-row"),
        pytest.param(["not_opted_in", "too_large"], "remove", None, id="one-row-of-each"),
    ],
)
def test_who_did_not_agree_is_not_in_the_segment(rules: list[str], leavers: str, expected: str | None) -> None:
    """A row that did not opt in keeps nobody on the list; any other rejected row of the address does."""
    plan = diff(
        profiles({}),
        rejections([("ada@example.com", rule) for rule in rules]),
        ledger(HERE),
        leavers=leavers,  # type: ignore[arg-type]
    )

    assert changes(plan) == ({"ada@example.com": expected} if expected else {})
    assert (plan.counts.rejected, plan.counts.withheld_count) == (len(rules), rules.count("not_opted_in"))


def test_resending_updates_everybody_who_would_be_unchanged() -> None:
    """With resend_all nobody of the segment is passed over but who is open, and nobody else is touched."""
    known = ledger({"a@example.com": "p", "b@example.com": "p", "gone@example.com": "p"})
    plan = diff(
        profiles({"a@example.com": "p", "b@example.com": "p", "new@example.com": "p"}),
        rejections([]),
        known.with_columns(open=pl.col("email") == "b@example.com"),
        leavers="keep",
        resend_all=True,
    )

    assert changes(plan) == {"a@example.com": "update", "new@example.com": "add"}
    assert (plan.counts.pending, plan.counts.stayed) == (1, 1)


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


@pytest.mark.parametrize("leavers", ["keep", "remove"])
def test_old_address_that_a_bad_row_holds_is_not_removed(leavers: str) -> None:
    """Where another row has the old address, it stays though that row was rejected; where it did not agree, it goes."""
    removed = {}
    for rule in ("too_large", "not_opted_in"):
        plan = diff(
            profiles({"new@example.com": "p2"}, {"new@example.com": "7"}),
            rejections([("old@example.com", rule)]),
            ledger({"old@example.com": "p1"}, external_id="7"),
            leavers=leavers,  # type: ignore[arg-type]
        )
        removed[rule] = plan.counts.moved_count

    assert removed == {"too_large": 0, "not_opted_in": 1}


def test_moved_person_whose_old_address_is_open_stays_until_it_is_settled() -> None:
    """A removal could be overtaken by the request that is not settled."""
    known = ledger({"old@example.com": "p1"}, external_id="7", open=True)
    plan = diff(profiles({"new@example.com": "p"}, {"new@example.com": "7"}), rejections([]), known, leavers="remove")

    assert changes(plan) == {"new@example.com": "add"}
    assert (plan.counts.stayed, plan.counts.moved_count) == (1, 0)


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


def test_changes_are_frames_of_their_schema() -> None:
    """All have the columns of CHANGES; who joins or changes stands as in the segment, who leaves by address."""
    people = dict.fromkeys([f"{letter}@example.com" for letter in "bahg"], "p")
    known = ledger({f"{letter}@example.com": "old" for letter in "ghdc"})
    plan = diff(profiles(people), rejections([]), known, leavers="remove")

    assert plan.additions.collect_schema() == plan.updates.collect_schema() == plan.changes.schema == CHANGES
    assert all_changes(plan)["email"].to_list() == [f"{letter}@example.com" for letter in "bahgcd"]


def test_removal_carries_no_payload_and_an_addition_no_join_time() -> None:
    """A change holds what its request needs, and no more."""
    plan = diff(profiles(HERE), rejections([]), ledger({"z@example.com": "p"}), leavers="remove")
    added, removed = all_changes(plan).rows(named=True)

    assert (added["payload"], added["joined_from"]) == ("p1", None)
    assert removed["payload"] is None
    assert removed["joined_from"] is not None


def test_removal_carries_what_is_known_of_the_person() -> None:
    """A removal holds the external id by which the person can be found where the address was changed in Klaviyo."""
    known = ledger({"z@example.com": "p"}, external_id="7")
    plan = diff(profiles({}), rejections([]), known, leavers="remove")

    removed = plan.changes.row(0, named=True)
    assert (removed["external_id"], removed["confirm_first"]) == ("7", None)


def test_an_update_keeps_the_external_id_that_the_ledger_knows() -> None:
    """Where the row has no external id any more, the person can still be found by the old one."""
    plan = diff(profiles(HERE), rejections([]), ledger({"ada@example.com": "p0"}, external_id="7"), leavers="keep")

    assert all_changes(plan)["external_id"].to_list() == ["7"]


def test_members_are_without_those_whose_first_request_is_open() -> None:
    """Who may not be on the list yet is no member; who is only being updated is one."""
    known = ledger({"a@example.com": None, "b@example.com": "p", "c@example.com": None})
    plan = diff(
        profiles(HERE), rejections([]), known.with_columns(open=pl.col("email") != "c@example.com"), leavers="keep"
    )

    counts = plan.counts
    assert (counts.member_count, counts.profile_count, counts.change_count) == (2, 1, 1)


def test_repr_holds_no_address() -> None:
    """A plan that is printed shows counts only."""
    assert "@" not in repr(diff(profiles(HERE), rejections([]), ledger({}), leavers="keep"))

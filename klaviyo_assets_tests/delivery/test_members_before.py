"""Who is on the list besides those whom the ledger knows: left alone, adopted, or read anew."""

from __future__ import annotations

import pytest

from klaviyo_assets.errors import ListShared, ListStartsFlow
from klaviyo_assets.sandbox import AnswerWith, Flow
from klaviyo_assets_tests.delivery.scene import Scene, accounted, crowd, export
from klaviyo_assets_tests.delivery.steps import CLEAR

OTHERS = ["p0@example.com", "other@example.com"]
DAY = 86_400


def test_members_who_are_adopted_are_the_exports(scene: Scene) -> None:
    """With adopt, whoever is on the list before counts as ours, and leaves it where the segment does not hold him."""
    list_id = scene.sandbox.create_list("VIP")
    scene.sandbox.put_on_list(list_id, OTHERS)
    scene.sandbox.advance(DAY)
    report = scene.run(crowd(3), existing_members="adopt")

    assert scene.members(report) == crowd(3)
    assert (report.removed, report.updated, report.added) == (1, 1, 2)
    assert accounted(report)
    assert scene.members(scene.run(crowd(1, first=2), existing_members="adopt")) == crowd(1, first=2)


def test_members_can_be_adopted_later(scene: Scene) -> None:
    """An export that left members alone at first takes them over once it says so, and not before."""
    list_id = scene.sandbox.create_list("VIP")
    scene.sandbox.put_on_list(list_id, OTHERS)
    scene.sandbox.advance(DAY)
    assert "other@example.com" in scene.members(scene.run(crowd(3)))
    scene.sandbox.advance(DAY)

    assert scene.members(scene.run(crowd(3), existing_members="adopt")) == crowd(3)


def test_what_is_still_to_be_emptied_is_not_forgotten_when_adopted(scene: Scene) -> None:
    """A member who is adopted keeps what the ledger knows of him: his payload, and the field that was not emptied."""
    list_id = scene.sandbox.create_list("VIP")
    scene.sandbox.put_on_list(list_id, ["p0@example.com"])
    scene.sandbox.advance(DAY)
    scene.run({"p0@example.com": {"first_name": "Ada", "properties": {"value": 1}}})
    scene.sandbox.order_fault(AnswerWith(401), **CLEAR)
    assert scene.run(crowd(1)).unfinished is not None
    report = scene.run(crowd(1), existing_members="adopt")

    assert (report.cleared, report.added) == (1, 0)
    assert scene.fields("p0@example.com") == {"properties": {"value": 1}}


def test_adopted_members_stay_where_leavers_are_kept(scene: Scene) -> None:
    """Adopting removes nobody by itself."""
    list_id = scene.sandbox.create_list("VIP")
    scene.sandbox.put_on_list(list_id, OTHERS)
    report = scene.run(crowd(2), existing_members="adopt", leavers="keep")

    assert set(scene.members(report)) == {*crowd(2), "other@example.com"}
    assert report.stayed == 1


def test_reconciling_puts_back_whom_others_took_off(scene: Scene) -> None:
    """A run that reads the list first adds who is missing, and forgets who is not ours to remove any more."""
    report = scene.run(crowd(4))
    scene.sandbox.take_off_list(str(report.list_id), ["p0@example.com"])
    scene.sandbox.put_on_list(str(report.list_id), ["other@example.com"])
    scene.sandbox.advance(DAY)
    assert scene.run(crowd(4)).unchanged == 4
    report = scene.run(crowd(4), order={"reconcile": True})

    assert scene.members(report).keys() == {*crowd(4), "other@example.com"}
    assert (report.added, report.unchanged) == (1, 3)
    assert scene.members(scene.run(crowd(1))).keys() == {"p0@example.com", "other@example.com"}


def test_reconciling_passes_over_changed_addresses(scene: Scene) -> None:
    """Who has another address in Klaviyo by now is still on the list, as his external id tells."""
    ids = {"p0@example.com": "C-0"}
    scene.run(crowd(2), external_ids=ids)
    scene.sandbox.change_email("p0@example.com", "new@example.com")
    report = scene.run(crowd(2), external_ids=ids, order={"reconcile": True})

    assert (report.added, report.unchanged) == (0, 2)


def test_reconciling_puts_back_who_was_taken_off_though_his_old_address_is_there(scene: Scene) -> None:
    """Another member with his external id, whom the ledger knows by himself, is not he under another address."""
    list_id = scene.sandbox.create_list("VIP")
    scene.sandbox.put_on_list(list_id, ["old@example.com"])
    scene.sandbox.advance(DAY)
    scene.run({"old@example.com": 1}, external_ids={"old@example.com": "C-0"})
    moved = {"new@example.com": 1}
    scene.run(moved, external_ids={"new@example.com": "C-0"})
    scene.sandbox.take_off_list(list_id, ["new@example.com"])
    report = scene.run(moved, external_ids={"new@example.com": "C-0"}, order={"reconcile": True})

    assert report.added == 1
    assert scene.members(report).keys() == {"old@example.com", "new@example.com"}


def test_reconciling_twice_changes_nothing(scene: Scene) -> None:
    """What was repaired once is not repaired again."""
    report = scene.run(crowd(3))
    scene.sandbox.take_off_list(str(report.list_id), ["p0@example.com"])
    scene.run(crowd(3), order={"reconcile": True})
    report = scene.run(crowd(3), order={"reconcile": True})

    assert (report.added, report.updated, report.removed, report.unchanged) == (0, 0, 0, 3)


def test_resending_updates_everybody_once(scene: Scene) -> None:
    """Everybody's fields are sent again, nobody joins again, and the next run goes on as ever."""
    report = scene.run(crowd(3))
    scene.sandbox.take_off_list(str(report.list_id), ["p0@example.com"])
    report = scene.run(crowd(3), order={"resend_all": True})

    assert (report.added, report.updated, report.unchanged) == (0, 3, 0)
    assert set(scene.members(report)) == {"p1@example.com", "p2@example.com"}
    assert scene.run(crowd(3)).unchanged == 3


def test_list_of_two_exports_is_refused_where_leavers_are_removed(scene: Scene) -> None:
    """Whatever the declarations call it: two exports that come to one list of one account are told at the run."""
    list_id = scene.sandbox.create_list("VIP")
    by_id = export(name="by_id", list_id=list_id, leavers="keep")
    scene.run(crowd(1), name="by_id", list_id=list_id, leavers="keep")
    scene.sandbox.clear_requests()
    with pytest.raises(ListShared, match=r"'by_id' fills list .* write leavers: keep into both"):
        scene.run(crowd(2), order={"others": [by_id]})

    assert all(sent.startswith("GET") for sent in scene.sent())
    order = {"others": [by_id.model_copy(update={"enabled": False})]}
    assert scene.run(crowd(2), leavers="keep", order=order).added == 2


def test_list_that_starts_a_flow_is_refused_the_first_time(scene: Scene) -> None:
    """Nobody gets a flow's mails because an export began, unless that is wanted; later joiners start it as ever."""
    scene.sandbox.create_list("VIP", flows=(Flow("Flow01", "Welcome"),))
    with pytest.raises(ListStartsFlow, match=r"'Welcome'.*allow_flows: true"):
        scene.run(crowd(2))
    assert scene.sandbox.profiles() == []

    assert scene.run(crowd(2), allow_flows=True).added == 2
    assert scene.run(crowd(3)).added == 1


def test_flow_that_is_not_live_starts_nothing(scene: Scene) -> None:
    """A draft, or a flow that was paused, is no reason to refuse."""
    scene.sandbox.create_list("VIP", flows=(Flow("Flow01", "Welcome", status="draft"),))

    assert scene.run(crowd(2)).added == 2


def test_renamed_export_goes_on(scene: Scene) -> None:
    """With its former name an export finds its ledger; it moves, and is not sent again."""
    scene.run(crowd(3), name="old")
    report = scene.run(crowd(2), name="new", renamed_from="old")

    assert (report.added, report.unchanged, report.removed) == (0, 2, 1)
    assert not (scene.storage / "ledgers" / "old" / report.account_id / str(report.list_id)).exists()
    assert scene.run(crowd(2), name="new", renamed_from="old").unchanged == 2


def test_dry_run_of_a_renamed_export_moves_nothing(scene: Scene) -> None:
    """The plan is that of the ledger under the former name, which stays where it is."""
    report = scene.run(crowd(3), name="old")
    dry = scene.run(crowd(2), name="new", renamed_from="old", order={"dry_run": True})

    assert (dry.unchanged, dry.removed) == (2, 1)
    assert scene.ledger(report, name="old").height == 3


@pytest.mark.parametrize("told", ["P0@Example.COM", " p0@example.com "], ids=["in-capitals", "with-spaces"])
def test_address_that_klaviyo_writes_otherwise_is_no_change(scene: Scene, told: str) -> None:
    """The same person under another spelling is neither added, updated nor removed, also where the list is read."""
    ids = {"p0@example.com": "C-0"}
    scene.run(crowd(2), external_ids=ids)
    scene.sandbox.change_email("p0@example.com", told)
    for order in ({}, {"reconcile": True}):
        report = scene.run(crowd(2), external_ids=ids, order=order)
        assert (report.added, report.updated, report.removed, report.unchanged) == (0, 0, 0, 2)

    assert len(scene.sandbox.members(str(report.list_id))) == 2
    assert scene.members(scene.run(crowd(1, first=1), external_ids=ids)) == crowd(1, first=1)

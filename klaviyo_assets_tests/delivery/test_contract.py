"""How many people the contract with Klaviyo allows, over all exports of an account together."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_assets.errors import ContractExceeded
from klaviyo_assets.report import Report
from klaviyo_assets_tests.delivery.scene import CONNECTION, Scene, crowd
from klaviyo_assets_tests.delivery.worlds import Killed, death

OTHER_KEY = "pk_other_0000000000000000000000000000"
INTENTS_WRITTEN = 8  # steps of a later delivery, until its intents are in the ledger and nothing has left


def deliver(scene: Scene, people: dict[str, Any], limit: int | None, name: str = "vip", **facts: Any) -> Report:
    """A delivery of the export to a list of its own, by a connection of this contract_limit."""
    connection = facts.pop("connection", CONNECTION).model_copy(update={"contract_limit": limit})
    return scene.run(people, name=name, list_name=f"List {name}", connection=connection, **facts)


def writes(scene: Scene) -> list[str]:
    """The requests since the log was cleared that could have changed something."""
    return [request for request in scene.sent() if not request.startswith("GET")]


@pytest.mark.parametrize(
    ("people", "together"),
    [
        (crowd(3), 6),
        (crowd(6), 6),
        (crowd(6, first=3), 9),
        (crowd(2, first=6), 8),
        ({}, 6),
    ],
    ids=["some of them", "the same", "half of them", "others", "nobody"],
)
def test_people_on_several_lists_count_once(scene: Scene, people: dict[str, Any], together: int) -> None:
    """As many as there are together may be delivered; one fewer, and nothing is sent, not even a list created."""
    deliver(scene, crowd(6), None, "other")
    scene.sandbox.clear_requests()
    with pytest.raises(ContractExceeded) as exceeded:
        deliver(scene, people, together - 1)
    refusal = exceeded.value
    assert (refusal.limit, refusal.people_count, refusal.contract_limit) == ("contract_limit", together, together - 1)
    assert f"hold {together} people, each counted once, over contract_limit of {together - 1}" in str(refusal)
    assert writes(scene) == []

    report = deliver(scene, people, together)
    assert (report.people_count, report.added) == (together, len(people))


def test_a_list_that_is_there_already_is_held_too(scene: Scene) -> None:
    """Later deliveries are refused as the first is, and what was delivered stays."""
    report = deliver(scene, crowd(3), 4)
    scene.sandbox.clear_requests()
    with pytest.raises(ContractExceeded, match="hold 5 people"):
        deliver(scene, crowd(5), 4)

    assert writes(scene) == []
    assert set(scene.members(report)) == set(crowd(3))
    assert deliver(scene, crowd(4), 4).added == 1


def test_who_left_and_was_removed_counts_no_more(scene: Scene) -> None:
    """Two people make room for two others, from the next delivery on; who stays on the list goes on counting."""
    deliver(scene, crowd(4), 4)
    assert deliver(scene, crowd(2), 4).removed == 2
    assert deliver(scene, crowd(4, first=10), 6, leavers="keep").people_count == 6
    with pytest.raises(ContractExceeded, match="hold 7 people"):
        deliver(scene, crowd(1, first=20), 6, leavers="keep")


def test_exports_that_are_not_declared_any_more_count(scene: Scene) -> None:
    """An export that was taken away left its people in Klaviyo."""
    deliver(scene, crowd(3), None, "former")
    with pytest.raises(ContractExceeded, match="hold 5 people"):
        deliver(scene, crowd(2, first=3), 4, order={"others": []})


def test_a_renamed_export_counts_once(scene: Scene) -> None:
    """Its ledger goes on under the new name, and so do its people."""
    deliver(scene, crowd(3), 3, "former")
    report = scene.run(
        crowd(3),
        name="vip",
        list_name="List former",
        renamed_from="former",
        connection=CONNECTION.model_copy(update={"contract_limit": 3}),
    )

    assert (report.people_count, report.unchanged) == (3, 3)


def test_each_account_has_a_contract_of_its_own(scene: Scene) -> None:
    """People in another account do not count; those of another connection to the same account do."""
    scene.sandbox.add_account(OTHER_KEY, account_id="Other1")
    elsewhere = CONNECTION.model_copy(update={"name": "elsewhere"})
    deliver(scene, crowd(5), None, "theirs", connection=elsewhere, key=OTHER_KEY)
    assert deliver(scene, crowd(2), 2).people_count == 2

    same = CONNECTION.model_copy(update={"name": "same"})
    with pytest.raises(ContractExceeded, match="hold 4 people"):
        deliver(scene, crowd(2, first=2), 3, "third", connection=same)


def test_a_dry_run_tells_that_a_delivery_would_be_refused(scene: Scene) -> None:
    """It measures as a delivery does, also where the list is still to be created, and changes nothing."""
    dry = {"dry_run": True}
    assert deliver(scene, crowd(3), 3, order=dry).people_count == 3
    with pytest.raises(ContractExceeded, match="hold 3 people"):
        deliver(scene, crowd(3), 2, order=dry)

    assert writes(scene) == []
    deliver(scene, crowd(3), 3)
    with pytest.raises(ContractExceeded, match="hold 4 people"):
        deliver(scene, crowd(4), 3, order=dry)


def test_without_a_limit_no_other_ledger_is_read(scene: Scene) -> None:
    """What is not asked for costs nothing: a ledger beside it may even be unreadable."""
    other = deliver(scene, crowd(2), None, "other")
    folder = scene.storage / "ledgers" / "other" / other.account_id / str(other.list_id)
    (folder / "_delta_log" / "00000000000000000000.json").write_text("{")

    assert deliver(scene, crowd(2), None).people_count is None


def test_what_a_killed_run_left_open_is_settled_before_it_counts(scene: Scene) -> None:
    """Nobody of whom it turns out that he never reached Klaviyo takes anybody's place."""
    first = deliver(scene, crowd(1), 5)
    with pytest.raises(Killed):
        deliver(scene, crowd(4), 5, fate=death(INTENTS_WRITTEN))
    assert scene.ledger(first)["open"].sum() == 3

    report = deliver(scene, {**crowd(1), **crowd(4, first=10)}, 5)
    assert (report.people_count, report.added) == (5, 4)

"""Values that are empty now: what we had sent is emptied in Klaviyo, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_assets.sandbox import AnswerWith, DropConnection, Effect
from klaviyo_assets_tests.delivery.scene import Scene, accounted, export, refusals
from klaviyo_assets_tests.delivery.steps import CLEAR

ADA = "ada@example.com"
FULL: dict[str, Any] = {
    "first_name": "Ada",
    "location": {"city": "Riga", "country": "LV"},
    "properties": {"tier": "gold", 'odd "name".': 1},
}


def test_custom_property_is_emptied_by_the_import_itself(scene: Scene) -> None:
    """A property costs no request of its own, whatever its name; the others stay."""
    scene.run({ADA: FULL})
    scene.sandbox.clear_requests()
    report = scene.run({ADA: {**FULL, "properties": {"tier": "gold"}}})

    assert scene.fields(ADA)["properties"] == {"tier": "gold"}
    assert (report.updated, report.cleared) == (1, 1)
    assert not [sent for sent in scene.sent() if sent == "POST /api/profile-import"]
    assert accounted(report)


def test_field_of_klaviyos_own_is_emptied_by_a_request(scene: Scene) -> None:
    """What no import can empty is emptied person by person, once; the other fields stay."""
    scene.run({ADA: FULL})
    people = {ADA: {"location": {"country": "LV"}, "properties": FULL["properties"]}}
    report = scene.run(people)

    assert scene.fields(ADA) == {"location.country": "LV", "properties": FULL["properties"]}
    assert (report.updated, report.cleared, report.unfinished) == (1, 1, None)
    assert scene.run(people).unchanged == 1


def test_with_keep_nothing_is_emptied(scene: Scene) -> None:
    """Where the export keeps values, an empty one says nothing; once it does not, it is emptied after all."""
    scene.run({ADA: FULL})
    report = scene.run({ADA: {"first_name": "Ada"}}, on_null="keep")
    assert (report.cleared, scene.fields(ADA)["location.city"]) == (0, "Riga")
    assert scene.fields(ADA)["properties"] == FULL["properties"]


def test_what_we_never_sent_is_never_emptied(scene: Scene) -> None:
    """A field that others wrote is theirs, though our segment has nothing in its place."""
    scene.run({ADA: {"first_name": "Ada"}}, name="theirs", list_name="Theirs")
    scene.run({ADA: {"last_name": "King"}})
    scene.run({ADA: {"properties": {"tier": "gold"}}})

    assert scene.fields(ADA) == {"first_name": "Ada", "properties": {"tier": "gold"}}


def test_what_another_export_sends_stays(scene: Scene) -> None:
    """A field that two exports send for a person is not emptied because one of them does not send it any more."""
    theirs = export(name="theirs", list_name="Theirs")
    scene.run({ADA: FULL}, name="theirs", list_name="Theirs")
    scene.run({ADA: FULL})
    report = scene.run({ADA: {"first_name": "Ada"}}, order={"others": [theirs]})

    assert (report.updated, report.cleared) == (1, 0)
    assert scene.fields(ADA)["properties"] == FULL["properties"]
    assert scene.fields(ADA)["location.city"] == "Riga"


def test_value_that_a_rule_dropped_is_not_emptied(scene: Scene) -> None:
    """A number that turned bad is no reason to lose the good one."""
    phone = {"phone_number": "+15005550006", "first_name": "Ada"}
    scene.run({ADA: phone})
    report = scene.run({ADA: {"first_name": "Ada B."}}, dropped={ADA: "phone_invalid"})

    assert scene.fields(ADA)["phone_number"] == "+15005550006"
    assert (report.updated, report.cleared) == (1, 0)


@pytest.mark.parametrize("status", [400, 409])
def test_person_whose_field_klaviyo_does_not_empty_is_refused(scene: Scene, status: int) -> None:
    """The refusal is told with Klaviyo's code, costs nobody else, and is tried again by the next run."""
    other = "bob@example.com"
    scene.run({ADA: FULL, other: FULL})
    people = {ADA: {"properties": FULL["properties"]}, other: {"properties": FULL["properties"]}}
    scene.sandbox.order_fault(AnswerWith(status), **CLEAR)
    report = scene.run(people)

    assert (report.updated, report.cleared, report.refused) == (1, 1, 1)
    ((email, _, fields),) = refusals(report)
    assert (email in people, fields) == (True, "first_name,location.city,location.country")
    assert accounted(report)

    report = scene.run(people)
    assert (report.updated, report.cleared, report.refused) == (1, 1, 0)
    assert scene.fields(ADA) == scene.fields(other) == {"properties": FULL["properties"]}


@pytest.mark.parametrize(
    ("effect", "times"),
    [(DropConnection(), 7), (DropConnection(after_work=True), 7), (AnswerWith(401), 1), (AnswerWith(503), 7)],
    ids=["never-arrived", "answer-lost", "key-revoked", "unavailable"],
)
def test_what_a_broken_run_did_not_empty_the_next_empties(scene: Scene, effect: Effect, times: int) -> None:
    """A run that ends in the middle of emptying fields leaves it to the next, which forgets none."""
    scene.run({ADA: FULL})
    people = {ADA: {"properties": FULL["properties"]}}
    scene.sandbox.order_fault(effect, times=times, **CLEAR)
    report = scene.run(people)
    assert report.unfinished is not None
    assert accounted(report)

    report = scene.run(people)
    assert report.cleared == 1
    assert scene.fields(ADA) == {"properties": FULL["properties"]}
    assert scene.run(people).unchanged == 1


def test_value_that_is_back_is_not_emptied(scene: Scene) -> None:
    """A field that was still to be emptied, and has a value again, keeps the new value."""
    scene.run({ADA: FULL})
    scene.sandbox.order_fault(AnswerWith(401), **CLEAR)
    scene.run({ADA: {"properties": FULL["properties"]}})
    report = scene.run({ADA: {"first_name": "Ada again", "properties": FULL["properties"]}})

    assert scene.fields(ADA) == {"first_name": "Ada again", "properties": FULL["properties"]}
    assert report.unfinished is None


def test_everybodys_field_is_emptied_within_the_limits(scene: Scene) -> None:
    """A column that was taken out of the export is emptied for all, and no limit is crossed."""
    people = [f"p{number}@example.com" for number in range(300)]
    scene.run({email: {"first_name": "Ada", "last_name": "King"} for email in people})
    report = scene.run({email: {"last_name": "King"} for email in people})

    assert (report.cleared, report.unfinished) == (300, None)
    assert not any("first_name" in scene.fields(email) for email in people)
    assert all(request.status != 429 for request in scene.sandbox.requests())

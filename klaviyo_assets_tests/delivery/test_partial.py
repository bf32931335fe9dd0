"""What Klaviyo takes without a field: told, tried again, and nobody else touched. Unknown behaviour goes both ways."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_assets_tests.delivery.scene import Scene, accounted, crowd, refusals

BAD, GOOD = "+15550", "+15005550006"
ADA = "ada@example.com"


def with_phone(number: str, **more: Any) -> dict[str, Any]:
    """A person with this number."""
    return {"phone_number": number, "properties": {"value": 1}, **more}


def test_phone_that_was_left_out_is_a_refusal(scene: Scene) -> None:
    """Klaviyo's header says that somebody lost a number: who it was is found, told, and tried again."""
    scene.sandbox.change(malformed_phone="partial")
    people = {**crowd(5), ADA: with_phone(BAD), "bob@example.com": with_phone(GOOD)}
    report = scene.run(people)

    assert scene.members(report).keys() == people.keys()
    assert refusals(report) == [(ADA, "partial_failure", "phone_number")]
    assert accounted(report)
    again = scene.run(people)
    assert (again.added, again.refused, again.unchanged) == (0, 1, 6)

    mended = scene.run({**people, ADA: with_phone(GOOD.replace("6", "7"))})
    assert (mended.updated, mended.refused) == (1, 0)
    assert scene.fields(ADA)["phone_number"] == GOOD.replace("6", "7")


def test_phone_that_is_left_out_without_a_word_is_no_refusal(scene: Scene) -> None:
    """Where Klaviyo says nothing, nothing can be told; the person is on the list, and not sent again and again."""
    scene.sandbox.change(malformed_phone="drop")
    report = scene.run({ADA: with_phone(BAD)})

    assert (report.added, report.refused) == (1, 0)
    assert scene.run({ADA: with_phone(BAD)}).unchanged == 1


@pytest.mark.parametrize("kind", ["malformed_phone", "unsupported_phone"])
def test_phone_that_is_refused_costs_only_its_person(scene: Scene, kind: str) -> None:
    """Where Klaviyo refuses the body with a pointer, the others arrive, and the person is a refusal."""
    number = {"malformed_phone": BAD, "unsupported_phone": "+9991234567"}[kind]
    scene.sandbox.change(**{kind: "refuse"})
    people = {**crowd(4), ADA: with_phone(number)}
    report = scene.run(people)

    assert scene.members(report) == crowd(4)
    assert [(email, field) for email, _, field in refusals(report)] == [(ADA, "phone_number")]
    assert accounted(report)


@pytest.mark.parametrize(("two_people", "refused"), [("email", 0), ("fail", 1)])
def test_number_of_somebody_else_costs_at_most_its_person(scene: Scene, two_people: str, refused: int) -> None:
    """A row whose number is another profile's is that of its address, or an identity conflict that is told."""
    scene.run({"bob@example.com": with_phone(GOOD)}, name="theirs", list_name="Theirs")
    scene.sandbox.change(two_people=two_people)
    scene.run({ADA: {"properties": {"value": 1}}}, name="mine", list_name="Mine")
    report = scene.run({**crowd(3), ADA: with_phone(GOOD)})

    assert (report.refused, report.added) == (refused, 4 - refused)
    assert {code for _, code, _ in refusals(report)} <= {"duplicate_profile"}
    assert accounted(report)
    assert set(scene.members(report)) >= set(crowd(3))


@pytest.mark.parametrize("bulk_null", ["ignore", "clear"])
@pytest.mark.parametrize("body_limit", [5_000_000, 5_242_880])
def test_what_is_not_known_of_bodies_makes_no_difference(scene: Scene, bulk_null: str, body_limit: int) -> None:
    """Empty values and large bodies are sent so that either behaviour of Klaviyo gives the same list and fields."""
    scene.sandbox.change(bulk_null=bulk_null, body_limit=body_limit)
    large = {"properties": {"note": "x" * 60_000}}
    people = {**{f"p{number}@example.com": large for number in range(90)}, ADA: {"first_name": "Ada"}}
    scene.run(people)
    report = scene.run({**people, ADA: {"last_name": "King"}})

    assert set(scene.members(report)) == set(people)
    assert scene.fields(ADA) == {"last_name": "King", "properties": {}}
    assert not any(request.status == 413 for request in scene.sandbox.requests())


@pytest.mark.parametrize("unknown_member", ["not_found", "refuse", "ignore"])
def test_profile_that_went_meanwhile_holds_no_removal_up(scene: Scene, unknown_member: str) -> None:
    """Whatever Klaviyo says of an id that it does not know, the other leavers leave."""
    scene.sandbox.change(unknown_member=unknown_member)
    report = scene.run(crowd(6))
    scene.sandbox.take_off_list(str(report.list_id), ["p0@example.com"])
    report = scene.run(crowd(1, first=5))

    assert scene.members(report) == crowd(1, first=5)
    assert (report.removed, report.not_found) == (4, 1)

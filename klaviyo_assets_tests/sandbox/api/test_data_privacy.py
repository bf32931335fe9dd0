"""Deleting people: https://developers.klaviyo.com/en/reference/request_profile_deletion."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import DELETIONS, JOBS, PROFILES

ANN: dict[str, Any] = {"email": "ann@example.com", "phone_number": "+37120000001", "external_id": "A1"}


@pytest.mark.parametrize(
    "identifier", [{"email": " Ann@Example.com"}, {"phone_number": "+37120000001"}], ids=lambda given: next(iter(given))
)
def test_a_person_is_gone(sandbox: RunningSandbox, klaviyo: httpx.Client, identifier: dict[str, str]) -> None:
    """A deleted person is on no list, in no bulk job and in no search any more, and their identifiers are free."""
    list_id = sandbox.create_list("VIP")
    job_id = bodies.complete(sandbox, klaviyo, bodies.rows(ANN, {"email": "ben@example.com"}), list_id)
    answer = klaviyo.post(DELETIONS, json=bodies.a_deletion(**identifier))

    assert (answer.status_code, answer.content) == (202, b"")
    assert [member["email"] for member in sandbox.members(list_id)] == ["ben@example.com"]
    assert len(bodies.ids_of(klaviyo.get(f"{JOBS}/{job_id}/profiles"))) == 1
    for field, value in ANN.items():
        assert bodies.ids_of(klaviyo.get(PROFILES, params={"filter": f'equals({field},"{value}")'})) == []
    assert bodies.create(klaviyo, **ANN)


def test_by_id(klaviyo: httpx.Client) -> None:
    """A person may be named by the profile's id."""
    profile_id = bodies.create(klaviyo, **ANN)
    klaviyo.post(DELETIONS, json=bodies.a_deletion(profile_id)).raise_for_status()

    assert klaviyo.get(f"{PROFILES}/{profile_id}").status_code == 404


def test_nobody_of_that_name(klaviyo: httpx.Client) -> None:
    """Whom Klaviyo does not know, or not any more, is told as not found."""
    answer = klaviyo.post(DELETIONS, json=bodies.a_deletion(email="ann@example.com"))

    assert answer.status_code == 404
    assert answer.json()["errors"][0]["detail"].startswith('No profile with email "ann@example.com" found.')


@pytest.mark.parametrize(
    "body",
    [
        bodies.a_deletion(),
        bodies.a_deletion(email="ann@example.com", phone_number="+37120000001"),
        bodies.a_deletion("01", email="ann@example.com"),
        bodies.a_deletion(email=7),
        {"data": {"type": "data-privacy-deletion-job", "attributes": {"profile": {"data": "ann@example.com"}}}},
        {"data": {"type": "profile", "attributes": {}}},
    ],
    ids=["none", "two", "id and address", "number", "no resource", "another kind"],
)
def test_refused(sandbox: RunningSandbox, klaviyo: httpx.Client, body: dict[str, Any]) -> None:
    """Anything but one identifier is an error, and deletes nobody."""
    bodies.create(klaviyo, **ANN)

    assert klaviyo.post(DELETIONS, json=body).status_code == 400
    assert len(sandbox.profiles()) == 1

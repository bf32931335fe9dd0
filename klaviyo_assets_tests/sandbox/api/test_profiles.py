"""Single profiles."""

from __future__ import annotations

import re

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import IMPORT, PROFILES, Json, error_of, ids_of

FULL: Json = {
    "email": "ann@example.com",
    "first_name": "Ann",
    "last_name": "Berg",
    "location": {"city": "Riga", "latitude": 56.9, "longitude": "24.1"},
    "properties": {"tier": "gold", "points": 5, "tags": ["a", "b"]},
}


def test_a_new_profile(klaviyo: httpx.Client) -> None:
    """Its id is a ULID; what is not known is null, also inside its location."""
    answer = klaviyo.post(PROFILES, json=bodies.a_profile(**FULL))
    data = answer.json()["data"]

    assert answer.status_code == 201
    assert re.fullmatch(r"01[0-9A-HJKMNP-TV-Z]{24}", data["id"])
    assert data["attributes"]["properties"] == FULL["properties"]
    assert data["attributes"]["location"]["city"] == "Riga"
    assert data["attributes"]["location"]["country"] is None
    assert data["attributes"]["title"] is None


def test_nulls_of_a_new_profile_are_not_kept(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """They are as if they had not been sent."""
    bodies.create(klaviyo, email="ann@example.com", title=None, properties={"tier": None, "points": 0})
    [truth] = sandbox.profiles()

    assert (truth["attributes"], truth["properties"]) == ({}, {"points": 0})


@pytest.mark.parametrize("field", ["email", "phone_number", "external_id"])
def test_a_taken_identifier_is_a_conflict(klaviyo: httpx.Client, field: str) -> None:
    """409 names the profile that has it."""
    taken: Json = {"email": "ann@example.com", "phone_number": "+37120000001", "external_id": "c-1"}
    ann = bodies.create(klaviyo, **taken)
    answer = klaviyo.post(PROFILES, json=bodies.a_profile(**{field: taken[field]}))

    assert answer.status_code == 409
    assert error_of(answer) == {
        "id": answer.headers["x-klaviyo-req-id"],
        "status": 409,
        "code": "duplicate_profile",
        "title": "Conflict.",
        "detail": "A profile already exists with one of these identifiers.",
        "source": {"pointer": "/data/attributes"},
        "links": {},
        "meta": {"duplicate_profile_id": ann},
    }


def test_importing_creates_and_then_updates(klaviyo: httpx.Client) -> None:
    """201 for a new person, 200 for one that is there."""
    first = klaviyo.post(IMPORT, json=bodies.a_profile(email="Ann@Example.com "))
    second = klaviyo.post(IMPORT, json=bodies.a_profile(email="ann@example.com"))

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["data"]["id"] == second.json()["data"]["id"]
    assert first.json()["data"]["attributes"]["email"] == "ann@example.com"


@pytest.mark.parametrize("by", ["import", "patch"])
def test_null_clears_and_absent_keeps(klaviyo: httpx.Client, sandbox: RunningSandbox, by: str) -> None:
    """For fields, and for the keys of location and properties."""
    ann = bodies.create(klaviyo, **FULL)
    change: Json = {
        "first_name": None,
        "title": "Dr",
        "location": {"city": None, "country": "Latvia"},
        "properties": {"points": None, "level": 2},
    }
    if by == "import":
        klaviyo.post(IMPORT, json=bodies.a_profile(email="ann@example.com", **change))
    else:
        klaviyo.patch(f"{PROFILES}/{ann}", json=bodies.a_profile(ann, **change))
    [truth] = sandbox.profiles()

    assert truth["attributes"] == {
        "last_name": "Berg",
        "title": "Dr",
        "location": {"latitude": 56.9, "longitude": "24.1", "country": "Latvia"},
    }
    assert truth["properties"] == {"tier": "gold", "tags": ["a", "b"], "level": 2}


def test_a_null_object_clears_all_of_it(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """So does a null in place of the properties."""
    bodies.create(klaviyo, **FULL)
    klaviyo.post(IMPORT, json=bodies.a_profile(email="ann@example.com", properties=None, location=None))
    [truth] = sandbox.profiles()

    assert truth["properties"] == {}
    assert "location" not in truth["attributes"]


def test_patching_properties(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Values can be appended, taken out of a list, and unset."""
    ann = bodies.create(klaviyo, **FULL)
    patch = {"append": {"tags": ["b", "c"]}, "unappend": {"tags": "a"}, "unset": "tier"}
    klaviyo.patch(
        f"{PROFILES}/{ann}", json=bodies.a_profile(ann, meta={"patch_properties": patch}, email=FULL["email"])
    )

    assert sandbox.profiles()[0]["properties"] == {"points": 5, "tags": ["b", "c"]}


def test_an_identifier_can_be_cleared(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """A phone number that was taken away is free for somebody else."""
    ann = bodies.create(klaviyo, email="ann@example.com", phone_number="+37120000001")
    body = bodies.a_profile(ann, email="ann@example.com", phone_number=None)

    assert klaviyo.patch(f"{PROFILES}/{ann}", json=body).json()["data"]["attributes"]["phone_number"] is None
    bodies.create(klaviyo, email="bob@example.com", phone_number="+37120000001")


def test_an_address_can_change(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """By PATCH, unless somebody else has it; then the old one finds nobody."""
    ann, bob = bodies.create(klaviyo, email="ann@example.com"), bodies.create(klaviyo, email="bob@example.com")
    taken = klaviyo.patch(f"{PROFILES}/{ann}", json=bodies.a_profile(ann, email="bob@example.com"))
    moved = klaviyo.patch(f"{PROFILES}/{ann}", json=bodies.a_profile(ann, email="new@example.com"))

    assert (taken.status_code, error_of(taken)["meta"]) == (409, {"duplicate_profile_id": bob})
    assert moved.status_code == 200
    assert ids_of(klaviyo.get(PROFILES, params={"filter": 'equals(email,"ann@example.com")'})) == []


def test_email_and_phone_of_two_people_is_a_conflict(klaviyo: httpx.Client) -> None:
    """An import that would make one of two people is refused."""
    bodies.create(klaviyo, email="ann@example.com")
    bob = bodies.create(klaviyo, phone_number="+37120000001")
    answer = klaviyo.post(IMPORT, json=bodies.a_profile(email="ann@example.com", phone_number="+37120000001"))

    assert (answer.status_code, error_of(answer)["meta"]) == (409, {"duplicate_profile_id": bob})


def test_importing_by_id(klaviyo: httpx.Client) -> None:
    """The id goes before all other identifiers; an unknown one is 404."""
    ann = bodies.create(klaviyo, email="ann@example.com")
    known = klaviyo.post(IMPORT, json=bodies.a_profile(ann, email="new@example.com"))

    assert (known.status_code, known.json()["data"]["id"]) == (200, ann)
    assert klaviyo.post(IMPORT, json=bodies.a_profile("NOPE01", email="ann@example.com")).status_code == 404


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ('any(id,["{a}","{c}"])', "ac"),
        ('equals(email,"B@example.com")', "b"),
        ('any(phone_number,["+37120000002"])', "c"),
        ('any(external_id,["same"])', "bc"),
        ('equals(external_id,"none")', ""),
        ('any(external_id,["same"]),equals(email,"c@example.com")', "c"),
        ("greater-than(created,{time})", "bc"),
        ("less-than(updated,{time})", ""),
    ],
)
def test_profiles_are_found(klaviyo: httpx.Client, sandbox: RunningSandbox, question: str, expected: str) -> None:
    """By any identifier, by time, and by several conditions at once."""
    made = {"a": bodies.create(klaviyo, email="a@example.com", external_id="other")}
    time = klaviyo.get(f"{PROFILES}/{made['a']}").json()["data"]["attributes"]["created"]
    sandbox.advance(5)
    bodies.complete(sandbox, klaviyo, bodies.rows({"email": "b@example.com", "external_id": "same"}))
    number = {"phone_number": "+37120000002", "external_id": "same"}
    bodies.complete(sandbox, klaviyo, bodies.rows({"email": "c@example.com", **number}))
    made |= {truth["email"][0]: truth["profile_id"] for truth in sandbox.profiles()}
    later = time.replace("+00:00", ".999999+00:00") if "created" in question else time
    found = ids_of(klaviyo.get(PROFILES, params={"filter": question.format(**made, time=later)}))

    assert found == [made[letter] for letter in expected]


@pytest.mark.parametrize("sort", ["id", "-id", "email", "-email", "created", "-updated"])
def test_profiles_can_be_sorted(klaviyo: httpx.Client, sandbox: RunningSandbox, sort: str) -> None:
    """By id, address or time, both ways, over pages; whoever has no address comes first."""
    made = []
    for attributes in ({"email": "b@example.com"}, {"external_id": "x"}, {"email": "a@example.com"}):
        made.append(bodies.create(klaviyo, **attributes))
        sandbox.advance(1)
    expected = [made[1], made[2], made[0]] if "email" in sort else made
    found = [one["id"] for one in bodies.all_pages(klaviyo, PROFILES, sort=sort, **{"page[size]": 1})]

    assert found == (expected[::-1] if sort.startswith("-") else expected)


def test_a_hundred_kilobytes_and_no_more(klaviyo: httpx.Client) -> None:
    """A single profile above that is refused."""

    def status(count: int) -> int:
        body = bodies.a_profile(email="a@example.com", properties={"x": "é" * count})
        return klaviyo.post(IMPORT, json=body).status_code

    assert (status(49_000), status(50_000)) == (201, 413)


@pytest.mark.parametrize("path", [PROFILES, IMPORT])
def test_a_malformed_phone_number_is_refused(klaviyo: httpx.Client, path: str) -> None:
    """Outside bulk imports it is not dropped, even beside an address."""
    answer = klaviyo.post(path, json=bodies.a_profile(email="ann@example.com", phone_number="+1234"))

    assert answer.status_code == 400
    assert error_of(answer)["source"] == {"pointer": "/data/attributes/phone_number"}
    assert error_of(answer)["detail"].startswith("Invalid phone number format (Example of a valid format: +")

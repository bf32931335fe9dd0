"""What is not known of Klaviyo can be had in every way that it might be: each setting of that kind, both ways.

Others of them are tested beside what they concern: `throttled_count`, `revision_required`, `rejoin_keeps_first`,
`duplicate_winner`.
"""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import IMPORT, JOBS, LISTS, PROFILES, ROWS_AT, Json, error_of, rows

PARTIAL = "x-klaviyo-partial-failure"
ADDRESS = "ann@example.com"
NUMBER = "+37120000001"
NUMBERS = {"malformed_phone": "+1234", "unsupported_phone": "+999123456789"}
HANDLED = list(product(NUMBERS, ("drop", "refuse", "partial")))


def write(klaviyo: httpx.Client, way: str, ann: str, number: str, **identifiers: str) -> httpx.Response:
    """Writes somebody's title and phone number: in a bulk import, or alone in one of three ways."""
    attributes: Json = {**(identifiers or {"email": ADDRESS}), "phone_number": number, "title": "Dr"}
    if way == "bulk":
        return klaviyo.post(JOBS, json=bodies.bulk([*bodies.people(1), *rows(attributes)]))
    if way == "patch":
        return klaviyo.patch(f"{PROFILES}/{ann}", json=bodies.a_profile(ann, **attributes))
    if way == "create":
        attributes["email"] = "new@example.com"
    return klaviyo.post(PROFILES if way == "create" else IMPORT, json=bodies.a_profile(**attributes))


STATUSES = {"bulk": 202, "create": 201, "import": 200, "patch": 200}


@pytest.mark.parametrize(("setting", "handling"), HANDLED)
@pytest.mark.parametrize("way", STATUSES)
def test_a_bad_number_beside_an_address(
    klaviyo: httpx.Client, sandbox: RunningSandbox, setting: str, handling: str, way: str
) -> None:
    """It is dropped in silence (in bulk only), refused with a pointer, or dropped and told in a header."""
    sandbox.change(**{setting: handling})
    ann = bodies.create(klaviyo, email=ADDRESS, phone_number=NUMBER)
    answer = write(klaviyo, way, ann, NUMBERS[setting])
    sandbox.advance(60)
    told = [(truth["phone_number"], truth["attributes"].get("title")) for truth in sandbox.profiles()]

    if handling == "partial" or (handling, way) == ("drop", "bulk"):
        assert answer.status_code == STATUSES[way]
        assert answer.headers.get(PARTIAL) == ("phone_number" if handling == "partial" else None)
        assert ((None if way == "create" else NUMBER), "Dr") in told
    else:
        place = f"{ROWS_AT}/1" if way == "bulk" else "/data"
        assert answer.status_code == 400
        assert error_of(answer)["source"] == {"pointer": f"{place}/attributes/phone_number"}
        assert told == [(NUMBER, None)]


@pytest.mark.parametrize(("setting", "handling"), HANDLED)
@pytest.mark.parametrize("way", ["bulk", "import"])
def test_a_bad_number_without_an_address(
    klaviyo: httpx.Client, sandbox: RunningSandbox, setting: str, handling: str, way: str
) -> None:
    """It is refused whatever is set: an external id does not stand in for an address."""
    sandbox.change(**{setting: handling})

    assert write(klaviyo, way, "", NUMBERS[setting], external_id="c-1").status_code == 400


@pytest.mark.parametrize("setting", NUMBERS)
def test_good_numbers_are_not_dropped(klaviyo: httpx.Client, sandbox: RunningSandbox, setting: str) -> None:
    """Where nothing was left out, no header says so."""
    sandbox.change(**{setting: "partial"})
    answer = write(klaviyo, "bulk", "", NUMBER)
    sandbox.advance(60)

    assert PARTIAL not in answer.headers
    assert sandbox.profiles()[-1]["phone_number"] == NUMBER


@pytest.mark.parametrize("bulk_null", ["ignore", "clear"])
def test_nulls_in_a_bulk_import(klaviyo: httpx.Client, sandbox: RunningSandbox, bulk_null: str) -> None:
    """They say nothing, or clear as they do elsewhere: identifiers, fields, and what is inside of objects."""
    sandbox.change(bulk_null=bulk_null)
    full: dict[str, Any] = {"external_id": "c-1", "first_name": "Ann", "location": {"city": "Riga"}}
    properties = {"tier": "gold", "points": 1}
    nulls = {**dict.fromkeys(full), "properties": {"tier": None}, "location": {"city": None}}
    bodies.complete(sandbox, klaviyo, rows({"email": ADDRESS, **full, "properties": properties}))
    bodies.complete(sandbox, klaviyo, rows({"email": ADDRESS, **nulls}))
    [truth] = sandbox.profiles()

    if bulk_null == "ignore":
        assert {"external_id": truth["external_id"], **truth["attributes"]} == full
        assert truth["properties"] == properties
    else:
        assert {"external_id": truth["external_id"], **truth["attributes"]} == {"external_id": None, "location": {}}
        assert truth["properties"] == {"points": 1}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(("unknown_member", "status"), [("not_found", 404), ("refuse", 400), ("ignore", 204)])
def test_unknown_profile_ids_among_members(
    klaviyo: httpx.Client, sandbox: RunningSandbox, method: str, unknown_member: str, status: int
) -> None:
    """The call is refused in one of two ways, and nobody joins or leaves; or the others join and leave."""
    sandbox.change(unknown_member=unknown_member)
    list_id = sandbox.create_list("VIP")
    ann = bodies.create(klaviyo, email=ADDRESS)
    if method == "DELETE":
        sandbox.put_on_list(list_id, [ADDRESS])
    before = len(sandbox.members(list_id))
    answer = klaviyo.request(method, f"{LISTS}/{list_id}/relationships/profiles", json=bodies.ids([ann, "NOPE01"]))

    assert answer.status_code == status
    assert (len(sandbox.members(list_id)) != before) is (status == 204)
    if status != 204:
        assert error_of(answer)["detail"] == "A profile with id NOPE01 does not exist."
        assert error_of(answer)["source"] == {"pointer": "/data/" if status == 404 else "/data/1/id"}


@pytest.mark.parametrize("two_people", ["email", "fail"])
def test_an_address_and_a_number_of_two_people(klaviyo: httpx.Client, sandbox: RunningSandbox, two_people: str) -> None:
    """The row is about whose address it is, without the number; or it fails in the job, and nobody is touched."""
    sandbox.change(two_people=two_people)
    list_id = sandbox.create_list("VIP")
    bodies.complete(sandbox, klaviyo, rows({"email": ADDRESS}, {"email": "bob@example.com", "phone_number": NUMBER}))
    both = rows({"email": "new@example.com"}, {"email": ADDRESS, "phone_number": NUMBER, "title": "Dr"})
    job_id = bodies.complete(sandbox, klaviyo, both, list_id)
    job = klaviyo.get(f"{JOBS}/{job_id}").json()["data"]["attributes"]
    failed = klaviyo.get(f"{JOBS}/{job_id}/import-errors").json()["data"]
    ann, bob, _ = sandbox.profiles()

    assert (ann["phone_number"], bob["phone_number"]) == (None, NUMBER)
    if two_people == "email":
        assert (ann["attributes"], failed) == ({"title": "Dr"}, [])
        assert (job["completed_count"], job["failed_count"]) == (2, 0)
        assert len(sandbox.members(list_id)) == 2
    else:
        [error] = (each["attributes"] for each in failed)
        assert (ann["attributes"], error["code"]) == ({}, "duplicate_profile")
        assert (error["source"], error["original_payload"]) == ({"pointer": f"{ROWS_AT}/1"}, both[1])
        assert (job["completed_count"], job["failed_count"]) == (1, 1)
        assert [member["email"] for member in sandbox.members(list_id)] == ["new@example.com"]


@pytest.mark.parametrize(
    ("row", "failed_count"),
    [
        ({"email": ADDRESS, "phone_number": "+37120000009"}, 0),
        ({"email": "new@example.com", "phone_number": "+37120000009"}, 0),
        ({"email": "new@example.com", "phone_number": NUMBER}, 0),
        ({"email": ADDRESS, "phone_number": NUMBER}, 1),
    ],
    ids=["a new number", "a new person", "a new address", "two people"],
)
def test_which_rows_are_about_two_people(
    klaviyo: httpx.Client, sandbox: RunningSandbox, row: dict[str, str], failed_count: int
) -> None:
    """Those alone whose address and number are both taken, and by different people."""
    sandbox.change(two_people="fail")
    bodies.complete(sandbox, klaviyo, rows({"email": ADDRESS}, {"email": "bob@example.com", "phone_number": NUMBER}))
    job_id = bodies.complete(sandbox, klaviyo, rows(row))

    assert klaviyo.get(f"{JOBS}/{job_id}").json()["data"]["attributes"]["failed_count"] == failed_count


@pytest.mark.parametrize("body_limit", [5_000_000, 5_242_880])
def test_how_many_bytes_are_five_megabytes(klaviyo: httpx.Client, sandbox: RunningSandbox, body_limit: int) -> None:
    """A body of so many bytes is read, and one more byte is too many."""
    sandbox.change(body_limit=body_limit, limits="off")
    body = json.dumps(bodies.bulk(bodies.people(1))).encode()

    def status(size: int) -> int:
        return klaviyo.post(JOBS, content=body + b" " * (size - len(body))).status_code

    assert (status(body_limit), status(body_limit + 1)) == (202, 413)

"""The rows of bulk imports: which are taken, which are refused, and what they mean."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import JOBS, PROFILES, ROWS_AT, Json, attributes_of, error_of, ids_of, rows


class TestRefusals:
    """A body is taken whole or not at all."""

    @pytest.mark.parametrize(
        ("row", "pointer", "detail"),
        [
            ({"email": "mailto:x@example.com"}, "/attributes/email", "Invalid email address"),
            ({"external_id": "1", "phone_number": "+1234"}, "/attributes/phone_number", "Invalid phone number format"),
            (
                {"email": "a@example.com", "phone_number": "+999123456789"},
                "/attributes/phone_number",
                "Phone number is valid but is not in a supported region for this account.",
            ),
            (
                {"email": "a@example.com", "colour": "red"},
                "/attributes/colour",
                "'colour' is not a valid field for the resource 'profile'.",
            ),
            (
                {"email": "a@example.com", "subscriptions": {}},
                "/attributes/subscriptions",
                "'subscriptions' is not a valid field for the resource 'profile'.",
            ),
            ({"first_name": "Ann"}, "/attributes", "One or more identifiers is required"),
            ({"email": None}, "/attributes", "One or more identifiers is required"),
            ({"email": "a@example.com", "title": 5}, "/attributes/title", "The payload provided"),
            ({"email": "a@example.com", "properties": []}, "/attributes/properties", "The payload provided"),
            ({"email": "a@example.com", "properties": "x"}, "/attributes/properties", "The payload provided"),
            ({"email": "a@example.com", "location": {"moon": "x"}}, "/attributes/location/moon", "'moon' is not"),
            ({"email": "a@example.com", "location": {"city": 5}}, "/attributes/location/city", "The payload provided"),
        ],
        ids=lambda value: json.dumps(value) if isinstance(value, dict) else None,
    )
    def test_one_bad_row_refuses_all(
        self, klaviyo: httpx.Client, sandbox: RunningSandbox, row: Json, pointer: str, detail: str
    ) -> None:
        """The pointer holds the row's index; there is no job, and nobody was imported."""
        answer = klaviyo.post(JOBS, json=bodies.bulk([*bodies.people(2), *rows(row)]))
        error = error_of(answer)

        assert answer.status_code == 400
        assert (error["code"], error["title"], error["links"], error["meta"]) == ("invalid", "Invalid input.", {}, {})
        assert error["source"] == {"pointer": f"{ROWS_AT}/2{pointer}"}
        assert error["detail"].startswith(detail)
        sandbox.advance(60)
        assert ids_of(klaviyo.get(JOBS)) == []
        assert sandbox.profiles() == []

    def test_every_bad_row_is_named(self, klaviyo: httpx.Client) -> None:
        """Several errors come in one body, also several of one row."""
        wrong = rows({"email": "no"}, {"email": "ok@example.com"}, {"email": "no", "phone_number": "+999123456789"})
        answer = klaviyo.post(JOBS, json=bodies.bulk(wrong))

        assert [error["source"]["pointer"].removeprefix(ROWS_AT) for error in answer.json()["errors"]] == [
            "/0/attributes/email",
            "/2/attributes/email",
            "/2/attributes/phone_number",
        ]

    @pytest.mark.parametrize("entry", [None, "x", [], {"type": "list"}, {"type": "profile", "attributes": []}])
    def test_what_is_no_row(self, klaviyo: httpx.Client, entry: Any) -> None:
        """A row that is no profile resource is pointed at."""
        answer = klaviyo.post(JOBS, json=bodies.bulk([*bodies.people(1), entry]))

        assert error_of(answer)["source"] == {"pointer": f"{ROWS_AT}/1"}

    def test_an_unknown_list(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """It refuses the body, without an index."""
        answer = klaviyo.post(JOBS, json=bodies.bulk(bodies.people(1), "NOPE01"))

        assert answer.status_code == 400
        assert error_of(answer)["source"] == {"pointer": "/data"}
        assert error_of(answer)["detail"] == "List ID NOPE01 does not exist."

    @pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 202), (10_000, 202), (10_001, 400)])
    def test_ten_thousand_rows_and_no_more(self, klaviyo: httpx.Client, count: int, status: int) -> None:
        """One more row refuses them all, and so does none."""
        assert klaviyo.post(JOBS, json=bodies.bulk(bodies.people(count))).status_code == status

    def test_an_attribute_that_a_job_has_not(self, klaviyo: httpx.Client) -> None:
        """It is refused by name."""
        body = bodies.bulk(bodies.people(1))
        body["data"]["attributes"]["priority"] = "high"

        assert error_of(klaviyo.post(JOBS, json=body))["source"] == {"pointer": "/data/attributes/priority"}

    def test_misplaced_relationships_are_overlooked(
        self, klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str
    ) -> None:
        """Lists inside the attributes make profiles, and no members, without a word."""
        body = bodies.bulk(bodies.people(1), list_id)
        body["data"]["attributes"]["relationships"] = body["data"].pop("relationships")

        assert klaviyo.post(JOBS, json=body).status_code == 202
        sandbox.advance(60)
        assert len(sandbox.profiles()) == 1
        assert sandbox.members(list_id) == []


class TestMeaning:
    """What an import does to profiles."""

    def test_nulls_say_nothing(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """An import clears no field, neither by null nor by absence, not even inside an object."""
        full = {
            "email": "ann@example.com",
            "external_id": "c-1",
            "first_name": "Ann",
            "location": {"city": "Riga"},
            "properties": {"tier": "gold"},
        }
        bodies.complete(sandbox, klaviyo, rows(full))
        nulls = {
            "email": "ann@example.com",
            "external_id": None,
            "first_name": None,
            "location": {"city": None, "country": "Latvia"},
            "properties": {"tier": None, "points": 1},
        }
        bodies.complete(sandbox, klaviyo, rows(nulls))
        bodies.complete(sandbox, klaviyo, rows({"email": "ann@example.com"}))
        [truth] = sandbox.profiles()

        assert truth["external_id"] == "c-1"
        assert truth["attributes"] == {"first_name": "Ann", "location": {"city": "Riga", "country": "Latvia"}}
        assert truth["properties"] == {"tier": "gold", "points": 1}

    def test_nulls_of_a_new_person_are_not_kept(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """They are as if they had not been sent."""
        row = {"email": "ann@example.com", "title": None, "location": None, "properties": {"tier": None, "x": 0}}
        bodies.complete(sandbox, klaviyo, rows(row))
        [truth] = sandbox.profiles()

        assert truth["attributes"] == {}
        assert truth["properties"] == {"x": 0}

    def test_properties_can_be_unset(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """By name, beside the attributes."""
        bodies.complete(sandbox, klaviyo, rows({"email": "ann@example.com", "properties": {"a": 1, "b": 2}}))
        [entry] = rows({"email": "ann@example.com", "properties": {"c": 3}})
        entry["meta"] = {"patch_properties": {"unset": ["a", "unknown"], "append": {"b": [5]}}}
        bodies.complete(sandbox, klaviyo, [entry])

        assert sandbox.profiles()[0]["properties"] == {"b": [2, 5], "c": 3}

    def test_a_malformed_phone_number_beside_an_address_is_dropped(
        self, klaviyo: httpx.Client, sandbox: RunningSandbox
    ) -> None:
        """The person is imported without it, and nothing tells so."""
        job_id = bodies.complete(sandbox, klaviyo, rows({"email": "ann@example.com", "phone_number": "+1234"}))

        assert sandbox.profiles()[0]["phone_number"] is None
        assert attributes_of(klaviyo, job_id)["failed_count"] == 0
        assert ids_of(klaviyo.get(f"{JOBS}/{job_id}/import-errors")) == []

    def test_addresses_are_trimmed_and_in_lower_case(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """However it is written, it is the same person."""
        bodies.complete(sandbox, klaviyo, rows({"email": " Ann@Example.COM"}))
        bodies.complete(sandbox, klaviyo, rows({"email": "ann@example.com"}))

        assert [truth["email"] for truth in sandbox.profiles()] == ["ann@example.com"]

    @pytest.mark.parametrize(("winner", "title"), [("first", "A"), ("last", "C")])
    def test_one_of_several_rows_of_a_person_counts(
        self, klaviyo: httpx.Client, sandbox: RunningSandbox, winner: str, title: str
    ) -> None:
        """The others are dropped whole; no row fails. Which of them wins can be chosen."""
        sandbox.change(duplicate_winner=winner)
        twice = rows(
            {"email": "ann@example.com", "title": "A", "first_name": "A"},
            {"email": "Ann@example.com", "title": "B", "last_name": "B"},
            {"email": "ann@example.com ", "title": "C"},
        )
        job_id = bodies.complete(sandbox, klaviyo, twice)
        [truth] = sandbox.profiles()

        assert truth["attributes"]["title"] == title
        assert "last_name" not in truth["attributes"]
        counts = attributes_of(klaviyo, job_id)
        assert (counts["total_count"], counts["failed_count"]) == (3, 0)
        assert len(ids_of(klaviyo.get(f"{JOBS}/{job_id}/profiles"))) == 1

    def test_one_person_named_in_two_ways_is_one_profile(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """Rows that find the same profile by different identifiers both count, and it is listed once."""
        ann = {"email": "ann@example.com", "phone_number": "+37120000001"}
        bodies.complete(sandbox, klaviyo, rows(ann))
        twice = rows({"email": ann["email"], "title": "Dr"}, {"phone_number": ann["phone_number"], "locale": "lv-LV"})
        job_id = bodies.complete(sandbox, klaviyo, twice)

        assert sandbox.profiles()[0]["attributes"] == {"title": "Dr", "locale": "lv-LV"}
        assert len(ids_of(klaviyo.get(f"{JOBS}/{job_id}/profiles"))) == 1

    def test_joining_again_keeps_the_first_date(
        self, klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str
    ) -> None:
        """A body can be sent again without harm."""
        bodies.complete(sandbox, klaviyo, bodies.people(2), list_id)
        before = sandbox.members(list_id)
        bodies.complete(sandbox, klaviyo, bodies.people(2), list_id)

        assert [member["joined_at"] for member in sandbox.members(list_id)] == [
            member["joined_at"] for member in before
        ]

    def test_without_a_list_nobody_joins_or_leaves(
        self, klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str
    ) -> None:
        """An update of profiles does not put back whom staff took off."""
        bodies.complete(sandbox, klaviyo, bodies.people(2), list_id)
        sandbox.take_off_list(list_id, ["p00000@example.com"])
        bodies.complete(sandbox, klaviyo, bodies.people(2))

        assert [member["email"] for member in sandbox.members(list_id)] == ["p00001@example.com"]

    def test_several_lists(self, klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str) -> None:
        """A job may put its people on more than one."""
        other = sandbox.create_list("Other")
        job_id = bodies.complete(sandbox, klaviyo, bodies.people(1), list_id, other)

        assert len(sandbox.members(list_id)) == len(sandbox.members(other)) == 1
        assert ids_of(klaviyo.get(f"{JOBS}/{job_id}/relationships/lists")) == [list_id, other]
        assert ids_of(klaviyo.get(f"{JOBS}/{job_id}/lists")) == [list_id, other]


def test_drifted_addresses_make_duplicates(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """An external id is not used for merging: a new address is a new person with the same external id."""
    bodies.complete(sandbox, klaviyo, rows({"email": "old@example.com", "external_id": "c-1"}))
    bodies.complete(sandbox, klaviyo, rows({"email": "new@example.com", "external_id": "c-1"}))

    assert len(ids_of(klaviyo.get(PROFILES, params={"filter": 'equals(external_id,"c-1")'}))) == 2

"""Bulk imports: what is taken, what is refused, and what becomes of it."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from typing import Any

import httpx
import pytest

from klaviyo_assets.sandbox import DropFields, EndBulkJob, FailRows, RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import JOBS, PROFILES, Json, error_of, ids_of, rows

ROWS_AT = "/data/attributes/profiles/data"


@pytest.fixture
def list_id(sandbox: RunningSandbox) -> str:
    """An empty list."""
    return sandbox.create_list("VIP")


def attributes_of(klaviyo: httpx.Client, job_id: str) -> Json:
    """What a job says of itself now."""
    found: Json = klaviyo.get(f"{JOBS}/{job_id}").json()["data"]["attributes"]
    return found


class TestLife:
    """From submitted to expired."""

    def test_a_new_job(self, klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str) -> None:
        """It is queued, counts its rows, lasts seven days, and names its lists unasked."""
        answer = klaviyo.post(JOBS, json=bodies.bulk(bodies.people(3), list_id))
        data = answer.json()["data"]
        attributes = data["attributes"]
        root = f"{sandbox.url}{JOBS}/{data['id']}"

        assert answer.status_code == 202
        assert (attributes["status"], attributes["total_count"]) == ("queued", 3)
        assert (attributes["completed_count"], attributes["failed_count"]) == (0, 0)
        assert (attributes["started_at"], attributes["completed_at"]) == (None, None)
        life = datetime.fromisoformat(attributes["expires_at"]) - datetime.fromisoformat(attributes["created_at"])
        assert life.days == 7
        assert data["relationships"] == {
            "lists": {
                "data": [{"type": "list", "id": list_id}],
                "links": {"self": f"{root}/relationships/lists/", "related": f"{root}/lists/"},
            },
            "profiles": {"links": {"self": f"{root}/relationships/profiles/", "related": f"{root}/profiles/"}},
            "import-errors": {"links": {"related": f"{root}/import-errors/"}},
        }

    def test_the_form_of_its_id(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """It is base64 of the account, the time and some chance."""
        job_id = bodies.submit(klaviyo, bodies.people(1))
        stem = base64.urlsafe_b64decode(job_id + "==").decode()

        assert re.fullmatch(rf"{sandbox.account_id}_maintenance\.\w{{6}}\.\d{{10}}\.\w{{6}}", stem)

    def test_from_queued_to_gone(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """It is queued, then processing, then complete, and after seven days there is no such job."""
        sandbox.change(job_duration_s=100)
        job_id = bodies.submit(klaviyo, bodies.people(10))
        seen = []
        for _ in range(14):
            seen.append(attributes_of(klaviyo, job_id)["status"])
            sandbox.advance(10)
        sandbox.advance(7 * 86_400 - 141)
        still = klaviyo.get(f"{JOBS}/{job_id}").status_code
        sandbox.advance(1)

        assert [status for status, before in zip(seen, [None, *seen], strict=False) if status != before] == [
            "queued",
            "processing",
            "complete",
        ]
        assert still == 200
        assert error_of(klaviyo.get(f"{JOBS}/{job_id}"))["detail"] == "Invalid job id"
        assert ids_of(klaviyo.get(JOBS)) == []

    def test_counters(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """They are 0 while the job is queued, and whole once it is complete."""
        sandbox.order_fault(FailRows(indexes=(0, 9)))
        job_id = bodies.submit(klaviyo, bodies.people(10))
        queued = attributes_of(klaviyo, job_id)
        sandbox.advance(5)
        complete = attributes_of(klaviyo, job_id)

        assert (queued["total_count"], queued["completed_count"], queued["failed_count"]) == (10, 0, 0)
        assert (complete["total_count"], complete["completed_count"], complete["failed_count"]) == (10, 8, 2)
        assert complete["created_at"] <= complete["started_at"] <= complete["completed_at"]

    def test_profiles_are_there_while_it_is_queued(
        self, klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str
    ) -> None:
        """They were not at first, and the job does not say so."""
        sandbox.change(job_duration_s=100)
        job_id = bodies.submit(klaviyo, bodies.people(1), list_id)
        assert sandbox.members(list_id) == []
        sandbox.advance(35)

        assert attributes_of(klaviyo, job_id)["status"] == "queued"
        assert len(sandbox.members(list_id)) == 1

    def test_members_joined_within_its_life(self, klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str) -> None:
        """The date at which somebody joined is after the job's creation and before its completion."""
        job_id = bodies.complete(sandbox, klaviyo, bodies.people(1), list_id)
        [job] = klaviyo.get(JOBS).json()["data"]
        [member] = sandbox.members(list_id)

        assert job["id"] == job_id
        assert job["attributes"]["created_at"] < member["joined_at"] < job["attributes"]["completed_at"]

    def test_listings_tell_microseconds_and_single_answers_do_not(
        self, klaviyo: httpx.Client, sandbox: RunningSandbox
    ) -> None:
        """Both forms must be understood."""
        job_id = bodies.submit(klaviyo, bodies.people(1))
        [listed] = klaviyo.get(JOBS).json()["data"]

        assert "." not in attributes_of(klaviyo, job_id)["created_at"]
        assert "." in listed["attributes"]["created_at"]

    def test_jobs_are_not_applied_in_the_order_they_came(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """Of twenty jobs about one person, submitted at once, the last is not always the last."""
        sandbox.change(limits="off")
        finals = set()
        for trial in range(10):
            for number in range(4):
                email = f"p{trial}@example.com"
                bodies.submit(klaviyo, rows({"email": email, "title": str(number)}))
            sandbox.advance(60)
            finals.add(sandbox.profiles()[-1]["attributes"]["title"])

        assert len(finals) > 1

    def test_a_full_body_takes_twice_as_long(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """A job grows with its rows, give or take a quarter."""
        sandbox.change(job_duration_s=100)
        job_id = bodies.submit(klaviyo, bodies.people(10_000))
        sandbox.advance(149)
        before = attributes_of(klaviyo, job_id)["status"]
        sandbox.advance(102)

        assert (before, attributes_of(klaviyo, job_id)["status"]) == ("processing", "complete")

    def test_a_list_deleted_meanwhile_does_not_matter(
        self, klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str
    ) -> None:
        """The people are imported all the same."""
        job_id = bodies.submit(klaviyo, bodies.people(1), list_id)
        klaviyo.delete(f"/api/lists/{list_id}")
        sandbox.advance(60)

        assert attributes_of(klaviyo, job_id)["status"] == "complete"
        assert len(sandbox.profiles()) == 1


class TestListing:
    """All jobs."""

    def test_newest_first(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """Jobs can be read by the time of their creation, both ways, over pages."""
        made = []
        for _ in range(5):
            made.append(bodies.submit(klaviyo, bodies.people(1)))
            sandbox.advance(1)
        newest = bodies.all_pages(klaviyo, JOBS, sort="-created_at", **{"page[size]": 2})

        assert [job["id"] for job in newest] == made[::-1]
        assert ids_of(klaviyo.get(JOBS)) == made

    def test_by_status(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """Those that are complete are parted from those that are not."""
        done = bodies.complete(sandbox, klaviyo, bodies.people(1))
        open_job = bodies.submit(klaviyo, bodies.people(1))

        def found(question: str) -> list[str]:
            return ids_of(klaviyo.get(JOBS, params={"filter": question}))

        assert found('equals(status,"complete")') == [done]
        assert found('any(status,["queued","processing"])') == [open_job]
        assert klaviyo.get(JOBS, params={"filter": 'equals(status,"cancelled")'}).status_code == 400

    def test_a_hundred_at_most(self, klaviyo: httpx.Client) -> None:
        """A page holds up to a hundred jobs."""
        assert klaviyo.get(JOBS, params={"page[size]": 100}).status_code == 200
        assert klaviyo.get(JOBS, params={"page[size]": 101}).status_code == 400


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


class TestErrors:
    """Rows that fail."""

    def test_a_row_that_is_too_large(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """Above 100 kB a row fails inside the job, and the others are imported."""
        [large] = rows({"email": "large@example.com", "properties": {"x": "y" * 100_000}})
        [fits] = rows({"email": "fits@example.com", "properties": {"x": "y" * 99_000}})
        job_id = bodies.complete(sandbox, klaviyo, [*bodies.people(1), large, fits])
        [error] = klaviyo.get(f"{JOBS}/{job_id}/import-errors").json()["data"]

        assert [truth["email"] for truth in sandbox.profiles()] == ["p00000@example.com", "fits@example.com"]
        assert attributes_of(klaviyo, job_id)["failed_count"] == 1
        assert error["attributes"]["source"] == {"pointer": f"{ROWS_AT}/1"}
        assert error["attributes"]["original_payload"] == large

    def test_rows_that_were_ordered_to_fail(self, klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str) -> None:
        """By index and by address, with the code that was ordered; they are not imported."""
        sandbox.order_fault(FailRows(indexes=(0,), emails=("P00002@example.com",), code="bounced", detail="No."))
        job_id = bodies.complete(sandbox, klaviyo, bodies.people(4), list_id)
        failed = klaviyo.get(f"{JOBS}/{job_id}/import-errors").json()["data"]

        assert [error["attributes"]["code"] for error in failed] == ["bounced"] * 2
        assert [error["attributes"]["source"]["pointer"] for error in failed] == [f"{ROWS_AT}/0", f"{ROWS_AT}/2"]
        assert [member["email"] for member in sandbox.members(list_id)] == ["p00001@example.com", "p00003@example.com"]

    def test_errors_may_say_less(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """Pointer and payload may be missing: a client cannot count on them."""
        sandbox.order_fault(FailRows(indexes=(0,), with_pointer=False, with_payload=False))
        job_id = bodies.complete(sandbox, klaviyo, bodies.people(1))
        [error] = klaviyo.get(f"{JOBS}/{job_id}/import-errors").json()["data"]

        assert (error["attributes"]["source"], error["attributes"]["original_payload"]) == ({}, None)

    def test_rows_that_were_ordered_to_lose_a_field(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """They are imported without it and the answer says so, except for whom nothing else identifies."""
        sandbox.order_fault(DropFields(indexes=(0, 1)))
        numbers = [{"phone_number": "+37120000001"}, {"external_id": "c-1", "phone_number": "+37120000002"}]
        answer = klaviyo.post(JOBS, json=bodies.bulk(rows(*numbers)))
        sandbox.advance(60)

        assert answer.headers["x-klaviyo-partial-failure"] == "phone_number"
        assert [truth["phone_number"] for truth in sandbox.profiles()] == ["+37120000001", None]

    def test_errors_are_paged(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """More than a page of them can be read, in the order of their rows."""
        sandbox.order_fault(FailRows(indexes=tuple(range(250))))
        job_id = bodies.complete(sandbox, klaviyo, bodies.people(300))
        found = bodies.all_pages(klaviyo, f"{JOBS}/{job_id}/import-errors", **{"page[size]": 100})

        assert [error["attributes"]["source"]["pointer"] for error in found] == [
            f"{ROWS_AT}/{index}" for index in range(250)
        ]

    @pytest.mark.parametrize(
        ("ending", "status"),
        [("cancelled", "cancelled"), ("stuck_queued", "queued"), ("stuck_processing", "processing")],
    )
    def test_jobs_that_do_not_complete(
        self, klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str, ending: Any, status: str
    ) -> None:
        """They stay as they were ordered to, however long one waits, with a part of their rows applied."""
        sandbox.order_fault(EndBulkJob(ending, applied_share=0.5))
        job_id = bodies.submit(klaviyo, bodies.people(10), list_id)
        sandbox.advance(86_400)

        assert attributes_of(klaviyo, job_id)["status"] == status
        assert len(sandbox.members(list_id)) == 5

    def test_a_job_that_is_gone_at_once(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """It does its work, and nobody can ask it."""
        sandbox.order_fault(EndBulkJob("expired"))
        job_id = bodies.complete(sandbox, klaviyo, bodies.people(10))

        assert klaviyo.get(f"{JOBS}/{job_id}").status_code == 404
        assert len(sandbox.profiles()) == 10


def test_the_people_of_a_job_can_be_read(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Those it made and those it changed, by id, with cursors that count pages."""
    bodies.create(klaviyo, email="p00000@example.com")
    job_id = bodies.complete(sandbox, klaviyo, bodies.people(150))
    path = f"{JOBS}/{job_id}/profiles"
    fields: Json = {"fields[profile]": "email", "page[size]": 100}
    found = bodies.all_pages(klaviyo, path, **fields)
    cursor = klaviyo.get(path, params=fields).json()["links"]["next"].partition("Bcursor%5D=")[2]

    assert [one["attributes"] for one in found] == [{"email": f"p{number:05}@example.com"} for number in range(150)]
    assert re.fullmatch(r"next::01\w{24}::2", base64.urlsafe_b64decode(cursor + "==").decode())
    assert len(ids_of(klaviyo.get(f"{JOBS}/{job_id}/relationships/profiles"))) == 20


def test_drifted_addresses_make_duplicates(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """An external id is not used for merging: a new address is a new person with the same external id."""
    bodies.complete(sandbox, klaviyo, rows({"email": "old@example.com", "external_id": "c-1"}))
    bodies.complete(sandbox, klaviyo, rows({"email": "new@example.com", "external_id": "c-1"}))

    assert len(ids_of(klaviyo.get(PROFILES, params={"filter": 'equals(external_id,"c-1")'}))) == 2

"""Bulk imports as jobs: what becomes of them, and how they and their people are read."""

from __future__ import annotations

import base64
import re
from datetime import datetime

import httpx

from klaviyo_assets.sandbox import FailRows, RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import JOBS, Json, attributes_of, error_of, ids_of, rows


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

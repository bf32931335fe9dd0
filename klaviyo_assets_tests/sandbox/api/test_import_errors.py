"""Rows that fail inside a bulk job, are imported in part, or are never come to."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from klaviyo_assets.sandbox import DropFields, EndBulkJob, FailRows, RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import JOBS, ROWS_AT, attributes_of, rows


def test_a_row_that_is_too_large(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Above 100 kB a row fails inside the job, and the others are imported."""
    [large] = rows({"email": "large@example.com", "properties": {"x": "y" * 100_000}})
    [fits] = rows({"email": "fits@example.com", "properties": {"x": "y" * 99_000}})
    job_id = bodies.complete(sandbox, klaviyo, [*bodies.people(1), large, fits])
    [error] = klaviyo.get(f"{JOBS}/{job_id}/import-errors").json()["data"]

    assert [truth["email"] for truth in sandbox.profiles()] == ["p00000@example.com", "fits@example.com"]
    assert attributes_of(klaviyo, job_id)["failed_count"] == 1
    assert error["attributes"]["source"] == {"pointer": f"{ROWS_AT}/1"}
    assert error["attributes"]["original_payload"] == large


def test_rows_that_were_ordered_to_fail(klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str) -> None:
    """By index and by address, with the code that was ordered; they are not imported."""
    sandbox.order_fault(FailRows(indexes=(0,), emails=("P00002@example.com",), code="bounced", detail="No."))
    job_id = bodies.complete(sandbox, klaviyo, bodies.people(4), list_id)
    failed = klaviyo.get(f"{JOBS}/{job_id}/import-errors").json()["data"]

    assert [error["attributes"]["code"] for error in failed] == ["bounced"] * 2
    assert [error["attributes"]["source"]["pointer"] for error in failed] == [f"{ROWS_AT}/0", f"{ROWS_AT}/2"]
    assert [member["email"] for member in sandbox.members(list_id)] == ["p00001@example.com", "p00003@example.com"]


def test_errors_may_say_less(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Pointer and payload may be missing: a client cannot count on them."""
    sandbox.order_fault(FailRows(indexes=(0,), with_pointer=False, with_payload=False))
    job_id = bodies.complete(sandbox, klaviyo, bodies.people(1))
    [error] = klaviyo.get(f"{JOBS}/{job_id}/import-errors").json()["data"]

    assert (error["attributes"]["source"], error["attributes"]["original_payload"]) == ({}, None)


def test_rows_that_were_ordered_to_lose_a_field(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """They are imported without it and the answer says so, except for whom nothing else identifies."""
    sandbox.order_fault(DropFields(indexes=(0, 1)))
    numbers = [{"phone_number": "+37120000001"}, {"external_id": "c-1", "phone_number": "+37120000002"}]
    answer = klaviyo.post(JOBS, json=bodies.bulk(rows(*numbers)))
    sandbox.advance(60)

    assert answer.headers["x-klaviyo-partial-failure"] == "phone_number"
    assert [truth["phone_number"] for truth in sandbox.profiles()] == ["+37120000001", None]


def test_errors_are_paged(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
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
    klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str, ending: Any, status: str
) -> None:
    """They stay as they were ordered to, however long one waits, with a part of their rows applied."""
    sandbox.order_fault(EndBulkJob(ending, applied_share=0.5))
    job_id = bodies.submit(klaviyo, bodies.people(10), list_id)
    sandbox.advance(86_400)

    assert attributes_of(klaviyo, job_id)["status"] == status
    assert len(sandbox.members(list_id)) == 5


def test_a_job_that_is_gone_at_once(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """It does its work, and nobody can ask it."""
    sandbox.order_fault(EndBulkJob("expired"))
    job_id = bodies.complete(sandbox, klaviyo, bodies.people(10))

    assert klaviyo.get(f"{JOBS}/{job_id}").status_code == 404
    assert len(sandbox.profiles()) == 10

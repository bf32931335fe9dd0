"""Klaviyo's verbs, against a local Klaviyo."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from klaviyo_assets.errors import NotFound, RowsRefused, Unavailable, UnexpectedAnswer, UnknownList
from klaviyo_assets.frames import MEMBERS
from klaviyo_assets.klaviyo import BulkJob, Client, connect, render_body
from klaviyo_assets.sandbox import AlterAnswer, DropConnection, EndBulkJob, FailRows, Flow, RunningSandbox
from klaviyo_assets_tests.klaviyo.answering import answering

ADA, EVE = "ada@example.com", "eve+1@example.com"


def crowd(count: int) -> list[str]:
    """So many addresses."""
    return [f"p{number}@example.com" for number in range(count)]


def imported(client: Client, people: dict[str, dict[str, Any]], list_id: str | None = None) -> BulkJob:
    """A bulk job that brings these people, with these attributes."""
    rows = [{"type": "profile", "attributes": {"email": email, **facts}} for email, facts in people.items()]
    frame = pl.DataFrame({"payload": [json.dumps(row) for row in rows], "unset": None})
    return client.submit_body(render_body(frame.cast(pl.String), list_id=list_id))


def test_account(client: Client, sandbox: RunningSandbox) -> None:
    """The key tells whose account it is, also where the account has no name."""
    assert client.fetch_account().id == sandbox.account_id
    assert client.fetch_account().name
    sandbox.order_fault(AlterAnswer({"/data/0/attributes/contact_information": None}))
    assert client.fetch_account().name == ""


def test_list_and_its_members_count(client: Client, sandbox: RunningSandbox) -> None:
    """A list is known by its id, and counted only where that is asked for."""
    list_id = sandbox.create_list("VIP")
    sandbox.put_on_list(list_id, [ADA, EVE])

    assert (client.fetch_list(list_id).name, client.fetch_list(list_id).member_count) == ("VIP", None)
    assert client.fetch_list(list_id, count=True).member_count == 2


@pytest.mark.parametrize("list_id", ["Nope01", "../accounts", "a b/?#"])
def test_unknown_list(client: Client, list_id: str) -> None:
    """A list that is not there is an error that says where ids are found, whatever stands in the id."""
    with pytest.raises(UnknownList, match="copy the list's id") as raised:
        client.fetch_list(list_id)
    assert raised.value.request_id


def test_lists_are_found_by_their_very_name(client: Client, sandbox: RunningSandbox) -> None:
    """All lists of a name are found, from all pages, and none of another."""
    same = {sandbox.create_list('The "best" & more') for _ in range(11)}
    sandbox.create_list("The best")

    assert {found.id for found in client.find_lists('The "best" & more')} == same
    assert client.find_lists("nobody's") == []


def test_a_list_is_created_once(client: Client, sandbox: RunningSandbox) -> None:
    """A new list has its name; and where the answer is lost it is not created again."""
    assert client.create_list("Jaunā ✨") == client.find_lists("Jaunā ✨")[0]
    sandbox.order_fault(DropConnection(after_work=True), method="POST")
    with pytest.raises(Unavailable):
        client.create_list("VIP")

    assert len(client.find_lists("VIP")) == 1


def test_live_flows_are_named(client: Client, sandbox: RunningSandbox) -> None:
    """Only flows that would start are named."""
    flows = (Flow("F2", "Welcome"), Flow("F1", "A gift"), Flow("F3", "Draft", "draft"), Flow("F4", "Old", "live", True))

    assert client.fetch_live_flows(sandbox.create_list("VIP", flows=flows)) == ["A gift", "Welcome"]
    assert client.fetch_live_flows(sandbox.create_list("Quiet")) == []


@pytest.mark.parametrize("count", [0, 1, 100, 201])
def test_members_are_read_from_all_pages(client: Client, sandbox: RunningSandbox, count: int) -> None:
    """Everybody on the list is read, once, with the day on which they joined."""
    list_id = sandbox.create_list("VIP")
    sandbox.put_on_list(list_id, crowd(count))
    pages = list(client.read_members(list_id))

    members = pl.concat(pages)
    assert members.schema == MEMBERS
    assert sorted(members["email"]) == sorted(crowd(count))
    assert members["joined_at"].null_count() == 0
    assert len(pages) == max(1, -(-count // 100))


def test_members_are_found_by_address(client: Client, sandbox: RunningSandbox) -> None:
    """Of any number of addresses those on the list are found, also with signs that an address must escape."""
    list_id = sandbox.create_list("VIP")
    sandbox.put_on_list(list_id, [EVE, *crowd(150)])
    sandbox.put_on_list(sandbox.create_list("Other"), [ADA])
    found = client.find_members(list_id, pl.Series([ADA, EVE, *crowd(260)]))

    assert set(found["email"]) == {EVE, *crowd(150)}
    nobody = client.find_members(list_id, pl.Series([], dtype=pl.String))
    assert (nobody.height, nobody.schema) == (0, MEMBERS)


def test_profiles_are_found_by_address_and_external_id(client: Client, sandbox: RunningSandbox) -> None:
    """Whoever is in the account is found, on a list or not, without a day of joining."""
    imported(client, {ADA: {"external_id": 'a"1,'}, EVE: {}})
    sandbox.advance(60)

    assert client.find_profiles(pl.Series(['a"1,', "x"]), by="external_id")["email"].to_list() == [ADA]
    found = client.find_profiles(pl.Series([EVE, "x@example.com"]), by="email")
    assert found.select("email", "joined_at").rows() == [(EVE, None)]


def test_members_are_removed(client: Client, sandbox: RunningSandbox) -> None:
    """Who is named leaves the list, and stays off it when named again; an unknown list is an error."""
    list_id = sandbox.create_list("VIP")
    sandbox.put_on_list(list_id, [ADA, EVE])
    ids = client.find_members(list_id, pl.Series([ADA]))["profile_id"]
    client.remove_members(list_id, ids)
    client.remove_members(list_id, ids)

    assert [member["email"] for member in sandbox.members(list_id)] == [EVE]
    with pytest.raises(NotFound):
        client.remove_members("Nope01", ids)


def test_fields_are_emptied_and_others_stay(client: Client, sandbox: RunningSandbox) -> None:
    """Only the fields that are named are emptied, also one part of the location."""
    facts = {"first_name": "Ada", "title": "x", "location": {"city": "Riga", "country": "LV"}, "properties": {"t": 1}}
    imported(client, {ADA: facts})
    sandbox.advance(60)
    client.clear_fields(ADA, ["first_name", "location.city"])

    profile = sandbox.profiles()[0]
    attributes = {name: value for name, value in profile["attributes"].items() if value}
    assert attributes.get("first_name") is None
    assert attributes["title"] == "x"
    assert {name: value for name, value in attributes["location"].items() if value} == {"country": "LV"}
    assert profile["properties"] == {"t": 1}


def test_a_bulk_job_is_followed_to_its_end(client: Client, sandbox: RunningSandbox) -> None:
    """A body becomes a bulk job, which is found by its id and among the last ones, and puts its people on the list."""
    list_id = sandbox.create_list("VIP")
    job = imported(client, {email: {} for email in crowd(120)}, list_id)
    assert (job.is_over, job.total_count, job.list_ids, job.dropped) == (False, 120, (list_id,), None)
    sandbox.advance(60)

    ended = client.fetch_bulk_job(job.id)
    assert ended is not None
    assert (ended.status, ended.completed_count, ended.failed_count) == ("complete", 120, 0)
    assert client.fetch_failed_rows(job.id) == []
    assert sorted(pl.concat(client.read_imported(job.id))["email"]) == sorted(crowd(120))
    assert len(sandbox.members(list_id)) == 120


def test_what_klaviyo_left_out_is_known_of_the_bulk_job() -> None:
    """The field that the answer to a body names stands beside its bulk job."""
    facts = {"status": "queued", "created_at": "2026-11-23T12:00:00+00:00"}
    body = json.dumps({"data": {"id": "J", "attributes": facts}}).encode()
    with (
        answering(202, {"x-klaviyo-partial-failure": "phone_number"}, body) as server,
        connect(api_key="pk_1", api_url=server.url) as client,
    ):
        assert client.submit_body(b"{}").dropped == "phone_number"


def test_recent_bulk_jobs_are_listed_back_to_a_day(client: Client, sandbox: RunningSandbox) -> None:
    """Jobs stand newest first, from all pages, and older ones than was asked for are left out."""
    jobs = []
    for _ in range(103):
        jobs.append(imported(client, {ADA: {}}).id)
        sandbox.advance(10)
    everything = list(client.fetch_recent_bulk_jobs(since=datetime(2000, 1, 1, tzinfo=UTC)))
    assert [job.id for job in everything] == jobs[::-1]

    since = everything[4].created_at - timedelta(seconds=1)
    assert [job.id for job in client.fetch_recent_bulk_jobs(since=since)] == jobs[:-6:-1]


def test_a_bulk_job_that_klaviyo_forgot_is_none(client: Client, sandbox: RunningSandbox) -> None:
    """After its time a bulk job is known no longer, and whom it brought cannot be asked for."""
    sandbox.order_fault(EndBulkJob("expired"))
    job = imported(client, {ADA: {}})
    sandbox.advance(60)

    assert client.fetch_bulk_job(job.id) is None
    with pytest.raises(NotFound):
        list(client.read_imported(job.id))


def test_failed_rows_come_from_all_pages(client: Client, sandbox: RunningSandbox) -> None:
    """Every row that failed is told, with its place and its address."""
    sandbox.order_fault(FailRows(indexes=tuple(range(110)), code="odd"))
    job = imported(client, {email: {} for email in crowd(120)})
    sandbox.advance(60)
    failed = client.fetch_failed_rows(job.id)

    assert sorted(str(row.email) for row in failed) == sorted(crowd(110))
    assert {row.refusal.index for row in failed if row.refusal} == set(range(110))
    assert {row.code for row in failed} == {"odd"}


def test_a_body_that_klaviyo_refuses_names_its_rows(client: Client) -> None:
    """A row that is wrong is told by its place in the body."""
    with pytest.raises(RowsRefused) as raised:
        imported(client, {ADA: {}, "no address": {}})
    assert [(row.index, row.field) for row in raised.value.rows] == [(1, "email")]


def test_an_unheard_of_status_is_no_end(client: Client, sandbox: RunningSandbox) -> None:
    """What Klaviyo may add is passed over, and not taken for an end."""
    job = imported(client, {ADA: {}})
    sandbox.order_fault(AlterAnswer({"/data/attributes/status": "paused", "/data/attributes/unheard_of": [1]}))

    found = client.fetch_bulk_job(job.id)
    assert found is not None
    assert (found.status, found.is_over) == ("paused", False)


@pytest.mark.parametrize("kind", ["members", "lists"])
def test_the_key_does_not_follow_a_link_elsewhere(client: Client, sandbox: RunningSandbox, kind: str) -> None:
    """A next page on another host is not asked for, whatever is read."""
    list_id = sandbox.create_list("VIP")
    sandbox.order_fault(AlterAnswer({"/links/next": "https://evil.example/api/lists"}), method="GET")

    with pytest.raises(UnexpectedAnswer, match="the key is not sent there"):
        list(client.read_members(list_id)) if kind == "members" else client.find_lists("VIP")


def test_a_person_is_deleted(client: Client, sandbox: RunningSandbox) -> None:
    """Klaviyo deletes whom it is asked to, and whether it knew them is told; no error holds the address."""
    list_id = sandbox.create_list("VIP")
    sandbox.put_on_list(list_id, [ADA, EVE])

    assert client.request_deletion(EVE)
    assert [member["email"] for member in sandbox.members(list_id)] == [ADA]
    assert not client.request_deletion(EVE)

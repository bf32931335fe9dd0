"""The official Python SDK as a judge: it parses every answer into strict models, and knows nothing of the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pydantic
import pytest
from openapi_client.exceptions import ApiException

from klaviyo_assets.sandbox import AlterAnswer, EndBulkJob, FailRows, RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import JOBS, Json

BOB = "bob@example.com"
NUMBER = "+37120000001"


def refusal(refused: pytest.ExceptionInfo[ApiException]) -> tuple[int, Json]:
    """The status that it was told, and the only error."""
    [error] = json.loads(refused.value.body or "")["errors"]
    return refused.value.status, error


def test_accounts(sdk: Any, sandbox: RunningSandbox) -> None:
    """It reads whose key it is."""
    [account] = sdk.Accounts.get_accounts().data

    assert account.id == sandbox.account_id
    assert sdk.Accounts.get_account(sandbox.account_id).data.attributes.public_api_key == sandbox.account_id


def test_lists_are_made_renamed_and_deleted(sdk: Any, sandbox: RunningSandbox) -> None:
    """It takes a list through its life."""
    list_id = sdk.Lists.create_list(bodies.a_list("First")).data.id
    renamed = {"data": {"type": "list", "id": list_id, "attributes": {"name": "Second"}}}

    assert sdk.Lists.update_list(list_id, renamed).data.attributes.name == "Second"
    assert sdk.Lists.get_list(list_id, additional_fields_list=["profile_count"]).data.attributes.profile_count == 0
    sdk.Lists.delete_list(list_id)
    with pytest.raises(ApiException) as refused:
        sdk.Lists.get_list(list_id)
    assert refused.value.status == 404


def test_lists_are_paged_by_its_own_cursors(sdk: Any, sandbox: RunningSandbox) -> None:
    """It reads 23 lists in three pages, sending each `next` back in its own way."""
    made = {sandbox.create_list(f"List {number}") for number in range(23)}
    page = sdk.Lists.get_lists()
    seen = [page.data]
    while page.links.next:
        page = sdk.Lists.get_lists(page_cursor=page.links.next)
        seen.append(page.data)

    assert [len(each) for each in seen] == [10, 10, 3]
    assert {one.id for each in seen for one in each} == made


def test_a_cursor_cut_out_of_the_link_keeps_its_equals_sign(sdk: Any, sandbox: RunningSandbox) -> None:
    """A cursor with a leading `=`, as the SDK cuts it out of an https address, is understood."""
    for number in range(11):
        sandbox.create_list(f"List {number}")
    cursor = sdk.Lists.get_lists().links.next.partition("page%5Bcursor%5D")[2]

    assert cursor.startswith("=")
    assert len(sdk.Lists.get_lists(page_cursor=cursor).data) == 1


def test_bulk_import_onto_a_list(sdk: Any, sandbox: RunningSandbox) -> None:
    """It imports 150 people onto a list, follows the job, and reads who they are."""
    list_id = sandbox.create_list("VIP")
    job_id = sdk.Profiles.bulk_import_profiles(bodies.bulk(bodies.people(150), list_id)).data.id
    assert sdk.Profiles.get_bulk_import_profiles_job(job_id).data.attributes.status == "queued"
    sandbox.advance(60)

    job = sdk.Profiles.get_bulk_import_profiles_job(job_id, include=["lists"])
    assert (job.data.attributes.status, job.data.attributes.completed_count) == ("complete", 150)
    assert [included.id for included in job.included] == [list_id]
    assert sdk.Profiles.get_errors_for_bulk_import_profiles_job(job_id).data == []
    assert len(sdk.Profiles.get_profiles_for_bulk_import_profiles_job(job_id, page_size=100).data) == 100
    assert len(sdk.Profiles.get_profile_ids_for_bulk_import_profiles_job(job_id).data) == 20
    assert [one.id for one in sdk.Profiles.get_list_for_bulk_import_profiles_job(job_id).data] == [list_id]
    assert [one.id for one in sdk.Profiles.get_list_ids_for_bulk_import_profiles_job(job_id).data] == [list_id]


def test_bulk_jobs_are_listed(sdk: Any, sandbox: RunningSandbox) -> None:
    """It lists 25 jobs, newest first, in pages of ten."""
    for number in range(25):
        sdk.Profiles.bulk_import_profiles(bodies.bulk(bodies.rows({"email": f"{number}@example.com"})))
        sandbox.advance(10)
    first = sdk.Profiles.get_bulk_import_profiles_jobs(sort="-created_at", page_size=10)
    second = sdk.Profiles.get_bulk_import_profiles_jobs(sort="-created_at", page_size=10, page_cursor=first.links.next)
    created = [job.attributes.created_at for job in [*first.data, *second.data]]

    assert created == sorted(created, reverse=True)
    assert len(set(created)) == 20


def test_a_bad_row_refuses_a_bulk_import(sdk: Any, sandbox: RunningSandbox) -> None:
    """It is told by 400 which row it is, and finds no job."""
    with pytest.raises(ApiException) as refused:
        sdk.Profiles.bulk_import_profiles(bodies.bulk([*bodies.people(2), *bodies.rows({"email": "no"})]))

    status, error = refusal(refused)
    assert (status, error["source"]) == (400, {"pointer": "/data/attributes/profiles/data/2/attributes/email"})
    assert sdk.Profiles.get_bulk_import_profiles_jobs().data == []


def test_rows_that_were_imported_in_part(sdk: Any, sandbox: RunningSandbox) -> None:
    """It finds in a header what they were imported without."""
    sandbox.change(malformed_phone="partial")
    rows = bodies.rows({"email": "ann@example.com", "phone_number": "+1234"})
    answer = sdk.Profiles.bulk_import_profiles_with_http_info(bodies.bulk(rows))

    assert (answer.status_code, answer.data.data.attributes.status) == (202, "queued")
    assert answer.headers["x-klaviyo-partial-failure"] == "phone_number"


def test_import_errors_are_read_by_the_page(sdk: Any, sandbox: RunningSandbox) -> None:
    """It reads 45 of them in three pages: what was wrong, with which row, and what the row said."""
    sandbox.order_fault(FailRows(indexes=tuple(range(45)), code="invalid", detail="No."))
    job_id = sdk.Profiles.bulk_import_profiles(bodies.bulk(bodies.people(50))).data.id
    sandbox.advance(60)
    page = sdk.Profiles.get_errors_for_bulk_import_profiles_job(job_id)
    found = [page.data]
    while page.links.next:
        page = sdk.Profiles.get_errors_for_bulk_import_profiles_job(job_id, page_cursor=page.links.next)
        found.append(page.data)
    last = found[-1][-1].attributes

    assert [len(each) for each in found] == [20, 20, 5]
    assert (last.code, last.detail, last.source.pointer) == ("invalid", "No.", "/data/attributes/profiles/data/44")
    assert last.original_payload == bodies.people(45)[44]
    assert sdk.Profiles.get_bulk_import_profiles_job(job_id).data.attributes.failed_count == 45


def test_import_errors_that_say_less(sdk: Any, sandbox: RunningSandbox) -> None:
    """Where no row is named, it takes the documented default for a pointer."""
    sandbox.order_fault(FailRows(indexes=(0,), with_pointer=False, with_payload=False))
    job_id = sdk.Profiles.bulk_import_profiles(bodies.bulk(bodies.people(1))).data.id
    sandbox.advance(60)
    [error] = sdk.Profiles.get_errors_for_bulk_import_profiles_job(job_id).data

    assert (error.attributes.source.pointer, error.attributes.original_payload) == ("/data", None)


def test_a_job_that_was_cancelled(sdk: Any, sandbox: RunningSandbox) -> None:
    """It knows the status, although no filter does."""
    sandbox.order_fault(EndBulkJob("cancelled"))
    job_id = sdk.Profiles.bulk_import_profiles(bodies.bulk(bodies.people(1))).data.id
    sandbox.advance(60)

    assert sdk.Profiles.get_bulk_import_profiles_job(job_id).data.attributes.status == "cancelled"


def test_it_is_a_strict_judge(sdk: Any, sandbox: RunningSandbox) -> None:
    """A status that it does not know, and it reads nothing at all."""
    sandbox.order_fault(AlterAnswer({"/data/attributes/status": "on_hold"}), path=JOBS)
    with pytest.raises(pydantic.ValidationError, match="on_hold"):
        sdk.Profiles.bulk_import_profiles(bodies.bulk(bodies.people(1)))


def test_members_are_paged_by_its_own_cursors(sdk: Any, sandbox: RunningSandbox) -> None:
    """It reads 130 members, by id and as they are, and knows since when they are members."""
    list_id = sandbox.create_list("VIP")
    sandbox.put_on_list(list_id, [f"p{number:03}@example.com" for number in range(130)])
    first = sdk.Lists.get_profile_ids_for_list(list_id, page_size=100)
    second = sdk.Lists.get_profile_ids_for_list(list_id, page_size=100, page_cursor=first.links.next)
    [member] = sdk.Lists.get_profiles_for_list(list_id, page_size=1, sort="-joined_group_at").data

    assert (len(first.data), len(second.data), second.links.next) == (100, 30, None)
    assert [one.id for one in first.data + second.data] == [truth["profile_id"] for truth in sandbox.members(list_id)]
    assert member.attributes.joined_group_at.tzinfo is not None
    assert member.attributes.email.endswith("@example.com")


def test_members_are_read_and_removed(sdk: Any, sandbox: RunningSandbox) -> None:
    """It reads the members of a list, adds one by id and removes another."""
    list_id, other = sandbox.create_list("VIP"), sandbox.create_list("Other")
    sandbox.put_on_list(list_id, [f"{number}@example.com" for number in range(5)])
    sandbox.put_on_list(other, ["new@example.com"])
    [new] = sdk.Lists.get_profile_ids_for_list(other).data
    members = sdk.Lists.get_profiles_for_list(list_id, additional_fields_profile=["subscriptions"]).data

    sdk.Lists.remove_profiles_from_list(list_id, bodies.ids([members[0].id]))
    sdk.Lists.add_profiles_to_list(list_id, bodies.ids([new.id]))
    left = {member.id for member in sdk.Lists.get_profile_ids_for_list(list_id, page_size=100).data}
    assert left == {member.id for member in members[1:]} | {new.id}


def test_profiles_are_created_updated_and_imported(sdk: Any, sandbox: RunningSandbox) -> None:
    """It creates a profile, changes it, imports over it, and finds it."""
    made = sdk.Profiles.create_profile(bodies.a_profile(email="ann@example.com", first_name="Ann")).data
    sdk.Profiles.update_profile(made.id, bodies.a_profile(made.id, last_name="Berg"))
    sdk.Profiles.create_or_update_profile(bodies.a_profile(email="ann@example.com", first_name=None))
    [found] = sdk.Profiles.get_profiles(filter='equals(email,"ann@example.com")').data

    assert (found.id, found.attributes.first_name, found.attributes.last_name) == (made.id, None, "Berg")
    assert sdk.Profiles.get_profile(made.id).data.attributes.email == "ann@example.com"


@pytest.mark.parametrize("removed", [["member"], ["stranger"], ["member", "stranger"]], ids="+".join)
def test_whoever_is_removed_need_not_be_on_the_list(sdk: Any, sandbox: RunningSandbox, removed: list[str]) -> None:
    """It removes in one call members and others, twice if need be."""
    list_id = sandbox.create_list("VIP")
    sandbox.put_on_list(list_id, ["member@example.com"])
    sandbox.put_on_list(sandbox.create_list("Other"), ["stranger@example.com"])
    ids = {truth["email"].partition("@")[0]: truth["profile_id"] for truth in sandbox.profiles()}
    for _ in range(2):
        assert sdk.Lists.remove_profiles_from_list(list_id, bodies.ids(ids[name] for name in removed)) is None

    assert len(sandbox.members(list_id)) == ("member" not in removed)


def test_who_cannot_be_removed(sdk: Any, sandbox: RunningSandbox) -> None:
    """It is told by 404 whom Klaviyo does not know, and by 400 that they are too many."""
    list_id = sandbox.create_list("VIP")
    with pytest.raises(ApiException) as refused:
        sdk.Lists.remove_profiles_from_list(list_id, bodies.ids(["NOPE01"]))
    with pytest.raises(ApiException) as too_many:
        sdk.Lists.remove_profiles_from_list(list_id, bodies.ids(["NOPE01"] * 1001))

    status, error = refusal(refused)
    assert (status, error["detail"]) == (404, "A profile with id NOPE01 does not exist.")
    assert refusal(too_many)[0] == 400


@pytest.mark.parametrize("way", ["update", "import"])
def test_nulls_clear(sdk: Any, sandbox: RunningSandbox, way: str) -> None:
    """It sends None as null, which clears: a field, a number, a key of location or properties; the rest stays."""
    full: Json = {"title": "Dr", "phone_number": NUMBER, "location": {"city": "Riga", "country": "Latvia"}}
    made = sdk.Profiles.create_profile(bodies.a_profile(email="ann@example.com", first_name="Ann", **full)).data
    nulls: Json = {"title": None, "phone_number": None, "location": {"city": None}}
    if way == "update":
        changed = sdk.Profiles.update_profile(made.id, bodies.a_profile(made.id, **nulls)).data
    else:
        changed = sdk.Profiles.create_or_update_profile(bodies.a_profile(email="ann@example.com", **nulls)).data
    told = changed.attributes

    assert (changed.id, told.title, told.phone_number, told.location.city) == (made.id, None, None, None)
    assert (told.email, told.first_name, told.location.country) == ("ann@example.com", "Ann", "Latvia")


@pytest.mark.parametrize(
    "write",
    [
        lambda sdk, bob: sdk.Profiles.create_profile(bodies.a_profile(phone_number=NUMBER)),
        lambda sdk, bob: sdk.Profiles.update_profile(bob, bodies.a_profile(bob, phone_number=NUMBER)),
        lambda sdk, bob: sdk.Profiles.create_or_update_profile(bodies.a_profile(email=BOB, phone_number=NUMBER)),
    ],
    ids=["create", "update", "import"],
)
def test_a_duplicate_profile_is_a_conflict(sdk: Any, sandbox: RunningSandbox, write: Callable[..., Any]) -> None:
    """It is told by 409 which profile has the identifier already, however it writes."""
    ann = sdk.Profiles.create_profile(bodies.a_profile(email="ann@example.com", phone_number=NUMBER)).data.id
    bob = sdk.Profiles.create_profile(bodies.a_profile(email=BOB)).data.id
    with pytest.raises(ApiException) as refused:
        write(sdk, bob)

    status, error = refusal(refused)
    assert (status, error["code"], error["meta"]) == (409, "duplicate_profile", {"duplicate_profile_id": ann})

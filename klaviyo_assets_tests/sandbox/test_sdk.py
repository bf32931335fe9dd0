"""The official Python SDK as a judge: it parses every answer into strict models, and knows nothing of the sandbox."""

from __future__ import annotations

from typing import Any

import klaviyo_api  # type: ignore[import-untyped]
import pytest
from openapi_client.exceptions import ApiException

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.sandbox import bodies


@pytest.fixture
def sdk(sandbox: RunningSandbox) -> Any:
    """The SDK, pointed at the sandbox; it tries once."""
    return klaviyo_api.KlaviyoAPI(sandbox.key, max_retries=1, test_host=sandbox.url)


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


def test_a_duplicate_profile_is_a_conflict(sdk: Any, sandbox: RunningSandbox) -> None:
    """It is told by 409 that a profile is there already."""
    sdk.Profiles.create_profile(bodies.a_profile(email="ann@example.com"))
    with pytest.raises(ApiException) as refused:
        sdk.Profiles.create_profile(bodies.a_profile(email="ann@example.com"))

    assert refused.value.status == 409

"""A call of the official SDK for each endpoint: whatever the sandbox answers, the SDK's strict models take it.

What comes of such calls is in `test_sdk.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets.sandbox.api.endpoints import ENDPOINTS, Endpoint
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.asked import Ids, a_little_of_everything
from klaviyo_assets_tests.sandbox.bodies import DELETIONS, IMPORT, JOBS, LISTS, PROFILES

Ask = Callable[[Any, Ids], Any]
MORE = ["subscriptions", "predictive_analytics"]
ONE_LIST, ONE_JOB, ONE_PROFILE = f"{LISTS}/{{id}}", f"{JOBS}/{{id}}", f"{PROFILES}/{{id}}"
MEMBERS = f"{ONE_LIST}/relationships/profiles"

CALLS: dict[tuple[str, str], Ask] = {
    ("GET", "/api/accounts"): lambda sdk, ids: sdk.Accounts.get_accounts(),
    ("GET", "/api/accounts/{id}"): lambda sdk, ids: sdk.Accounts.get_account(ids["account"]),
    ("GET", LISTS): lambda sdk, ids: sdk.Lists.get_lists(include=["flow-triggers", "tags"]),
    ("POST", LISTS): lambda sdk, ids: sdk.Lists.create_list(bodies.a_list(opt_in_process="double_opt_in")),
    ("GET", ONE_LIST): lambda sdk, ids: sdk.Lists.get_list(
        ids["list"], additional_fields_list=["profile_count"], include=["flow-triggers"]
    ),
    ("PATCH", ONE_LIST): lambda sdk, ids: sdk.Lists.update_list(ids["list"], bodies.renamed(ids["list"], "Other")),
    ("DELETE", ONE_LIST): lambda sdk, ids: sdk.Lists.delete_list(ids["list"]),
    ("GET", f"{ONE_LIST}/profiles"): lambda sdk, ids: sdk.Lists.get_profiles_for_list(
        ids["list"], additional_fields_profile=MORE, filter="greater-than(joined_group_at,2020-01-01T00:00:00Z)"
    ),
    ("GET", MEMBERS): lambda sdk, ids: sdk.Lists.get_profile_ids_for_list(ids["list"], page_size=5),
    ("POST", MEMBERS): lambda sdk, ids: sdk.Lists.add_profiles_to_list(ids["list"], bodies.ids([ids["profile"]])),
    ("DELETE", MEMBERS): lambda sdk, ids: sdk.Lists.remove_profiles_from_list(
        ids["list"], bodies.ids([ids["profile"]])
    ),
    ("GET", PROFILES): lambda sdk, ids: sdk.Profiles.get_profiles(additional_fields_profile=MORE, sort="-email"),
    ("POST", PROFILES): lambda sdk, ids: sdk.Profiles.create_profile(bodies.a_profile(email="new@example.com")),
    ("GET", ONE_PROFILE): lambda sdk, ids: sdk.Profiles.get_profile(ids["profile"], additional_fields_profile=MORE),
    ("PATCH", ONE_PROFILE): lambda sdk, ids: sdk.Profiles.update_profile(
        ids["profile"], bodies.a_profile(ids["profile"], meta={"patch_properties": {"unset": "tier"}})
    ),
    ("POST", IMPORT): lambda sdk, ids: sdk.Profiles.create_or_update_profile(bodies.a_profile(email="new@example.com")),
    ("POST", JOBS): lambda sdk, ids: sdk.Profiles.bulk_import_profiles(bodies.bulk(bodies.people(2), ids["list"])),
    ("GET", JOBS): lambda sdk, ids: sdk.Profiles.get_bulk_import_profiles_jobs(filter='any(status,["complete"])'),
    ("GET", ONE_JOB): lambda sdk, ids: sdk.Profiles.get_bulk_import_profiles_job(ids["job"], include=["lists"]),
    ("GET", f"{ONE_JOB}/import-errors"): lambda sdk, ids: sdk.Profiles.get_errors_for_bulk_import_profiles_job(
        ids["job"]
    ),
    ("GET", f"{ONE_JOB}/profiles"): lambda sdk, ids: sdk.Profiles.get_profiles_for_bulk_import_profiles_job(
        ids["job"], additional_fields_profile=MORE
    ),
    (
        "GET",
        f"{ONE_JOB}/relationships/profiles",
    ): lambda sdk, ids: sdk.Profiles.get_profile_ids_for_bulk_import_profiles_job(ids["job"]),
    ("GET", f"{ONE_JOB}/lists"): lambda sdk, ids: sdk.Profiles.get_list_for_bulk_import_profiles_job(ids["job"]),
    (
        "GET",
        f"{ONE_JOB}/relationships/lists",
    ): lambda sdk, ids: sdk.Profiles.get_list_ids_for_bulk_import_profiles_job(ids["job"]),
    ("POST", DELETIONS): lambda sdk, ids: sdk.Data_Privacy.request_profile_deletion(
        bodies.a_deletion(email="full@example.com")
    ),
}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_the_sdk_reads_every_endpoint(
    sdk: Any, sandbox: RunningSandbox, klaviyo: httpx.Client, endpoint: Endpoint
) -> None:
    """Its models take the answer whole: a resource or a page of some, or nothing where nothing is promised."""
    ids = a_little_of_everything(sandbox, klaviyo)
    sandbox.clear_requests()
    told = CALLS[endpoint.method, endpoint.path](sdk, ids)
    [request] = sandbox.requests()
    found = None if told is None else [told.data] if hasattr(told.data, "type") else told.data

    assert endpoint.pattern.fullmatch(request.path.partition("?")[0])
    assert (found is None) is (request.status == 204 or request.path.startswith(DELETIONS))
    assert found is None or all(type(one).__module__.startswith("openapi_client.models.") for one in found)
    assert found != []

"""Request bodies as a client of Klaviyo writes them, and what the tests ask again and again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import httpx

from klaviyo_assets.sandbox import RunningSandbox

Json = dict[str, Any]

LISTS = "/api/lists"
PROFILES = "/api/profiles"
IMPORT = "/api/profile-import"
JOBS = "/api/profile-bulk-import-jobs"
ROWS_AT = "/data/attributes/profiles/data"
DELETIONS = "/api/data-privacy-deletion-jobs"


def a_list(name: str = "Newsletter", **attributes: Any) -> Json:
    """A list to be made."""
    return {"data": {"type": "list", "attributes": {"name": name, **attributes}}}


def renamed(list_id: str, name: str) -> Json:
    """A list to be called otherwise."""
    return {"data": {"type": "list", "id": list_id, "attributes": {"name": name}}}


def a_profile(profile_id: str | None = None, meta: Json | None = None, **attributes: Any) -> Json:
    """A profile to be made or changed."""
    data: Json = {"type": "profile", "attributes": attributes}
    return {"data": data | ({"id": profile_id} if profile_id else {}) | ({"meta": meta} if meta else {})}


def a_deletion(profile_id: str | None = None, **attributes: Any) -> Json:
    """A person to be deleted."""
    return {
        "data": {"type": "data-privacy-deletion-job", "attributes": {"profile": a_profile(profile_id, **attributes)}}
    }


def ids(profile_ids: Iterable[str]) -> Json:
    """Profiles to be put on a list, or taken off it."""
    return {"data": [{"type": "profile", "id": profile_id} for profile_id in profile_ids]}


def rows(*profiles: Json) -> list[Json]:
    """Rows of a bulk import, of their attributes."""
    return [{"type": "profile", "attributes": attributes} for attributes in profiles]


def bulk(entries: Sequence[Any], *list_ids: str) -> Json:
    """A bulk import of rows, onto lists."""
    data: Json = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": list(entries)}}}
    if list_ids:
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": list_id} for list_id in list_ids]}}
    return {"data": data}


def people(count: int) -> list[Json]:
    """So many rows, of which only the addresses differ."""
    return rows(*({"email": f"p{number:05}@example.com"} for number in range(count)))


def submit(klaviyo: httpx.Client, entries: Sequence[Any], *list_ids: str) -> str:
    """Submits a bulk job and returns its id."""
    answer = klaviyo.post(JOBS, json=bulk(entries, *list_ids))
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["data"]["id"]
    return job_id


def complete(sandbox: RunningSandbox, klaviyo: httpx.Client, entries: Sequence[Any], *list_ids: str) -> str:
    """Submits a bulk job, lets it complete, and returns its id."""
    job_id = submit(klaviyo, entries, *list_ids)
    sandbox.advance(60)
    return job_id


def attributes_of(klaviyo: httpx.Client, job_id: str) -> Json:
    """What a bulk job says of itself now."""
    found: Json = klaviyo.get(f"{JOBS}/{job_id}").json()["data"]["attributes"]
    return found


def create(klaviyo: httpx.Client, **attributes: Any) -> str:
    """Creates a profile and returns its id."""
    answer = klaviyo.post(PROFILES, json=a_profile(**attributes))
    assert answer.status_code == 201, answer.text
    profile_id: str = answer.json()["data"]["id"]
    return profile_id


def error_of(answer: httpx.Response) -> Json:
    """The only error of an answer."""
    [error] = answer.json()["errors"]
    found: Json = error
    return found


def ids_of(answer: httpx.Response) -> list[str]:
    """The ids of what a collection's page holds."""
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


def all_pages(klaviyo: httpx.Client, path: str, **params: Any) -> list[Json]:
    """Everything in a paged collection, following `next` as it is given."""
    answer = klaviyo.get(path, params=params).raise_for_status()
    found: list[Json] = answer.json()["data"]
    while (following := answer.json()["links"]["next"]) is not None:
        answer = klaviyo.get(following).raise_for_status()
        found += answer.json()["data"]
    return found

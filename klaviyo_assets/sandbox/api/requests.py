"""What the body of a request must look like before anybody asks what is in it, and what its path names."""

from __future__ import annotations

from typing import Any

from klaviyo_assets.sandbox.account.bulk_jobs import BulkJob
from klaviyo_assets.sandbox.account.lists import KlaviyoList
from klaviyo_assets.sandbox.api import errors
from klaviyo_assets.sandbox.api.exchange import Call


def resource_of(call: Call, kind: str) -> dict[str, Any]:
    """The resource that a body is about.

    Raises:
        ApiError: 400, unless the body has one of that kind, with attributes.
    """
    data = call.document.get("data") if isinstance(call.document, dict) else None
    if not isinstance(data, dict) or data.get("type") != kind or not isinstance(data.get("attributes"), dict):
        raise errors.invalid()
    return data


def same_id(call: Call, resource: dict[str, Any]) -> None:
    """Nothing, if a body is about what its path names.

    Raises:
        ApiError: 400, unless the resource bears the id that the path names.
    """
    if resource.get("id") != call.params["id"]:
        raise errors.invalid(pointer="/data/id")


def ids_of(data: object, kind: str, *, most: int | None = None) -> list[str]:
    """The ids of a list of resource identifiers.

    Raises:
        ApiError: 400, for anything else, for none, and for more than `most`.
    """
    if not isinstance(data, list) or not data or not all(_is_identifier(item, kind) for item in data):
        raise errors.invalid()
    if most is not None and len(data) > most:
        raise errors.invalid(f"At most {most} are allowed, {len(data)} were given.")
    return [item["id"] for item in data]


def list_of(call: Call) -> KlaviyoList:
    """The list that the path names, or 404."""
    found = call.account.lists.get(call.params["id"])
    if found is None:
        raise errors.unknown_list(call.params["id"])
    return found


def bulk_job_of(call: Call) -> BulkJob:
    """The bulk job that the path names, or 404, also for one that has expired."""
    found = call.account.bulk_job(call.params["id"])
    if found is None:
        raise errors.unknown_bulk_job()
    return found


def known_profile(call: Call, profile_id: str) -> str:
    """The id, if a profile has it, or 404."""
    if profile_id not in call.account.profiles:
        raise errors.unknown_profile(profile_id)
    return profile_id


def _is_identifier(item: object, kind: str) -> bool:
    return isinstance(item, dict) and item.get("type") == kind and isinstance(item.get("id"), str)

"""Documents, apart from any resource."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets.sandbox.api.documents import sparse, timestamp
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import PROFILES

ATTRIBUTES = {"email": "a@b.co", "location": {"city": "Riga", "zip": None}, "title": None}


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ([], ATTRIBUTES),
        (["email"], {"email": "a@b.co"}),
        (["title", "unknown"], {"title": None}),
        (["location.city"], {"location": {"city": "Riga"}}),
        (["location.city", "location.zip", "location.unknown"], {"location": {"city": "Riga", "zip": None}}),
    ],
    ids=str,
)
def test_sparse_fields(fields: list[str], chosen: dict[str, Any]) -> None:
    """Only what is asked for is told, down to one key of an object; nothing asked for is everything."""
    assert sparse(ATTRIBUTES, fields) == chosen


def test_sparse_fields_of_a_profile(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """A dotted field is known by its first part, and an unknown one is refused."""
    bodies.create(klaviyo, email="a@b.co", location={"city": "Riga"})
    [profile] = klaviyo.get(PROFILES, params={"fields[profile]": "email,location.city"}).json()["data"]

    assert profile["attributes"] == {"email": "a@b.co", "location": {"city": "Riga"}}
    assert klaviyo.get(PROFILES, params={"fields[profile]": "joined_group_at"}).status_code == 400


@pytest.mark.parametrize(
    ("at", "microseconds", "text"),
    [
        (1_788_529_168.0, False, "2026-09-04T13:39:28+00:00"),
        (1_788_529_168.69702, False, "2026-09-04T13:39:28+00:00"),
        (1_788_529_168.69702, True, "2026-09-04T13:39:28.697020+00:00"),
        (None, True, None),
    ],
)
def test_times(at: float | None, microseconds: bool, text: str | None) -> None:
    """ISO 8601 in UTC, with microseconds or without; what has not happened is null."""
    assert timestamp(at, microseconds=microseconds) == text

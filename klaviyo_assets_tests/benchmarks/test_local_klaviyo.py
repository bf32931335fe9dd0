"""What the local Klaviyo was asked."""

from __future__ import annotations

from typing import Any

from benchmarks.local_klaviyo import BULK_IMPORT, STEADY, count_requests


def logged(method: str, path: str, status: int | None = 200) -> dict[str, Any]:
    """A request as the log of the local Klaviyo tells it."""
    return {"method": method, "path": path, "status": status}


def test_requests_are_counted_by_endpoint() -> None:
    """Ids, queries and last slashes make no other endpoint; what came too early is a request too."""
    asked = [
        logged("POST", "/api/profile-bulk-import-jobs", 202),
        logged("POST", "/api/profile-bulk-import-jobs/", 429),
        logged("PATCH", "/api/profiles/01ABC/"),
        logged("PATCH", "/api/profiles/01DEF"),
        logged("GET", "/api/lists/YafG4m/profiles?page[size]=100"),
        logged("GET", "/api/unheard-of", 404),
        logged("GET", "/api/unheard-of", 404),
        logged("GET", "/api/lists", None),
    ]
    found = count_requests(asked)
    assert found.requests == {
        BULK_IMPORT: 2,
        "PATCH /api/profiles/{id}": 2,
        "GET /api/lists/{id}/profiles": 1,
        "GET /api/unheard-of": 2,
        "GET /api/lists": 1,
    }
    assert found.throttled_count == 1


def test_limits_are_those_of_the_documentation() -> None:
    """https://developers.klaviyo.com/en/reference: bulk imports and members 150 a minute, profiles 750."""
    assert STEADY[BULK_IMPORT] == STEADY["POST /api/lists/{id}/relationships/profiles"] == 150
    assert STEADY["POST /api/profiles"] == STEADY["PATCH /api/profiles/{id}"] == 750

"""The revision header."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets.sandbox.api.errors import ApiError
from klaviyo_assets.sandbox.api.revisions import serve
from klaviyo_assets_tests.sandbox.bodies import LISTS, error_of

NOW = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
OPTED_OUT = {"x-klaviyo-revision-fall-forward-opt-out": "1"}


@pytest.mark.parametrize(
    ("asked", "served", "retires"),
    [
        ("2026-07-15", "2026-07-15", None),
        ("2026-10-15", "2026-10-15", None),
        ("2026-07-15.pre", "2026-07-15", None),
        ("2025-07-15", "2025-07-15", "2027-07-15"),
        ("2025-01-15", "2025-01-15", "2027-01-15"),
        ("2026-08-01", "2026-10-15", None),
        ("2024-10-15", "2025-01-15", "2027-01-15"),
        ("2023-01-24", "2025-01-15", "2027-01-15"),
        ("2030-01-01", "2026-10-15", None),
    ],
    ids=["pinned", "newest", "beta", "deprecated", "nearly retired", "between two", "retired", "long gone", "to come"],
)
def test_what_serves_a_request(asked: str, served: str, retires: str | None) -> None:
    """A year stable, a year deprecated, then it falls forward to the next that is alive."""
    revision = serve({"revision": asked}, now=NOW, required=True)

    assert (revision.served, revision.retires) == (served, retires)


def test_who_opted_out_of_falling_forward_is_told() -> None:
    """A retired revision is 410 for them; a living one is served."""
    with pytest.raises(ApiError) as refused:
        serve({"revision": "2024-10-15", **OPTED_OUT}, now=NOW, required=True)

    assert refused.value.status == 410
    assert serve({"revision": "2026-07-15", **OPTED_OUT}, now=NOW, required=True).served == "2026-07-15"


@pytest.mark.parametrize("asked", ["latest", "", "2026-7-15", "15.07.2026"])
def test_a_garbled_revision_is_refused(asked: str) -> None:
    """Only an ISO date is one."""
    with pytest.raises(ApiError) as refused:
        serve({"revision": asked}, now=NOW, required=True)

    assert refused.value.status == 400


def test_a_missing_revision(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """It is refused, unless the sandbox was told to let it pass."""
    del klaviyo.headers["revision"]
    refused = klaviyo.get(LISTS)
    sandbox.change(revision_required=False)

    assert (refused.status_code, error_of(refused)["detail"]) == (400, "Missing required header 'revision'.")
    assert klaviyo.get(LISTS).headers["x-klaviyo-api-revision"] == "2026-10-15"


def test_a_deprecated_revision_tells_when_it_ends(klaviyo: httpx.Client) -> None:
    """The header is there for an old revision and absent for a new one."""
    old = klaviyo.get(LISTS, headers={"revision": "2025-10-15"})

    assert old.headers["x-klaviyo-api-retirement-date"] == "2027-10-15"
    assert "x-klaviyo-api-retirement-date" not in klaviyo.get(LISTS).headers

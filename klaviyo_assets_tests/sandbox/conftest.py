"""One sandbox for all tests here, emptied before each; its clock stands still unless a test moves it.

It always begins on the same day, so that revisions of the API do not retire under the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox, Settings, serve

TODAY = datetime(2026, 11, 23, 12, 0, 0, 697_020, tzinfo=UTC).timestamp()


@pytest.fixture(scope="session")
def running() -> Iterator[RunningSandbox]:
    with serve(Settings(speed=0, starts_at=TODAY)) as running:
        yield running


@pytest.fixture
def sandbox(running: RunningSandbox) -> RunningSandbox:
    running.reset()
    return running


@pytest.fixture
def klaviyo(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """A client that sends what every request to Klaviyo must carry."""
    headers = {"authorization": f"Klaviyo-API-Key {sandbox.key}", "revision": "2026-07-15"}
    # No certificates are read, which takes longer than most tests: nothing here is encrypted.
    with httpx.Client(base_url=sandbox.url, headers=headers, timeout=10, verify=False) as client:
        client.headers["content-type"] = "application/vnd.api+json"
        yield client

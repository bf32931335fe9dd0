"""One sandbox for all tests here, emptied before each; its clock stands still unless a test moves it.

It always begins on the same day, so that revisions of the API do not retire under the tests. Every answer is judged,
and no fault that was ordered may be left over.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import klaviyo_api  # type: ignore[import-untyped]
import pytest

from klaviyo_assets.sandbox import RunningSandbox, Settings, serve
from klaviyo_assets_tests.sandbox.judge import Judge, client_of

TODAY = datetime(2026, 11, 23, 12, 0, 0, 697_020, tzinfo=UTC).timestamp()


@pytest.fixture(scope="session")
def running() -> Iterator[RunningSandbox]:
    with serve(Settings(speed=0, starts_at=TODAY)) as running:
        yield running


@pytest.fixture
def sandbox(running: RunningSandbox) -> Iterator[RunningSandbox]:
    """An empty sandbox; a test that ordered a fault which did not happen has not tested what it says."""
    running.reset()
    yield running
    assert running.unmet_faults() == []


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def klaviyo(sandbox: RunningSandbox, judge: Judge) -> Iterator[httpx.Client]:
    """A client whose every answer is judged."""
    with client_of(sandbox.url, sandbox.key, judge=judge) as client:
        yield client


@pytest.fixture
def unjudged(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """A client for answers that a fault was ordered to spoil: nobody judges them."""
    with client_of(sandbox.url, sandbox.key) as client:
        yield client


@pytest.fixture
def sdk(sandbox: RunningSandbox) -> Any:
    """The official SDK, pointed at the sandbox; it tries once."""
    return klaviyo_api.KlaviyoAPI(sandbox.key, max_retries=1, test_host=sandbox.url)

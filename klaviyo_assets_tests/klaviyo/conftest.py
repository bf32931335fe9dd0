"""One sandbox for all tests here, emptied before each; no ordered fault may be left over after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klaviyo_assets.klaviyo import Client, Session
from klaviyo_assets.klaviyo.transport import Transport
from klaviyo_assets.sandbox import RunningSandbox, Settings, serve


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[RunningSandbox]:
    """A sandbox whose clock stands still until somebody moves it."""
    with serve(Settings(speed=0)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """An empty sandbox."""
    running_sandbox.reset()
    yield running_sandbox
    assert running_sandbox.unmet_faults() == []


@pytest.fixture
def session(sandbox: RunningSandbox) -> Iterator[Session]:
    """A session that lives in the sandbox's time: waiting moves its clock, and takes no time."""
    transport = Transport(api_key=sandbox.key, api_url=sandbox.url)
    with Session(transport, api_url=sandbox.url, now=sandbox.state.now, sleep=sandbox.advance) as session:
        yield session


@pytest.fixture
def client(session: Session) -> Client:
    """A client in that session."""
    return Client(session)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from klaviyo_assets.orchestration.sharing import Automation
from klaviyo_assets.sandbox import RunningSandbox, Settings, serve
from klaviyo_assets_tests.orchestration.projects import Project


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def automation() -> Automation:
    """Whether each export has a job and sensors of its own; tests of sensors say both."""
    return "each"


@pytest.fixture
def project(tmp_path: Path, instance: dg.DagsterInstance, automation: Automation) -> Project:
    return Project(tmp_path, instance, automation=automation)


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[RunningSandbox]:
    with serve(Settings(limits="off", job_duration_s=0.05)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> RunningSandbox:
    """An empty Klaviyo, with its address and key in the environment."""
    running_sandbox.reset()
    monkeypatch.setenv("KLAVIYO_API_URL", running_sandbox.url)
    monkeypatch.setenv("KLAVIYO_API_KEY", running_sandbox.key)
    return running_sandbox

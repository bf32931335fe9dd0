"""One sandbox for all deliveries, emptied before each test; no ordered fault may be left over after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from upath import UPath

from klaviyo_assets.sandbox import RunningSandbox, Settings, serve
from klaviyo_assets_tests.delivery.scene import Scene


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[RunningSandbox]:
    """A sandbox whose clock stands still until somebody moves it."""
    with serve(Settings(speed=0)) as sandbox:
        yield sandbox


@pytest.fixture
def scene(running_sandbox: RunningSandbox, tmp_path: Path) -> Iterator[Scene]:
    """An empty sandbox and an empty storage."""
    running_sandbox.reset()
    yield Scene(running_sandbox, UPath(tmp_path) / "storage")
    assert running_sandbox.unmet_faults() == []

"""What several tests of the API need."""

from __future__ import annotations

import pytest

from klaviyo_assets.sandbox import RunningSandbox


@pytest.fixture
def list_id(sandbox: RunningSandbox) -> str:
    """An empty list."""
    return sandbox.create_list("VIP")

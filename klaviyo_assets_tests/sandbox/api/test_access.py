"""Keys and scopes."""

from __future__ import annotations

import pytest

from klaviyo_assets.sandbox.api.access import Access, identify
from klaviyo_assets.sandbox.api.errors import ApiError

KEYS = {"pk_one": Access("One001", frozenset({"lists:read"}))}


def test_a_known_key_opens_its_account() -> None:
    """Blanks around the key do not matter."""
    assert identify(" Klaviyo-API-Key  pk_one ", KEYS).account_id == "One001"


def test_scopes_are_all_needed() -> None:
    """One scope of two is not enough, and only the other is named."""
    with pytest.raises(ApiError) as refused:
        KEYS["pk_one"].require(["lists:read", "lists:write"])

    assert refused.value.problems[0].detail == "Your API key is missing required scopes: lists:write"
    KEYS["pk_one"].require(["lists:read"])

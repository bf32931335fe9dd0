"""Klaviyo's OpenAPI document as a judge of the table of endpoints: each is asked, and what each costs is compared.

The document is big and not part of this project; where it is absent, these tests are skipped.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets.sandbox.api.endpoints import ENDPOINTS, Endpoint
from klaviyo_assets_tests.sandbox.asked import ASKED, Ids, a_little_of_everything
from klaviyo_assets_tests.sandbox.contract import the_contract
from klaviyo_assets_tests.sandbox.judge import Judge

CONTRACT = the_contract()

pytestmark = pytest.mark.skipif(CONTRACT is None, reason="Klaviyo's OpenAPI document is not here")


@pytest.fixture
def ids(sandbox: RunningSandbox, klaviyo: httpx.Client) -> Ids:
    """What the requests need."""
    return a_little_of_everything(sandbox, klaviyo)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_every_endpoint_has_an_answer_that_was_judged(
    sandbox: RunningSandbox, klaviyo: httpx.Client, judge: Judge, ids: Ids, endpoint: Endpoint
) -> None:
    """Each endpoint of the table is asked at least once, succeeds, and its answers are valid."""
    asked = [
        each
        for each in ASKED
        if each.method == endpoint.method and endpoint.pattern.fullmatch(each.path.format(**ids)) is not None
    ]
    judge.passed.clear()
    for each in asked:
        sandbox.advance(1)
        assert each.send(klaviyo, ids).is_success

    assert asked, "an endpoint that no request of this table is for"
    assert [operation for operation, _ in judge.passed] == [(endpoint.method, endpoint.path)] * len(asked)


def test_the_tiers_and_scopes_are_the_documented_ones() -> None:
    """Every endpoint costs the quota and asks for the scopes that the document states."""
    for endpoint in ENDPOINTS:
        operation = _documented(endpoint)
        limit = {"burst": f"{endpoint.tier.burst}/s", "steady": f"{endpoint.tier.steady}/m"}
        if endpoint.tier.daily is not None:
            limit["daily"] = f"{endpoint.tier.daily}/d"

        assert operation["x-klaviyo-ratelimit"] == limit, endpoint.path
        assert sorted(operation["x-klaviyo-scopes"]) == sorted(endpoint.scopes), endpoint.path


def test_every_parameter_is_a_documented_one() -> None:
    """No endpoint takes a parameter that the document does not have, and its lists of names are the documented ones."""
    for endpoint in ENDPOINTS:
        parameters = _documented(endpoint).get("parameters", [])
        documented = {each["name"]: each["schema"].get("items", {}).get("enum", []) for each in parameters}

        for name, names in endpoint.parameters.items():
            assert name in documented, endpoint.path
            assert set(names) == {each.partition(".")[0] for each in documented[name]}, name


def _documented(endpoint: Endpoint) -> dict[str, Any]:
    assert CONTRACT is not None
    operation: dict[str, Any] = CONTRACT.paths[endpoint.path][endpoint.method.lower()]
    return operation

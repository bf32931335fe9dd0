"""Klaviyo's OpenAPI document as a judge of the table of endpoints: each is asked, and what each costs is compared.

The document is big and not part of this project; where it is absent, these tests are skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from klaviyo_assets.sandbox import FailRows, Flow, RunningSandbox
from klaviyo_assets.sandbox.api.endpoints import ENDPOINTS, Endpoint
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import IMPORT, JOBS, LISTS, PROFILES, Json
from klaviyo_assets_tests.sandbox.contract import the_contract
from klaviyo_assets_tests.sandbox.judge import Judge

CONTRACT = the_contract()

pytestmark = pytest.mark.skipif(CONTRACT is None, reason="Klaviyo's OpenAPI document is not here")

Ids = Mapping[str, str]
MORE = {"additional-fields[profile]": "subscriptions,predictive_analytics"}
COUNTED = {"additional-fields[list]": "profile_count", "include": "flow-triggers"}


@dataclass(frozen=True)
class Asked:
    """A request that succeeds. The parts of its path in braces are names of `ids`."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[Ids], Json] | None = None

    def send(self, klaviyo: httpx.Client, ids: Ids) -> httpx.Response:
        """Sends it; the client judges the answer."""
        body = None if self.body is None else self.body(ids)
        return klaviyo.request(self.method, self.path.format(**ids), params=self.params, json=body)


ASKED = (
    Asked("GET", "/api/accounts"),
    Asked("GET", "/api/accounts/{account}"),
    Asked("GET", LISTS),
    Asked("GET", LISTS, {"include": "flow-triggers,tags", "page[size]": "1"}),
    Asked("POST", LISTS, body=lambda ids: bodies.a_list()),
    Asked("GET", f"{LISTS}/{{list}}", COUNTED),
    Asked("PATCH", f"{LISTS}/{{list}}", body=lambda ids: bodies.renamed(ids["list"], "Other")),
    Asked("GET", f"{LISTS}/{{list}}/profiles", MORE),
    Asked("GET", f"{LISTS}/{{list}}/profiles", {"fields[profile]": "joined_group_at", "sort": "-joined_group_at"}),
    Asked("GET", f"{LISTS}/{{list}}/relationships/profiles", {"page[size]": "5"}),
    Asked("POST", f"{LISTS}/{{list}}/relationships/profiles", body=lambda ids: bodies.ids([ids["profile"]])),
    Asked("DELETE", f"{LISTS}/{{list}}/relationships/profiles", body=lambda ids: bodies.ids([ids["profile"]])),
    Asked("DELETE", f"{LISTS}/{{list}}"),
    Asked("GET", PROFILES, {"page[size]": "5"}),
    Asked("POST", PROFILES, body=lambda ids: bodies.a_profile(email="new@example.com")),
    Asked("GET", f"{PROFILES}/{{profile}}", MORE),
    Asked("PATCH", f"{PROFILES}/{{profile}}", body=lambda ids: bodies.a_profile(ids["profile"], title="Dr")),
    Asked("POST", IMPORT, body=lambda ids: bodies.a_profile(email="full@example.com")),
    Asked("POST", IMPORT, body=lambda ids: bodies.a_profile(email="newer@example.com")),
    Asked("POST", JOBS, body=lambda ids: bodies.bulk(bodies.people(2), ids["list"])),
    Asked("GET", JOBS, {"sort": "-created_at"}),
    Asked("GET", f"{JOBS}/{{job}}", {"include": "lists"}),
    Asked("GET", f"{JOBS}/{{job}}", {"fields[profile-bulk-import-job]": "completed_count"}),
    Asked("GET", f"{JOBS}/{{job}}/import-errors"),
    Asked("GET", f"{JOBS}/{{job}}/import-errors", {"fields[import-error]": "code"}),
    Asked("GET", f"{JOBS}/{{job}}/profiles"),
    Asked("GET", f"{JOBS}/{{job}}/relationships/profiles"),
    Asked("GET", f"{JOBS}/{{job}}/lists"),
    Asked("GET", f"{JOBS}/{{job}}/relationships/lists"),
)


@pytest.fixture
def ids(sandbox: RunningSandbox, klaviyo: httpx.Client) -> dict[str, str]:
    """A little of everything: a list that starts a flow, 25 members, and a job with a row that failed."""
    list_id = sandbox.create_list("VIP", flows=(Flow("Flow01", "Welcome"),))
    sandbox.order_fault(FailRows(indexes=(3,)), method="POST", path=JOBS)
    row = {"email": "full@example.com", "location": {"city": "Riga"}, "properties": {"tier": "gold"}}
    job_id = bodies.complete(sandbox, klaviyo, [*bodies.people(24), *bodies.rows(row)], list_id)
    profile_id = bodies.ids_of(klaviyo.get(PROFILES, params={"filter": 'equals(email,"full@example.com")'}))[0]
    return {"list": list_id, "job": job_id, "profile": profile_id, "account": sandbox.account_id}


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

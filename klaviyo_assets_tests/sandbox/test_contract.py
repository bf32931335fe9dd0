"""Klaviyo's OpenAPI document as a judge: every answer of every endpoint has the shape that it promises.

The document is big and not part of this project; where it is absent, these tests are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]
import pytest

from klaviyo_assets.sandbox import AnswerWith, FailRows, Flow, RunningSandbox
from klaviyo_assets.sandbox.api.endpoints import ENDPOINTS, Endpoint
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import IMPORT, JOBS, LISTS, PROFILES

CONTRACT = Path(__file__).parents[3] / "shared" / "klaviyo" / "contract.json"

pytestmark = pytest.mark.skipif(not CONTRACT.exists(), reason="Klaviyo's OpenAPI document is not here")

ALL_FIELDS = {"additional-fields[profile]": "subscriptions,predictive_analytics"}


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    """The document as JSON Schema: `nullable` becomes a type, and the links that are null on the wire may be null."""
    document: dict[str, Any] = _without_nullable(json.loads(CONTRACT.read_text()))
    links = document["components"]["schemas"]["CollectionLinks"]["properties"]
    for name in ("next", "prev"):
        links[name] = {"anyOf": [links[name], {"type": "null"}]}
    return document


@pytest.fixture
def ids(sandbox: RunningSandbox, klaviyo: httpx.Client) -> dict[str, str]:
    """A little of everything: a list that starts a flow, 25 members, and a job with a row that failed."""
    list_id = sandbox.create_list("VIP", flows=(Flow("Flow01", "Welcome"),))
    sandbox.order_fault(FailRows(indexes=(3,)), method="POST", path=JOBS)
    row = {"email": "full@example.com", "location": {"city": "Riga"}, "properties": {"tier": "gold"}}
    job_id = bodies.complete(sandbox, klaviyo, [*bodies.people(24), *bodies.rows(row)], list_id)
    profile_id = bodies.ids_of(klaviyo.get(PROFILES, params={"filter": 'equals(email,"full@example.com")'}))[0]
    return {"list": list_id, "job": job_id, "profile": profile_id, "account": sandbox.account_id}


READS: list[tuple[str, str, dict[str, str]]] = [
    ("/api/accounts", "", {}),
    ("/api/accounts/{id}", "account", {}),
    ("/api/lists", "", {}),
    ("/api/lists", "", {"include": "flow-triggers,tags", "page[size]": "1"}),
    ("/api/lists/{id}", "list", {"additional-fields[list]": "profile_count", "include": "flow-triggers"}),
    ("/api/lists/{id}/profiles", "list", ALL_FIELDS),
    ("/api/lists/{id}/profiles", "list", {"fields[profile]": "email,joined_group_at", "sort": "-joined_group_at"}),
    ("/api/lists/{id}/relationships/profiles", "list", {"page[size]": "5"}),
    ("/api/profiles", "", {"page[size]": "5"}),
    ("/api/profiles/{id}", "profile", ALL_FIELDS),
    ("/api/profile-bulk-import-jobs", "", {"sort": "-created_at"}),
    ("/api/profile-bulk-import-jobs/{job_id}", "job", {"include": "lists"}),
    ("/api/profile-bulk-import-jobs/{id}/import-errors", "job", {}),
    ("/api/profile-bulk-import-jobs/{id}/profiles", "job", {}),
    ("/api/profile-bulk-import-jobs/{id}/relationships/profiles", "job", {}),
    ("/api/profile-bulk-import-jobs/{id}/lists", "job", {}),
    ("/api/profile-bulk-import-jobs/{id}/relationships/lists", "job", {}),
]


@pytest.mark.parametrize(("template", "kind", "params"), READS, ids=lambda value: str(value))
def test_what_is_read(
    contract: dict[str, Any],
    klaviyo: httpx.Client,
    ids: dict[str, str],
    template: str,
    kind: str,
    params: dict[str, str],
) -> None:
    """Every document that can be read is valid."""
    path = template.replace("{id}", ids.get(kind, "")).replace("{job_id}", ids.get(kind, ""))

    _check(contract, klaviyo.get(path, params=params), template)


def test_what_is_written(contract: dict[str, Any], klaviyo: httpx.Client, ids: dict[str, str]) -> None:
    """Every document that is answered to a write is valid, and has the status that is promised."""
    one_list, one_profile = f"{LISTS}/{ids['list']}", f"{PROFILES}/{ids['profile']}"
    members = f"{one_list}/relationships/profiles"
    renamed = {"data": {"type": "list", "id": ids["list"], "attributes": {"name": "Other"}}}

    _check(contract, klaviyo.post(LISTS, json=bodies.a_list()), LISTS)
    _check(contract, klaviyo.patch(one_list, json=renamed), f"{LISTS}/{{id}}")
    _check(contract, klaviyo.post(members, json=bodies.ids([ids["profile"]])), f"{LISTS}/{{id}}/relationships/profiles")
    gone = klaviyo.request("DELETE", members, json=bodies.ids([ids["profile"]]))
    _check(contract, gone, f"{LISTS}/{{id}}/relationships/profiles")
    _check(contract, klaviyo.post(PROFILES, json=bodies.a_profile(email="new@example.com")), PROFILES)
    _check(
        contract, klaviyo.patch(one_profile, json=bodies.a_profile(ids["profile"], title="Dr")), f"{PROFILES}/{{id}}"
    )
    _check(contract, klaviyo.post(IMPORT, json=bodies.a_profile(email="new@example.com")), IMPORT)
    _check(contract, klaviyo.post(IMPORT, json=bodies.a_profile(email="newer@example.com")), IMPORT)
    _check(contract, klaviyo.post(JOBS, json=bodies.bulk(bodies.people(2), ids["list"])), JOBS)
    _check(contract, klaviyo.delete(one_list), f"{LISTS}/{{id}}")


def test_what_is_refused(contract: dict[str, Any], sandbox: RunningSandbox, klaviyo: httpx.Client) -> None:
    """Every kind of error is valid."""
    klaviyo.post(PROFILES, json=bodies.a_profile(email="ann@example.com"))
    sandbox.order_fault(AnswerWith(503), path="/api/profiles")
    refused = [
        klaviyo.get(PROFILES),
        klaviyo.get(f"{LISTS}/NOPE01"),
        klaviyo.post(PROFILES, json=bodies.a_profile(email="ann@example.com")),
        klaviyo.post(PROFILES, json=bodies.a_profile(email="wrong")),
        klaviyo.get(LISTS, headers={"authorization": "Klaviyo-API-Key pk_nobody"}),
        klaviyo.put(LISTS),
        klaviyo.get("/api/accounts"),
        klaviyo.get("/api/accounts"),
    ]

    assert [answer.status_code for answer in refused] == [503, 404, 409, 400, 401, 405, 200, 429]
    for answer in refused:
        if answer.is_error:
            _check(contract, answer, LISTS, method="get")


def test_the_tiers_and_scopes_are_the_documented_ones(contract: dict[str, Any]) -> None:
    """Every endpoint costs the quota and asks for the scopes that the document states."""
    for endpoint in ENDPOINTS:
        operation = _operation(contract, endpoint)
        limit = {"burst": f"{endpoint.tier.burst}/s", "steady": f"{endpoint.tier.steady}/m"}
        if endpoint.tier.daily is not None:
            limit["daily"] = f"{endpoint.tier.daily}/d"

        assert operation["x-klaviyo-ratelimit"] == limit, endpoint.path
        assert sorted(operation["x-klaviyo-scopes"]) == sorted(endpoint.scopes), endpoint.path


def test_every_parameter_is_a_documented_one(contract: dict[str, Any]) -> None:
    """No endpoint takes a parameter that the document does not have, and its lists of names are the documented ones."""
    for endpoint in ENDPOINTS:
        parameters = _operation(contract, endpoint).get("parameters", [])
        documented = {each["name"]: each["schema"].get("items", {}).get("enum", []) for each in parameters}

        for name, names in endpoint.parameters.items():
            assert name in documented, endpoint.path
            assert set(names) == {each.partition(".")[0] for each in documented[name]}, name


def _operation(contract: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    paths = contract["paths"]
    known = paths.get(endpoint.path) or paths[endpoint.path.replace("{id}", "{job_id}")]
    operation: dict[str, Any] = known[endpoint.method.lower()]
    return operation


def _check(contract: dict[str, Any], answer: httpx.Response, template: str, *, method: str | None = None) -> None:
    """Fails unless an answer is what the document says of its path, method and status."""
    operation = contract["paths"][template][method or answer.request.method.lower()]
    responses = operation["responses"]
    found = responses.get(str(answer.status_code)) or responses[f"{answer.status_code // 100}XX"]
    if "$ref" in found:
        found = contract["components"]["responses"][found["$ref"].rpartition("/")[2]]
    if "content" not in found:
        assert answer.content == b""
        return
    [schema] = [each["schema"] for each in found["content"].values()]
    jsonschema.Draft4Validator({**schema, "components": contract["components"]}).validate(answer.json())


def _without_nullable(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_nullable(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    plain = dict(_plain(node))
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


def _plain(node: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        if name != "nullable":
            yield name, _without_nullable(value)

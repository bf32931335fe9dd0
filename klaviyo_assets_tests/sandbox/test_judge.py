"""The judge is one that can say no."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import httpx
import jsonschema  # type: ignore[import-untyped]
import pytest

from klaviyo_assets.sandbox import AlterAnswer, RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import LISTS
from klaviyo_assets_tests.sandbox.contract import the_contract
from klaviyo_assets_tests.sandbox.judge import JSON_API, Judge

LIST = "/data/attributes"
SANDBOX = "http://sandbox"
REQUEST_ID = str(UUID(int=7))
CONTRACT = pytest.mark.skipif(the_contract() is None, reason="Klaviyo's OpenAPI document is not here")


@CONTRACT
@pytest.mark.parametrize(
    "change",
    [
        {"/data/type": "lists"},
        {"/data/colour": "red"},
        {f"{LIST}/colour": "red"},
        {f"{LIST}/name": 5},
        {f"{LIST}/opt_in_process": "maybe"},
        {f"{LIST}/created": "yesterday"},
        {f"{LIST}/created": "2026-11-23T12:00:00"},
        {f"{LIST}/profile_count": "3"},
        {"/data/links": None},
        {"/data/links/self": "/api/lists/x/"},
        {"/data/relationships/tags/data": [{"type": "tag"}]},
        {"/meta": []},
    ],
    ids=str,
)
def test_documents_of_another_shape(klaviyo: httpx.Client, sandbox: RunningSandbox, change: dict[str, Any]) -> None:
    """One value that the document does not allow, or one that it does not name, and the answer is refused."""
    list_id = sandbox.create_list("VIP")
    sandbox.order_fault(AlterAnswer(change), path=f"{LISTS}/*")
    with pytest.raises(jsonschema.ValidationError):
        klaviyo.get(f"{LISTS}/{list_id}")


@pytest.mark.parametrize(
    "change",
    [
        {"/links/self": "http://127.0.0.1:1/api/lists"},
        {"/links/next": "http://127.0.0.1:1/api/lists?page%5Bcursor%5D=x"},
    ],
    ids=str,
)
def test_links_to_somewhere_else(klaviyo: httpx.Client, sandbox: RunningSandbox, change: dict[str, Any]) -> None:
    """A document is where it was asked for, and so are its other pages."""
    sandbox.order_fault(AlterAnswer(change), path=LISTS)
    with pytest.raises(AssertionError):
        klaviyo.get(LISTS)


@pytest.mark.parametrize(
    "change", [{"/errors/0/id": "x"}, {"/errors/0/status": "404"}, {"/errors/0/meta": {}}], ids=str
)
def test_errors_of_another_form(klaviyo: httpx.Client, sandbox: RunningSandbox, change: dict[str, Any]) -> None:
    """An error with another id than the request's, a status that is a text, or a 404 with more than there is."""
    sandbox.order_fault(AlterAnswer(change), path=f"{LISTS}/*")
    with pytest.raises(AssertionError):
        klaviyo.get(f"{LISTS}/NOPE01")


COMMON = {"x-klaviyo-req-id": REQUEST_ID, "content-type": JSON_API}
SUCCESS = {
    "x-klaviyo-req-id": REQUEST_ID,
    "x-klaviyo-api-revision": "2026-07-15",
    "cid": "Sandbx",
    "allow": "GET",
    **{f"ratelimit-{name}": "1" for name in ("limit", "remaining", "reset")},
}
SCHEMES = {"www-authenticate": "Bearer, Klaviyo-API-Key"}


def answer_of(status: int, headers: dict[str, str], body: Any = None, *, path: str = LISTS) -> httpx.Response:
    """An answer to a look at `path`, with a document, or with nothing at all."""
    content = b"" if body is None else json.dumps(body).encode()
    return httpx.Response(status, headers=headers, content=content, request=httpx.Request("GET", SANDBOX + path))


def refusal(status: int) -> dict[str, Any]:
    """The document of an error that has nothing wrong with it."""
    more: dict[str, Any] = {} if status == 404 else {"links": {}, "meta": {}}
    entry = {"id": REQUEST_ID, "status": status, "code": "x", "title": "X.", "detail": "X.", "source": {}}
    return {"errors": [entry | more]}


GOOD: dict[int, tuple[dict[str, str], Any]] = {
    200: (SUCCESS | COMMON, {"data": [], "links": {"self": f"{SANDBOX}{LISTS}"}}),
    401: (COMMON | SCHEMES, refusal(401)),
    404: (COMMON, refusal(404)),
    429: (COMMON, refusal(429)),
    503: (COMMON, refusal(503)),
}


@pytest.mark.parametrize("status", GOOD)
def test_answers_that_are_as_they_should_be(status: int) -> None:
    """They pass: what is refused below is refused for what is wrong with it."""
    Judge()(answer_of(status, *GOOD[status]))


@pytest.mark.parametrize(
    ("status", "more", "without"),
    [
        *((status, {"content-type": "application/json"}, ()) for status in GOOD),
        *((status, {"x-klaviyo-req-id": "7"}, ()) for status in GOOD),
        *((200, {}, (name,)) for name in SUCCESS),
        *((status, {"ratelimit-limit": "1"}, ()) for status in (401, 429)),
        (401, {"cid": "Sandbx"}, ()),
        (401, {"www-authenticate": "Basic"}, ()),
        (404, {"x-klaviyo-req-id": str(UUID(int=8))}, ()),
    ],
    ids=str,
)
def test_headers_of_another_form(status: int, more: dict[str, str], without: tuple[str, ...]) -> None:
    """What every recorded answer has, or has not, is looked for."""
    headers, body = GOOD[status]
    headers = {name: value for name, value in {**headers, **more}.items() if name not in without}
    with pytest.raises((AssertionError, KeyError, ValueError)):
        Judge()(answer_of(status, headers, body))


@pytest.mark.parametrize(("more", "body"), [({"content-type": JSON_API}, None), ({}, {})], ids=["a type", "a body"])
def test_204_with_more_than_nothing(more: dict[str, str], body: Any) -> None:
    """It has neither a content type nor a body."""
    with pytest.raises(AssertionError):
        Judge()(answer_of(204, SUCCESS | more, body))


@CONTRACT
@pytest.mark.parametrize(("path", "status"), [(LISTS, 201), ("/api/moons", 200)])
def test_what_klaviyo_does_not_have(path: str, status: int) -> None:
    """A status that the document does not promise, or the success of a path that it does not know."""
    body = {"data": [], "links": {"self": f"{SANDBOX}{path}"}}
    with pytest.raises(AssertionError):
        Judge()(answer_of(status, SUCCESS | COMMON, body, path=path))


def test_whoever_is_judged_passes_by_name(klaviyo: httpx.Client, judge: Judge, sandbox: RunningSandbox) -> None:
    """The judge keeps what passed, if there is a document to judge by; pages and controls are none of its business."""
    klaviyo.post(LISTS, json=bodies.a_list())
    klaviyo.get("/_sandbox/settings")
    expected = [] if the_contract() is None else [(("POST", LISTS), 201)]

    assert judge.passed == expected

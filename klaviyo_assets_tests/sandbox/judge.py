"""A judge of answers: a client's hook that looks at each of them, and fails the test that got a wrong one.

What holds for every answer that was ever recorded is judged here, the shape of documents in `contract.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx

from klaviyo_assets_tests.sandbox.contract import Json, Operation, the_contract

JSON_API = "application/vnd.api+json"


class Judge:
    """Passes answers or fails; `passed` are those that were judged by Klaviyo's document too."""

    def __init__(self) -> None:
        self.passed: list[tuple[Operation, int]] = []

    def __call__(self, answer: httpx.Response) -> None:
        """Reads an answer and fails unless it could be Klaviyo's.

        Raises:
            AssertionError: it could not.
            jsonschema.ValidationError: its document has another shape than the contract promises.
        """
        if not answer.request.url.path.startswith("/api/"):
            return
        answer.read()
        _judge_headers(answer)
        if _has_no_document(answer):
            assert (answer.content, "content-type" in answer.headers) == (b"", False)
        elif answer.is_error:
            _judge_errors(answer, answer.json()["errors"])
        else:
            _judge_links(answer, answer.json()["links"])
        if (contract := the_contract()) is not None and (operation := contract.judge(answer)) is not None:
            self.passed.append((operation, answer.status_code))


@contextmanager
def client_of(url: str, key: str, *, judge: Judge | None = None) -> Iterator[httpx.Client]:
    """A client that sends what every request to Klaviyo must carry; a judge, if there is one, sees every answer."""
    headers = {"authorization": f"Klaviyo-API-Key {key}", "revision": "2026-07-15", "content-type": JSON_API}
    hooks: dict[str, list[Callable[..., Any]]] = {"response": [] if judge is None else [judge]}
    # No certificates are read, which takes longer than most tests: nothing here is encrypted.
    with httpx.Client(base_url=url, headers=headers, timeout=10, verify=False, event_hooks=hooks) as client:
        yield client


def _judge_headers(answer: httpx.Response) -> None:
    told, status = answer.headers, answer.status_code
    assert UUID(told["x-klaviyo-req-id"])
    limits = {name for name in told if name.startswith("ratelimit")}
    if status in (401, 429):
        assert not limits, f"{status} with {limits}"
    if status == 401:
        assert "cid" not in told
        assert told["www-authenticate"] == "Bearer, Klaviyo-API-Key"
    if answer.is_success:
        assert limits >= {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}
        assert {"cid", "x-klaviyo-api-revision", "allow"} <= told.keys()
    if not _has_no_document(answer):
        assert told["content-type"] == JSON_API


def _has_no_document(answer: httpx.Response) -> bool:
    # Some jobs are answered with 202 and themselves, others with 202 and nothing: the contract says which.
    return answer.status_code == 204 or (answer.status_code == 202 and not answer.content)


def _judge_errors(answer: httpx.Response, errors: list[Json]) -> None:
    assert errors
    for error in errors:
        assert error["id"] == answer.headers["x-klaviyo-req-id"]
        assert (type(error["status"]), error["status"]) == (int, answer.status_code)
        if answer.status_code in (400, 409, 429):
            assert {"links", "meta"} <= error.keys()
        if answer.status_code == 404:
            assert not {"links", "meta"} & error.keys()


def _judge_links(answer: httpx.Response, links: Json) -> None:
    """A document says where it is: at the address that was asked for, without a last slash."""
    asked = answer.request.url
    here = f"{asked.scheme}://{asked.netloc.decode()}{asked.path.rstrip('/')}"
    assert links["self"].partition("?")[0] == here
    for name in ("next", "prev"):
        assert links.get(name) is None or links[name].startswith(f"{here}?")

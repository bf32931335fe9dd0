"""Klaviyo's OpenAPI document as JSON Schema, stricter than it is written: what it does not name may not be there.

What real answers were seen to do otherwise is allowed here, and nowhere else. The document is big and not part of this
project: whoever asks for it where it is absent gets None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import jsonschema  # type: ignore[import-untyped]

CONTRACT = Path(__file__).parents[3] / "shared" / "klaviyo" / "contract.json"

Json = dict[str, Any]

FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("date-time", raises=ValueError)(lambda text: text is None or datetime.fromisoformat(text).tzinfo)
FORMATS.checks("uri")(lambda text: text is None or bool(urlsplit(text).scheme and urlsplit(text).netloc))

SEEN_IN_ERRORS: Json = {"status": {"type": "integer"}, "links": {"type": "object"}, "meta": {"type": "object"}}
"""What errors hold on the wire, and not in the document."""


class Operation(NamedTuple):
    """An endpoint of the document; `path` is written as there, except that every id is called `{id}`."""

    method: str
    path: str


class Contract:
    """What the document promises of each answer."""

    def __init__(self, document: Json) -> None:
        self.paths: dict[str, Json] = {_unified(path): methods for path, methods in document["paths"].items()}
        self._patterns = {path: re.compile(path.replace("{id}", "[^/]+")) for path in self.paths}
        seen = _as_seen(document["components"])
        self._components = _closed(seen, seen["schemas"])
        self._sparse_components = _without_required_attributes(self._components)
        self._validators: dict[tuple[Operation, str, bool], Any] = {}

    def operation_of(self, request: httpx.Request) -> Operation | None:
        """Which endpoint a request was for; None if the document has no such one."""
        route = request.url.path.rstrip("/")
        found = (path for path, pattern in self._patterns.items() if pattern.fullmatch(route))
        path = next((path for path in found if request.method.lower() in self.paths[path]), None)
        return None if path is None else Operation(request.method, path)

    def judge(self, answer: httpx.Response) -> Operation | None:
        """Fails unless an answer is what the document says of its path, method and status.

        Raises:
            AssertionError: a status, or a body, that is not promised.
            jsonschema.ValidationError: a document of another shape.
        """
        operation = self.operation_of(answer.request)
        if operation is None:
            assert answer.is_error, f"{answer.status_code} for what Klaviyo does not have"
        sparse = any(name.startswith("fields[") for name in answer.request.url.params)
        promised = self._promised(operation, answer.status_code, sparse=sparse)
        if promised is None:
            assert answer.content == b"", "a body, where none is promised"
        else:
            promised.validate(answer.json())
        return operation

    def _promised(self, operation: Operation | None, status: int, *, sparse: bool) -> Any:
        """What validates the body that is promised; None where there is to be none."""
        if operation is None:
            # Nothing but an error can come of it, and errors are the same for all.
            operation = Operation("GET", "/api/lists")
        responses = self.paths[operation.path][operation.method.lower()]["responses"]
        key = str(status) if str(status) in responses else f"{status // 100}XX"
        assert key in responses, f"{operation} does not answer {status}"
        if (operation, key, sparse) not in self._validators:
            self._validators[operation, key, sparse] = self._validator(responses[key], sparse=sparse)
        return self._validators[operation, key, sparse]

    def _validator(self, response: Json, *, sparse: bool) -> Any:
        components = self._sparse_components if sparse else self._components
        if "$ref" in response:
            response = components["responses"][response["$ref"].rpartition("/")[2]]
        if "content" not in response:
            return None
        [media] = response["content"].values()
        schema = {**_as_seen(media["schema"]), "components": components}
        return jsonschema.Draft4Validator(schema, format_checker=FORMATS)


@cache
def the_contract() -> Contract | None:
    """The document, if it is here."""
    return Contract(json.loads(CONTRACT.read_text())) if CONTRACT.exists() else None


def _unified(path: str) -> str:
    return re.sub(r"\{\w+\}", "{id}", path)


def _as_seen(node: Any) -> Any:
    """The document as it is on the wire, in the words of JSON Schema.

    `nullable` becomes a type, the links of a page that is not there may be null, and errors say more.
    """
    if isinstance(node, list):
        return [_as_seen(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    plain = {name: _as_seen(value) for name, value in node.items() if name != "nullable"}
    for name in ("next", "prev"):
        if name in plain and "self" in plain:
            plain[name] = {"anyOf": [plain[name], {"type": "null"}]}
    if plain.keys() == {"id", "code", "title", "detail", "source"}:
        plain |= SEEN_IN_ERRORS
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


def _closed(node: Any, schemas: Json) -> Any:
    """A schema, and those inside it, of objects that hold nothing but what is named."""
    if isinstance(node, list):
        return [_closed(each, schemas) for each in node]
    if not isinstance(node, Mapping):
        return node
    if "allOf" in node:
        return _closed(_united(node["allOf"], schemas), schemas)
    # The names of properties are no words of a schema, whatever they are.
    inner = {
        word: {name: _closed(each, schemas) for name, each in value.items()}
        if word == "properties"
        else _closed(value, schemas)
        for word, value in node.items()
    }
    return {"additionalProperties": False, **inner} if "properties" in node else inner


def _without_required_attributes(node: Any) -> Any:
    """Whoever asks for some fields of a resource gets no others, be they required or not."""
    if isinstance(node, list):
        return [_without_required_attributes(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    return {
        name: {word: value for word, value in each.items() if word != "required"}
        if name == "attributes"
        else _without_required_attributes(each)
        for name, each in node.items()
    }


def _united(parts: Iterable[Json], schemas: Json) -> Json:
    """One schema of several that must all hold: those of a resource, and of what can be asked of it besides."""
    united: Json = {}
    for part in parts:
        part = schemas[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        united = _overlaid(united, part)
    return united


def _overlaid(under: Json, over: Json) -> Json:
    both = {name for name in under.keys() & over.keys() if isinstance(under[name], Mapping)}
    return {**under, **over, **{name: _overlaid(under[name], over[name]) for name in both}}

"""The way of every API request: who asks, what for, how often, in which version; then the endpoint; then the answer.

Rules live in the files beside this one; here is their order. https://developers.klaviyo.com/en/reference/api_overview
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from klaviyo_assets.sandbox import limits, meanwhile, transmit
from klaviyo_assets.sandbox.api import access, endpoints, errors, revisions
from klaviyo_assets.sandbox.api.endpoints import Endpoint
from klaviyo_assets.sandbox.api.exchange import Answer, Call, Incoming
from klaviyo_assets.sandbox.api.query import Query
from klaviyo_assets.sandbox.effects import Effect
from klaviyo_assets.sandbox.request_log import LoggedRequest
from klaviyo_assets.sandbox.state import Sandbox

SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
CONTENT_TYPES = ("application/vnd.api+json", "application/json")
ALWAYS = {"vary": "Accept, Accept-Language, Cookie, Origin", "content-language": "en-us"}


class Gateway:
    """The ASGI application behind /api/."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Logs a request and answers it."""
        at, started = self._sandbox.now(), time.perf_counter()
        most_bytes = self._sandbox.settings.body_limit
        incoming = await receive_request(scope, receive, most_bytes=most_bytes, now=self._sandbox.now)
        if incoming is None:
            return
        effects = self._sandbox.faults.take(incoming.method, incoming.route)
        headers = ALWAYS | {"date": _date(at), "x-klaviyo-req-id": self._sandbox.request_ids.uuid()}
        # Before anything is done: afterwards the key may have been revoked.
        account_id = self._account_id(incoming)
        # Off the event loop: a full body takes a tenth of a second to read.
        answer = await run_in_threadpool(self._answer, incoming, effects, headers)
        # Before it is sent, so that whoever has the answer finds the request in the log.
        self._sandbox.log.add(
            LoggedRequest(
                method=incoming.method,
                path=incoming.path + (f"?{incoming.query}" if incoming.query else ""),
                status=transmit.status_sent(answer, effects),
                at=at,
                duration_s=time.perf_counter() - started,
                byte_count=incoming.byte_count,
                account_id=account_id,
            )
        )
        await transmit.transmit(answer, effects, receive, send)

    def _answer(self, incoming: Incoming, effects: tuple[Effect, ...], headers: dict[str, str]) -> Answer:
        works, key = transmit.lets_work(effects), access.key_in(incoming.headers.get("authorization"))
        meanwhile.carry_out(self._sandbox, effects, key, after_work=False)
        answer = self._carried_out(incoming, effects, headers) if works else Answer(204, headers=headers)
        meanwhile.carry_out(self._sandbox, effects, key, after_work=True)
        return transmit.altered(answer, effects)

    def _carried_out(self, incoming: Incoming, effects: tuple[Effect, ...], headers: dict[str, str]) -> Answer:
        try:
            answer = self._work(incoming, effects, headers)
        except errors.ApiError as error:
            answer = Answer(error.status, error.document(headers["x-klaviyo-req-id"]), error.headers)
        return replace(answer, headers={**headers, **answer.headers})

    def _work(self, incoming: Incoming, effects: tuple[Effect, ...], headers: dict[str, str]) -> Answer:
        """The endpoint's answer. `headers` gathers what is told of the request, also if it fails later on."""
        query = Query(parse_qsl(incoming.query, keep_blank_values=True))
        with self._sandbox.lock:
            granted, endpoint, params = self._admitted(incoming, query, headers)
        granted.require(endpoint.scopes)
        revision = headers["x-klaviyo-api-revision"]
        query.expect_only(endpoint.parameters_in(revision), resource=endpoint.resource)
        document = _document(incoming, most_bytes=self._sandbox.settings.body_limit)
        with self._sandbox.lock:
            account, now = self._sandbox.accounts[granted.account_id], self._sandbox.now()
            account.settle(now)
            return endpoint.work(
                Call(
                    account=account,
                    settings=self._sandbox.settings,
                    now=now,
                    base_url=incoming.base_url,
                    route=incoming.route,
                    params=params,
                    query=query,
                    document=document,
                    effects=effects,
                )
            )

    def _admitted(
        self, incoming: Incoming, query: Query, headers: dict[str, str]
    ) -> tuple[access.Access, Endpoint, Mapping[str, str]]:
        sandbox, settings = self._sandbox, self._sandbox.settings
        granted = access.identify(incoming.headers.get("authorization"), sandbox.keys)
        headers["cid"] = granted.account_id
        by_method = endpoints.on_path(incoming.route)
        if not by_method:
            raise errors.unknown_path()
        headers["allow"] = ", ".join(by_method)
        if incoming.method not in by_method:
            raise errors.method_not_allowed(incoming.method)
        endpoint, params = by_method[incoming.method]
        quota, tier = endpoint.quota(query)
        tier = limits.tier_under(settings.limits, tier)
        verdict = sandbox.meters[granted.account_id].spend(
            quota, tier, now=incoming.whole_at, throttled_count=settings.throttled_count
        )
        if not verdict.admitted:
            raise errors.throttled(sandbox.clock.real_seconds(verdict.wait_s))
        headers.update(limits.headers(tier, verdict))
        revision = revisions.serve(incoming.headers, now=incoming.whole_at, required=settings.revision_required)
        headers.update(revision.headers())
        return granted, endpoint, params

    def _account_id(self, incoming: Incoming) -> str | None:
        try:
            return access.identify(incoming.headers.get("authorization"), self._sandbox.keys).account_id
        except errors.ApiError:
            return None


async def receive_request(
    scope: Scope, receive: Receive, *, most_bytes: int, now: Callable[[], float]
) -> Incoming | None:
    """The whole request; None if the client went away before it was whole. Of too large a body nothing is kept."""
    chunks: list[bytes] = []
    byte_count, more = 0, True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk, more = message.get("body", b""), message.get("more_body", False)
        byte_count += len(chunk)
        if byte_count <= most_bytes:
            chunks.append(chunk)
        else:
            chunks.clear()
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Incoming(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=b"".join(chunks) if byte_count <= most_bytes else None,
        byte_count=byte_count,
        base_url=f"{scope['scheme']}://{headers.get('host', 'localhost')}",
        whole_at=now(),
    )


def _document(incoming: Incoming, *, most_bytes: int) -> Any:
    """The decoded body; None where there is none."""
    if incoming.body is None:
        raise errors.too_large(most_bytes)
    if not incoming.body:
        return None
    content_type = incoming.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() not in CONTENT_TYPES:
        raise errors.unsupported_media_type(content_type)
    try:
        document = json.loads(incoming.body.decode(), parse_constant=_refuse_constant)
        if SURROGATE.search(incoming.body):
            # Half a character can be escaped, and cannot be encoded: nobody can keep it.
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise errors.invalid() from None
    return document


def _date(at: float) -> str:
    """The header, by the sandbox's clock: a time in it means the same as one in a body."""
    return format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True)


def _refuse_constant(name: str) -> None:
    """NaN and Infinity are Python's idea of JSON, and nobody else's."""
    raise ValueError(name)

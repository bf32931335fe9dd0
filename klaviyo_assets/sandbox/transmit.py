"""How an answer leaves: as it should, or as an ordered fault has it, late, slowly, in part or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from starlette.types import Receive, Send

from klaviyo_assets.sandbox.api import errors
from klaviyo_assets.sandbox.api.exchange import JSON_API, Answer
from klaviyo_assets.sandbox.effects import (
    AlterAnswer,
    AnswerWith,
    CutBody,
    DelayAnswer,
    DropConnection,
    Effect,
    SlowBody,
)

E = TypeVar("E", bound=Effect)
Effects = Sequence[Effect]

BODILESS = (204, 304)
"""A body after these would be taken for the beginning of the next answer."""

PROXY_PAGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>cloudflare</body></html>"


def lets_work(effects: Effects) -> bool:
    """Whether the request is carried out at all."""
    refused = any(isinstance(each, (AnswerWith, DropConnection)) and not each.after_work for each in effects)
    return not refused


def altered(answer: Answer, effects: Effects) -> Answer:
    """The answer that the faults make of an answer."""
    if (instead := _only(effects, AnswerWith)) is not None:
        answer = _instead(instead, answer)
    if (alteration := _only(effects, AlterAnswer)) is not None and answer.document is not None:
        document = json.loads(json.dumps(answer.document))
        for pointer, value in alteration.set.items():
            _set(document, pointer.strip("/").split("/"), value)
        answer = replace(answer, document=document)
    return answer


def status_sent(answer: Answer, effects: Effects) -> int | None:
    """The status that the client will see; None if it will see no answer."""
    return None if _only(effects, DropConnection) is not None else answer.status


async def transmit(answer: Answer, effects: Effects, receive: Receive, send: Send) -> None:
    """Sends an answer, or what the faults leave of it."""
    if (delay := _only(effects, DelayAnswer)) is not None:
        await asyncio.sleep(delay.delay_s)
    if _only(effects, DropConnection) is not None:
        return await _hang_up(receive, send, flush=False)
    body = answer.body if answer.document is None else json.dumps(answer.document).encode()
    await send({"type": "http.response.start", "status": answer.status, "headers": _headers(answer, body)})
    if (cut := _only(effects, CutBody)) is not None:
        part = body[: int(len(body) * cut.sent_share)]
        await send({"type": "http.response.body", "body": part, "more_body": True})
        return await _hang_up(receive, send, flush=True)
    if (slow := _only(effects, SlowBody)) is not None:
        for piece in _pieces(body, slow.piece_count):
            await asyncio.sleep(slow.pause_s)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        body = b""
    return await send({"type": "http.response.body", "body": body})


def _instead(effect: AnswerWith, answer: Answer) -> Answer:
    """What was ordered: a page of a proxy, which knows nothing of Klaviyo's headers, or an error of Klaviyo's."""
    request_id = answer.headers["x-klaviyo-req-id"]
    headers = {"date": answer.headers["date"]} | ({} if effect.html else {"x-klaviyo-req-id": request_id})
    if effect.retry_after is not None:
        headers["retry-after"] = effect.retry_after
    if effect.status in BODILESS:
        return Answer(effect.status, headers=headers)
    if effect.html:
        return Answer(effect.status, headers=headers, body=PROXY_PAGE, content_type="text/html; charset=UTF-8")
    if effect.errors is not None:
        return Answer(effect.status, {"errors": list(effect.errors)}, headers)
    error = errors.throttled(1) if effect.status == 429 else errors.server_error(effect.status)
    return Answer(effect.status, error.document(request_id), headers)


def _headers(answer: Answer, body: bytes) -> list[tuple[bytes, bytes]]:
    content_type = answer.content_type or (JSON_API if answer.document is not None else None)
    headers = dict(answer.headers)
    if content_type is not None:
        headers |= {"content-type": content_type}
    if answer.status not in BODILESS:
        headers |= {"content-length": str(len(body))}
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def _hang_up(receive: Receive, send: Send, *, flush: bool) -> None:
    """Closes the connection for real. ASGI has no word for it: uvicorn's `send` knows its transport."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    if flush:
        transport.close()
    else:
        transport.abort()
    # Until the server has noticed, it would send an error page of its own.
    while (await receive())["type"] != "http.disconnect":
        pass


def _set(document: Any, path: Sequence[str], value: object) -> None:
    """Sets what a JSON pointer, cut at its slashes, points to; `*` is every item of a list."""
    name, rest = path[0], path[1:]
    if name == "*":
        for item in document:
            _set(item, rest, value)
    elif not rest:
        document[int(name) if isinstance(document, list) else name] = value
    else:
        _set(document[int(name)] if isinstance(document, list) else document.setdefault(name, {}), rest, value)


def _pieces(body: bytes, count: int) -> Iterable[bytes]:
    size = max(-(-len(body) // count), 1)
    return (body[start : start + size] for start in range(0, len(body), size))


def _only(effects: Effects, kind: type[E]) -> E | None:
    return next((effect for effect in effects if isinstance(effect, kind)), None)

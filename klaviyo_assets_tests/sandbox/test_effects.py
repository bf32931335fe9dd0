"""Every effect that can be ordered, as data over HTTP, and what a client and a look behind its back make of it.

Each row of the table is met by the same request: a bulk import of Ann, Bob, Cy and Dee, with phone numbers, onto a list
that Old is on. A row says only what is otherwise than without the fault.
"""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets.sandbox.effects import EFFECTS
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import JOBS, LISTS, Json
from klaviyo_assets_tests.sandbox.judge import JSON_API, Judge, client_of

PEOPLE = bodies.rows(
    *({"email": f"{name}@example.com", "phone_number": f"+3712000000{n}"} for n, name in enumerate("abcd"))
)
WITHOUT_FAULT: Json = {
    "status": 202,
    "headers": {"content-type": JSON_API},
    "body": "whole",
    "told": {"status": "queued"},
    "jobs": ["complete"],
    "failed": [],
    "members": "abcdo",
    "numbers": 4,
    "next": 200,
}
NOT_DONE: Json = {"told": {}, "jobs": [], "members": "o", "numbers": 0}
NO_ANSWER: Json = {"status": None, "headers": {}, "body": "none", "told": {}}
PARTIAL = {"content-type": JSON_API, "x-klaviyo-partial-failure": "phone_number"}
HTML = {"content-type": "text/html; charset=UTF-8"}
FAULTS = "/_sandbox/faults"
VIP = {"list_id": "YafG4m"}


def waits(value: str) -> Json:
    """The headers of an answer that asks to be left alone for a while."""
    return {"content-type": JSON_API, "retry-after": value}


ORDERS: list[tuple[Json, Json]] = [
    *(
        ({"kind": "answer_with", "status": status}, {**NOT_DONE, "status": status})
        for status in (400, 401, 403, 404, 405, 409, 410, 413, 415, 429, 500, 502, 503, 504, 520, 524)
    ),
    *(
        (
            {"kind": "answer_with", "status": 429, "retry_after": value},
            {**NOT_DONE, "status": 429, "headers": waits(value)},
        )
        for value in ("0", "1", "60", "86400", "999999999999", "-1", "1.5", "soon", "", "Wed, 25 Nov 2026 07:28:00 GMT")
    ),
    *(
        ({"kind": "answer_with", "status": status, "html": True}, {**NOT_DONE, "status": status, "headers": HTML})
        for status in (200, 403, 502, 503)
    ),
    *(
        ({"kind": "answer_with", "status": status}, {**NOT_DONE, "status": status, "headers": {}, "body": "none"})
        for status in (204, 304)
    ),
    ({"kind": "answer_with", "status": 504, "after_work": True}, {"status": 504, "told": {}}),
    ({"kind": "answer_with", "status": 400, "errors": [{"code": "odd"}]}, {**NOT_DONE, "status": 400, "body": "odd"}),
    ({"kind": "drop_connection"}, {**NOT_DONE, **NO_ANSWER}),
    ({"kind": "drop_connection", "after_work": True}, NO_ANSWER),
    ({"kind": "delay_answer", "delay_s": 0.05}, {}),
    ({"kind": "slow_body", "pause_s": 0.01, "piece_count": 5}, {"body": "in pieces"}),
    ({"kind": "cut_body", "sent_share": 0.5}, {"body": "cut", "told": {}}),
    ({"kind": "cut_body", "sent_share": 0}, {"body": "cut", "told": {}}),
    ({"kind": "alter_answer", "set": {"/data/attributes/status": "on_hold"}}, {"told": {"status": "on_hold"}}),
    ({"kind": "alter_answer", "set": {"/data/attributes/mood": 1}}, {"told": {"status": "queued", "mood": 1}}),
    ({"kind": "fail_rows", "indexes": [0, 3], "code": "odd"}, {"failed": ["odd"] * 2, "members": "bco", "numbers": 2}),
    ({"kind": "fail_rows", "emails": ["B@example.com"]}, {"failed": ["invalid"], "members": "acdo", "numbers": 3}),
    ({"kind": "drop_fields", "indexes": [0, 3]}, {"headers": PARTIAL, "numbers": 2}),
    (
        {"kind": "drop_fields", "emails": ["B@example.com"], "fields": ["phone_number"]},
        {"headers": PARTIAL, "numbers": 3},
    ),
    ({"kind": "drop_fields", "emails": ["nobody@example.com"]}, {}),
    ({"kind": "end_bulk_job", "ending": "cancelled"}, {"jobs": ["cancelled"]}),
    ({"kind": "end_bulk_job", "ending": "stuck_queued"}, {"jobs": ["queued"]}),
    (
        {"kind": "end_bulk_job", "ending": "stuck_processing", "applied_share": 0.5},
        {"jobs": ["processing"], "members": "abo", "numbers": 2},
    ),
    ({"kind": "end_bulk_job", "ending": "expired"}, {"jobs": []}),
    ({"kind": "take_off_list", **VIP, "emails": ["o@example.com"]}, {"members": "abcd"}),
    ({"kind": "take_off_list", **VIP, "emails": ["O@example.com"], "after_work": True}, {"members": "abcd"}),
    ({"kind": "put_on_list", **VIP, "emails": ["n@example.com"]}, {"members": "abcdno"}),
    ({"kind": "put_on_list", **VIP, "emails": ["n@example.com"], "after_work": True}, {"members": "abcdno"}),
    ({"kind": "delete_list", **VIP}, {**NOT_DONE, "status": 400, "members": None}),
    ({"kind": "delete_list", **VIP, "after_work": True}, {"members": None}),
    ({"kind": "revoke_key"}, {**NOT_DONE, "status": 401, "next": 401}),
    ({"kind": "revoke_key", "after_work": True}, {"next": 401}),
    ({"kind": "change_scopes", "scopes": ["lists:read"]}, {**NOT_DONE, "status": 403}),
    ({"kind": "change_scopes", "scopes": ["profiles:read"], "after_work": True}, {"next": 403}),
]


@pytest.mark.parametrize(("do", "differences"), [pytest.param(*case, id=str(case[0])) for case in [({}, {}), *ORDERS]])
def test_what_an_effect_does(sandbox: RunningSandbox, unjudged: httpx.Client, do: Json, differences: Json) -> None:
    """It does what it says and nothing else, and says that it was met."""
    sandbox.create_list("VIP", list_id="YafG4m")
    sandbox.put_on_list("YafG4m", ["o@example.com"])
    if do:
        order = {"match": {"method": "POST", "path": JOBS}, "do": do}
        unjudged.post(FAULTS, json=order).raise_for_status()
    before = time.perf_counter()

    assert observed(sandbox, unjudged) == {**WITHOUT_FAULT, **differences}
    assert time.perf_counter() - before >= float({"delay_s": 0, **do}["delay_s"])
    assert [fault["remaining_count"] for fault in unjudged.get(FAULTS).json()] == [0] * bool(do)


def test_every_effect_is_in_the_table() -> None:
    """Whoever adds a kind says what it does over HTTP."""
    assert {do["kind"] for do, _ in ORDERS} == EFFECTS.keys()


def observed(sandbox: RunningSandbox, client: httpx.Client) -> Json:
    """What becomes of the bulk import: for its client, and for somebody with another key."""
    told = _sent(client)
    next_status = client.get(LISTS).status_code
    sandbox.advance(60)
    sandbox.add_account("pk_observer", account_id=sandbox.account_id)
    with client_of(sandbox.url, "pk_observer", judge=Judge()) as observer:
        jobs = observer.get(JOBS).json()["data"]
        failed = [each for job in jobs for each in observer.get(f"{JOBS}/{job['id']}/import-errors").json()["data"]]
        members = None if observer.get(f"{LISTS}/YafG4m").is_error else sandbox.members("YafG4m")
    return {
        **told,
        "jobs": [job["attributes"]["status"] for job in jobs],
        "failed": [error["attributes"]["code"] for error in failed],
        "members": None if members is None else "".join(sorted(member["email"][0] for member in members)),
        "numbers": len([profile for profile in sandbox.profiles() if profile["phone_number"]]),
        "next": next_status,
    }


def _sent(client: httpx.Client) -> Json:
    """The answer to the bulk import, as far as it came."""
    found: Json = {**NO_ANSWER}
    pieces: list[bytes] = []
    try:
        with client.stream("POST", JOBS, json=bodies.bulk(PEOPLE, "YafG4m")) as answer:
            kept = ("content-type", "retry-after", "x-klaviyo-partial-failure")
            found["headers"] = {name: answer.headers[name] for name in kept if name in answer.headers}
            found["status"] = answer.status_code
            pieces.extend(answer.iter_raw())
    except httpx.TransportError:
        return found if found["status"] is None else {**found, "body": "cut"}
    return {**found, **_read(b"".join(pieces), "whole" if len(pieces) == 1 else "in pieces")}


def _read(content: bytes, body: str) -> Json:
    """What a body says, if it is none of a proxy."""
    if not content or content.startswith(b"<"):
        return {"body": body if content else "none"}
    document: dict[str, Any] = json.loads(content)
    if "errors" in document:
        code = document["errors"][0]["code"]
        return {"body": code if code == "odd" else body}
    attributes = document["data"]["attributes"]
    return {"body": body, "told": {name: attributes[name] for name in ("status", "mood") if name in attributes}}

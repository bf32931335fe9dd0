"""The sandbox's own routes, under /_sandbox/: to set it up, to move its clock, to order faults, to ask for the truth.

They need no key and answer this machine alone. What they do stands in `state.py`; here is only HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from klaviyo_assets.sandbox.account.lists import Flow
from klaviyo_assets.sandbox.api.access import ALL_SCOPES
from klaviyo_assets.sandbox.faults import parse_fault
from klaviyo_assets.sandbox.inputs import (
    WrongInput,
    expect_known,
    expect_number,
    expect_object,
    expect_text,
    expect_texts,
    parse,
)
from klaviyo_assets.sandbox.state import Sandbox

Json = Any
Params = dict[str, str]
Control = Callable[[Sandbox, Params, Json], Json]


def routes(sandbox: Sandbox) -> list[Route]:
    """The routes, without their prefix."""
    return [Route(path, _endpoint(sandbox, control), methods=[method]) for method, path, control in CONTROLS]


def reset(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Empties everything; the body may hold settings."""
    sandbox.reset(body)
    return sandbox.settings.as_json()


def read_settings(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """All settings."""
    return sandbox.settings.as_json()


def change_settings(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Changes those in the body, and tells all."""
    return sandbox.change(body).as_json()


def read_clock(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """The time, in seconds since 1970."""
    return {"now": sandbox.now()}


def move_clock(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Moves the clock forward by `advance_s`."""
    sandbox.advance(expect_number(body, "advance_s"))
    return {"now": sandbox.now()}


def read_accounts(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Every account; no keys."""
    return [{"account_id": account.id, "name": account.name} for account in sandbox.accounts.values()]


def add_account(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """A key: of a new account, or one more of one that is there."""
    given = expect_object(body, where="account")
    expect_known(given, ("key", "account_id", "name", "scopes"), where="account")
    account = sandbox.add_account(
        expect_text(given, "key"),
        account_id=expect_text(given, "account_id") if "account_id" in given else None,
        name=expect_text(given, "name") if "name" in given else None,
        scopes=expect_texts(given, "scopes") if "scopes" in given else ALL_SCOPES,
    )
    return {"account_id": account.id, "name": account.name}


def change_key(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """What a key may do. It stands in the body, as paths are shown and bodies are not."""
    sandbox.change_scopes(expect_text(body, "key"), expect_texts(body, "scopes"))
    return {}


def revoke_key(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Somebody takes a key away."""
    sandbox.revoke_key(expect_text(body, "key"))
    return {}


def read_lists(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """An account's lists."""
    return sandbox.lists(params["account_id"])


def create_list(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """A list, with an id and flows of one's choice."""
    given = expect_object(body, where="list")
    expect_known(given, ("name", "id", "flows"), where="list")
    created = sandbox.create_list(
        params["account_id"],
        expect_text(given, "name"),
        list_id=expect_text(given, "id") if "id" in given else None,
        flows=_flows(given),
    )
    return {"id": created.id, "name": created.name}


def change_list(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """The flows that a list starts."""
    given = expect_object(body, where="list")
    expect_known(given, ("flows",), where="list")
    sandbox.set_flows(params["account_id"], params["list_id"], _flows(given))
    return {}


def delete_list(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Somebody else deletes a list."""
    sandbox.delete_list(params["account_id"], params["list_id"])
    return {}


def read_members(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """The truth about a list."""
    return sandbox.members(params["account_id"], params["list_id"])


def put_on_list(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Somebody else puts people on a list."""
    sandbox.put_on_list(params["account_id"], params["list_id"], _emails(body))
    return {}


def take_off_list(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Somebody else takes people off a list."""
    sandbox.take_off_list(params["account_id"], params["list_id"], _emails(body))
    return {}


def read_profiles(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """The truth about an account."""
    return sandbox.profiles(params["account_id"])


def change_profile(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Somebody changes a profile's address; the path has its id or its address so far."""
    given = expect_object(body, where="profile")
    expect_known(given, ("email",), where="profile")
    sandbox.change_email(params["account_id"], params["profile"], expect_text(given, "email"))
    return {}


def read_requests(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """The last requests, oldest first."""
    return [request.as_json() for request in sandbox.log.all()]


def clear_requests(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Forgets them."""
    sandbox.log.clear()
    return {}


def order_fault(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Orders a fault."""
    return sandbox.order_fault(parse_fault(body)).as_json()


def read_faults(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Every fault, and how far it was met."""
    return [fault.as_json() for fault in sandbox.faults.all()]


def clear_faults(sandbox: Sandbox, params: Params, body: Json) -> Json:
    """Takes all faults back."""
    sandbox.faults.clear()
    return {}


CONTROLS: tuple[tuple[str, str, Control], ...] = (
    ("POST", "/reset", reset),
    ("GET", "/settings", read_settings),
    ("POST", "/settings", change_settings),
    ("GET", "/clock", read_clock),
    ("POST", "/clock", move_clock),
    ("GET", "/accounts", read_accounts),
    ("POST", "/accounts", add_account),
    ("PATCH", "/keys", change_key),
    ("DELETE", "/keys", revoke_key),
    ("GET", "/accounts/{account_id}/lists", read_lists),
    ("POST", "/accounts/{account_id}/lists", create_list),
    ("PATCH", "/accounts/{account_id}/lists/{list_id}", change_list),
    ("DELETE", "/accounts/{account_id}/lists/{list_id}", delete_list),
    ("GET", "/accounts/{account_id}/lists/{list_id}/members", read_members),
    ("POST", "/accounts/{account_id}/lists/{list_id}/members", put_on_list),
    ("DELETE", "/accounts/{account_id}/lists/{list_id}/members", take_off_list),
    ("GET", "/accounts/{account_id}/profiles", read_profiles),
    ("PATCH", "/accounts/{account_id}/profiles/{profile}", change_profile),
    ("GET", "/requests", read_requests),
    ("DELETE", "/requests", clear_requests),
    ("GET", "/faults", read_faults),
    ("POST", "/faults", order_fault),
    ("DELETE", "/faults", clear_faults),
)


def _endpoint(sandbox: Sandbox, control: Control) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if not _is_local(request):
            return JSONResponse({"error": "The sandbox takes orders from its own machine only."}, 403)
        try:
            body = json.loads(await request.body() or b"null")
            result = await run_in_threadpool(control, sandbox, dict(request.path_params), body)
        except (WrongInput, json.JSONDecodeError) as mistake:
            return JSONResponse({"error": str(mistake)}, 400)
        return JSONResponse(result)

    return answer


def _is_local(request: Request) -> bool:
    return request.client is not None and ip_address(request.client.host).is_loopback


def _flows(given: Json) -> tuple[Flow, ...]:
    return tuple(parse(Flow, flow, where="flow") for flow in given.get("flows", ()))


def _emails(body: Json) -> list[str]:
    """Of `[{"email": …}, …]`."""
    if not isinstance(body, list):
        raise WrongInput('members: found no list, expected [{"email": …}, …].')
    return [expect_text(expect_object(member, where="member"), "email") for member in body]

"""What a sandbox shows in a browser: lists and their members, bulk jobs, faults, the last requests.

Read only; the looks are in `templates/`. Nothing is fetched from anywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jinja2 import Environment, FileSystemLoader
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from klaviyo_assets.sandbox.account import Account
from klaviyo_assets.sandbox.account.bulk_jobs import BulkJob
from klaviyo_assets.sandbox.account.lists import KlaviyoList
from klaviyo_assets.sandbox.api.paging import NUMBER
from klaviyo_assets.sandbox.request_log import LoggedRequest
from klaviyo_assets.sandbox.state import Sandbox

TEMPLATES = Path(__file__).parent / "templates"
BULK_JOBS_SHOWN, ERRORS_SHOWN, REQUESTS_SHOWN, MEMBERS_SHOWN = 20, 20, 60, 50

Page = Callable[[Request], Awaitable[Response]]


def routes(sandbox: Sandbox) -> list[Route]:
    """The pages' routes. A list's page has the path that it has on Klaviyo's site."""
    return [
        Route("/", _page(sandbox, "account.html", account_page)),
        Route("/list/{list_id}/members", _page(sandbox, "members.html", members_page)),
    ]


def account_page(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """Everything about one account: the one asked for, or the first."""
    now = sandbox.now()
    account = sandbox.accounts.get(request.query_params.get("account", ""), next(iter(sandbox.accounts.values())))
    account.settle(now)
    bulk_jobs = account.bulk_jobs()
    logged = [each for each in sandbox.log.all() if each.account_id in (account.id, None)]
    return {
        "title": account.name,
        "account": account,
        "accounts": list(sandbox.accounts.values()),
        "lists": [_list(one) for one in sorted(account.lists.values(), key=lambda one: one.name.lower())],
        "bulk_jobs": [_bulk_job(account, job, now) for job in bulk_jobs[: -BULK_JOBS_SHOWN - 1 : -1]],
        "bulk_job_count": len(bulk_jobs),
        "requests": [_request(each) for each in logged[: -REQUESTS_SHOWN - 1 : -1]],
        "request_count": len(logged),
        "faults": [_fault(each.as_json()) for each in sandbox.faults.all()],
    }


def members_page(sandbox: Sandbox, request: Request) -> dict[str, Any] | None:
    """One page of a list's members; None if no account has such a list."""
    list_id = request.path_params["list_id"]
    account = sandbox.account_with(list_id)
    if account is None:
        return None
    account.settle(sandbox.now())
    klaviyo_list = account.lists[list_id]
    ids = klaviyo_list.members.by_id()
    page_count = max(-(-len(ids) // MEMBERS_SHOWN), 1)
    asked = request.query_params.get("page", "")
    number = min(max(int(asked), 1), page_count) if NUMBER.fullmatch(asked) else 1
    shown = ids[(number - 1) * MEMBERS_SHOWN : number * MEMBERS_SHOWN]
    return {
        "title": klaviyo_list.name,
        "account": account,
        "accounts": list(sandbox.accounts.values()),
        "list": _list(klaviyo_list),
        "members": [_member(account, klaviyo_list, profile_id) for profile_id in shown],
        "page": number,
        "page_count": page_count,
    }


def _page(sandbox: Sandbox, template: str, gather: Callable[[Sandbox, Request], dict[str, Any] | None]) -> Page:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)

    def rendered(request: Request) -> Response:
        with sandbox.lock:
            shown = gather(sandbox, request)
            frame = {"now": _moment(sandbox.now()), "settings": sandbox.settings}
        if shown is None:
            return HTMLResponse(environment.get_template("missing.html").render(frame, title="No such list"), 404)
        return HTMLResponse(environment.get_template(template).render(frame | shown))

    async def answer(request: Request) -> Response:
        return await run_in_threadpool(rendered, request)

    return answer


def _list(one: KlaviyoList) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "member_count": len(one.members),
        "flows": one.flows,
        "created": _moment(one.created_at),
    }


def _bulk_job(account: Account, job: BulkJob, now: float) -> dict[str, Any]:
    failures = job.failures_told(now)
    return {
        "id": job.id,
        "status": job.status(now),
        "created": _moment(job.created_at),
        "total_count": job.total_count,
        "completed_count": job.completed_count(now),
        "failed_count": job.failed_count(now),
        "progress": round(100 * job.course.progress(now)),
        "lists": [account.lists[i].name if i in account.lists else i for i in job.list_ids],
        "failures": failures[:ERRORS_SHOWN],
        "failure_count": len(failures),
    }


def _request(logged: LoggedRequest) -> dict[str, Any]:
    return {
        "at": _moment(logged.at),
        "method": logged.method,
        "path": unquote(logged.path),
        "status": logged.status or "dropped",
        "tone": _tone(logged.status),
        "duration_ms": logged.duration_s * 1000,
        "kilobytes": logged.byte_count / 1000,
    }


def _tone(status: int | None) -> str:
    if status is None or status >= 500:
        return "bad"
    return "warn" if status >= 400 else "good"


def _fault(fault: dict[str, Any]) -> dict[str, Any]:
    effects = (f"{effect['kind'].replace('_', ' ')} {effect.get('status', '')}" for effect in fault["do"])
    counts = {"met_count": fault["met_count"], "times": fault["times"]}
    return {**fault["match"], **counts, "effects": ", ".join(effects)}


def _member(account: Account, klaviyo_list: KlaviyoList, profile_id: str) -> dict[str, Any]:
    profile = account.profiles[profile_id]
    attributes = profile.attributes()
    properties = attributes.pop("properties", {})
    return {
        "id": profile.id,
        "email": profile.email,
        "phone_number": profile.phone_number,
        "external_id": profile.external_id,
        "name": " ".join(filter(None, (attributes.get("first_name"), attributes.get("last_name")))),
        "joined": _moment(klaviyo_list.members.joined_at(profile_id)),
        "properties": {name: _shown(value) for name, value in properties.items()},
    }


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")

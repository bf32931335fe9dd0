"""Klaviyo's verbs as this project needs them: each a few requests, giving values and frames.

No method here touches consent: people are imported and join or leave a list, nobody is subscribed, unsubscribed or
suppressed (https://developers.klaviyo.com/en/docs/collect_email_and_sms_consent_via_api). What to send is not
decided here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, TypeVar
from urllib.parse import quote

import polars as pl

from klaviyo_assets.errors import NotFound, ScopeMissing, UnknownList
from klaviyo_assets.frames import MEMBERS, empty
from klaviyo_assets.klaviyo import members, wire
from klaviyo_assets.klaviyo.answers import Answer, parse, understand
from klaviyo_assets.klaviyo.bulk import BulkJob, FailedRow, parse_bulk_job, parse_failed_row
from klaviyo_assets.klaviyo.session import Session
from klaviyo_assets.klaviyo.wire import Request, Tier

T = TypeVar("T")

MOST_REMOVALS: Final = 1_000  # https://developers.klaviyo.com/en/reference/remove_profiles_from_list
NEEDED_SCOPES: Final = ("accounts:read", "lists:read", "lists:write", "profiles:read", "profiles:write")
_PROBES: Final = {
    "lists:read": (wire.with_query("/api/lists", {"fields[list]": "created"}), wire.L),
    "profiles:read": (wire.with_query("/api/profiles", {"fields[profile]": "created", "page[size]": "1"}), wire.L),
}
_JOBS_PATH: Final = "/api/profile-bulk-import-jobs"
_IN_FLIGHT: Final = 8  # look-ups at once


@dataclass(frozen=True)
class Account:
    """Whose account the key is."""

    id: str
    name: str
    is_test: bool = False


@dataclass(frozen=True)
class KlaviyoList:
    """A list: its id, its name today, and how many members it has, where that was asked for."""

    id: str
    name: str
    member_count: int | None = None


class Client:
    """One account of Klaviyo."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def fetch_account(self) -> Account:
        """Whose account the key is: https://developers.klaviyo.com/en/reference/get_accounts."""
        document = self._fetch("/api/accounts", "/api/accounts", wire.XS)
        return understand(_parse_account, document, call="GET /api/accounts")

    def may_read(self, scope: Literal["lists:read", "profiles:read"]) -> bool:
        """Whether the key has the scope, by asking for as little as there is to ask for."""
        path, tier = _PROBES[scope]
        try:
            self._fetch(path, path.partition("?")[0], tier)
        except ScopeMissing:
            return False
        return True

    def fetch_list(self, list_id: str, *, count: bool = False) -> KlaviyoList:
        """A list, with its number of members where asked: https://developers.klaviyo.com/en/reference/get_list.

        Raises:
            UnknownList: the account has no such list.
        """
        path = f"/api/lists/{quote(list_id, safe='')}"
        query = {"additional-fields[list]": "profile_count"} if count else {}
        try:
            # Counting has a smaller quota of its own, shared by all endpoints that count.
            budget, tier = ("profile_count", wire.XS) if count else ("/api/lists/{id}", wire.L)
            document = self._fetch(wire.with_query(path, query), budget, tier)
            return understand(_parse_list, document.get("data"), call="GET /api/lists/{id}")
        except NotFound as error:
            message = (
                f"The account has no list {list_id}; copy the list's id from its settings in Klaviyo into list_id, "
                f"or write list_name instead."
            )
            raise UnknownList(message, request_id=error.request_id) from None

    def fetch_live_flows(self, list_id: str) -> list[str]:
        """The names of the flows that joining the list starts: https://developers.klaviyo.com/en/reference/get_list."""
        path = wire.with_query(f"/api/lists/{quote(list_id, safe='')}", {"include": "flow-triggers"})
        included = self._fetch(path, "/api/lists/{id}", wire.L).get("included") or []
        flows = (resource.get("attributes") or {} for resource in included if resource.get("type") == "flow")
        return sorted(
            str(flow.get("name")) for flow in flows if flow.get("status") == "live" and not flow.get("archived")
        )

    def find_lists(self, name: str) -> list[KlaviyoList]:
        """All lists of this name: https://developers.klaviyo.com/en/reference/get_lists."""
        path = wire.with_query("/api/lists", {"filter": wire.equals("name", name)})
        return list(self._fetch_all(_parse_list, path, "/api/lists", wire.L))

    def create_list(self, name: str) -> KlaviyoList:
        """A new list: https://developers.klaviyo.com/en/reference/create_list."""
        body = json.dumps({"data": {"type": "list", "attributes": {"name": name}}}).encode()
        # Names are not unique: created twice, it would be two lists.
        request = Request("POST", "/api/lists", "/api/lists POST", wire.M, body, repeatable=False)
        document = parse(self.session.send(request), request)
        return understand(_parse_list, document.get("data"), call=request.name)

    def read_members(self, list_id: str) -> Iterator[pl.DataFrame]:
        """All members of a list, as MEMBERS, a page at a time."""
        path: str | None = members.page_path(list_id)
        while path:
            answer = self._get(path, members.BUDGET, wire.L)
            page, following = members.parse_page(answer.body)
            yield page
            path = wire.next_page({"links": {"next": following}}, api_url=self.session.api_url)

    def find_members(self, list_id: str, emails: pl.Series) -> pl.DataFrame:
        """Those of the addresses that are members of the list, as MEMBERS."""
        paths = [members.lookup_path(list_id, group) for group in members.cut_lookups(emails)]
        return self._look_up(paths, members.BUDGET)

    def find_profiles(self, values: pl.Series, *, by: Literal["email", "external_id"]) -> pl.DataFrame:
        """The account's profiles that have these addresses, or external ids, as MEMBERS; `joined_at` is null."""
        paths = [members.profiles_path(by, group) for group in members.cut_lookups(values)]
        return self._look_up(paths, "/api/profiles")

    def clear_fields(self, email: str, fields: Iterable[str]) -> None:
        """Empty fields of one person: https://developers.klaviyo.com/en/reference/create_or_update_profile."""
        body = members.render_clear(email, fields)
        self.session.send(Request("POST", "/api/profile-import", "/api/profile-import", wire.L, body))

    def request_deletion(self, email: str) -> bool:
        """Have everything of one person deleted: https://developers.klaviyo.com/en/reference/request_profile_deletion.

        Returns:
            Whether Klaviyo has such a profile; if so, it deletes it some time after it answered.
        """
        path = "/api/data-privacy-deletion-jobs"
        try:
            self.session.send(Request("POST", path, path, wire.S, members.render_deletion(email)))
        except NotFound:
            return False
        return True

    def remove_members(self, list_id: str, profile_ids: pl.Series) -> None:
        """Take up to 1 000 members off a list; who is none already stays none.

        https://developers.klaviyo.com/en/reference/remove_profiles_from_list
        """
        path = f"/api/lists/{quote(list_id, safe='')}/relationships/profiles"
        body = members.render_identifiers(profile_ids)
        self.session.send(Request("DELETE", path, "/api/lists/{id}/relationships/profiles DELETE", wire.M, body))

    def submit_body(self, body: bytes) -> BulkJob:
        """Hand a body over: https://developers.klaviyo.com/en/reference/bulk_import_profiles.

        An import updates whom it finds, and joining a list twice is joining it once: it may be sent again.
        """
        request = Request("POST", _JOBS_PATH, f"{_JOBS_PATH} POST", wire.M, body)
        answer = self.session.send(request)
        job = understand(parse_bulk_job, parse(answer, request).get("data"), call=request.name)
        return replace(job, dropped=answer.dropped)

    def fetch_recent_bulk_jobs(self, *, since: datetime) -> Iterator[BulkJob]:
        """The account's bulk jobs, newest first, back to those created before `since`, a hundred a request."""
        path = wire.with_query(_JOBS_PATH, {"page[size]": "100", "sort": "-created_at"})
        for job in self._fetch_all(parse_bulk_job, path, _JOBS_PATH, wire.M):
            if job.created_at < since:
                return
            yield job

    def fetch_bulk_job(self, job_id: str) -> BulkJob | None:
        """One bulk job, or None where Klaviyo knows it no longer (it forgets them after seven days)."""
        path = f"{_JOBS_PATH}/{quote(job_id, safe='')}"
        try:
            document = self._fetch(path, f"{_JOBS_PATH}/{{id}}", wire.M)
            return understand(parse_bulk_job, document.get("data"), call=f"GET {_JOBS_PATH}/{{id}}")
        except NotFound:
            return None

    def fetch_failed_rows(self, job_id: str) -> Sequence[FailedRow]:
        """Every row of a bulk job that failed, from all pages."""
        path = f"{_JOBS_PATH}/{quote(job_id, safe='')}/import-errors"
        budget = f"{_JOBS_PATH}/{{id}}/import-errors"
        return list(self._fetch_all(parse_failed_row, wire.with_query(path, {"page[size]": "100"}), budget, wire.M))

    def read_imported(self, job_id: str) -> Iterator[pl.DataFrame]:
        """Whom a bulk job created or updated, as MEMBERS, a page at a time; `joined_at` is null.

        Raises:
            NotFound: Klaviyo knows the bulk job no longer.
        """
        path: str | None = members.imported_path(job_id)
        while path:
            page, following = members.parse_page(self._get(path, f"{_JOBS_PATH}/{{id}}/profiles", wire.M).body)
            yield page
            path = wire.next_page({"links": {"next": following}}, api_url=self.session.api_url)

    def _look_up(self, paths: list[str], budget: str) -> pl.DataFrame:
        with ThreadPoolExecutor(_IN_FLIGHT, thread_name_prefix="klaviyo-look-up") as pool:
            answers = pool.map(lambda path: self._get(path, budget, wire.L), paths)
            pages = [members.parse_page(answer.body)[0] for answer in answers]
        return pl.concat([empty(MEMBERS), *pages])

    def _get(self, path: str, budget: str, tier: Tier) -> Answer:
        return self.session.send(Request("GET", path, budget, tier))

    def _fetch(self, path: str, budget: str, tier: Tier) -> dict[str, Any]:
        request = Request("GET", path, budget, tier)
        return parse(self.session.send(request), request)

    def _fetch_all(self, read: Callable[[Any], T], path: str, budget: str, tier: Tier) -> Iterator[T]:
        """What `read` makes of each resource, from all pages."""
        following: str | None = path
        while following:
            document = self._fetch(following, budget, tier)
            resources = understand(list, document.get("data"), call=f"GET {budget}")
            yield from (understand(read, resource, call=f"GET {budget}") for resource in resources)
            following = wire.next_page(document, api_url=self.session.api_url)


def _parse_account(document: dict[str, Any]) -> Account:
    resource = document["data"][0]
    facts = resource["attributes"]
    contact = facts.get("contact_information") or {}
    name = str(contact.get("organization_name") or "")
    return Account(id=resource["id"], name=name, is_test=bool(facts.get("test_account")))


def _parse_list(resource: dict[str, Any]) -> KlaviyoList:
    facts = resource["attributes"]
    return KlaviyoList(id=resource["id"], name=str(facts.get("name") or ""), member_count=facts.get("profile_count"))

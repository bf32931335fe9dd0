"""The requests whose answers hold what is known of Klaviyo's wire, by name, and the account that they are asked of.

They are sent one after the other while the clock stands still: what comes later sees what came before.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

import httpx

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.asked import Asked, Ids, a_little_of_everything
from klaviyo_assets_tests.sandbox.bodies import IMPORT, JOBS, LISTS, PROFILES, Json

READER = "pk_reader"
ONE_LIST = f"{LISTS}/{{list}}"
ONE_JOB = f"{JOBS}/{{job}}"
MEMBERS = f"{ONE_LIST}/relationships/profiles"
TAKEN: Json = {"email": "ann@example.com", "phone_number": "+37120000001"}
ACCOUNTS = "/api/accounts"


def importing(row: Json) -> Callable[[Ids], Json]:
    """A bulk import of which the row at index 1 is in question."""
    return lambda ids: bodies.bulk([*bodies.people(1), *bodies.rows(row)])


def with_authorization(value: str) -> Asked:
    """A look at the lists by whoever sends this header."""
    return Asked("GET", LISTS, headers={"authorization": value})


EXCHANGES: Mapping[str, Asked] = {
    "account": Asked("GET", ACCOUNTS),
    "throttled": Asked("GET", ACCOUNTS),
    "lists": Asked("GET", LISTS),
    "some fields, with a last slash": Asked("GET", f"{LISTS}/", {"fields[list]": "name,created"}),
    "second page": Asked("GET", LISTS, {"page[cursor]": "{cursor}"}),
    "second page, by the SDK": Asked("GET", LISTS, {"page[cursor]": "={cursor}"}),
    "second page, by its address": Asked("GET", LISTS, {"page[cursor]": "{url}/api/lists?page%5Bcursor%5D={cursor}"}),
    "junk cursor": Asked("GET", LISTS, {"page[cursor]": "junk"}),
    "lists by id": Asked("GET", LISTS, {"filter": 'any(id,["{list}"])'}),
    "unknown operator": Asked("GET", LISTS, {"filter": 'contains(name,"x")'}),
    "eleven lists a page": Asked("GET", LISTS, {"page[size]": "11"}),
    "one list": Asked("GET", ONE_LIST),
    "one list with tags": Asked("GET", ONE_LIST, {"include": "tags"}),
    "one list, counted": Asked("GET", ONE_LIST, {"additional-fields[list]": "profile_count"}),
    "new list": Asked("POST", LISTS, body=lambda ids: bodies.a_list()),
    "new list, plain JSON": Asked(
        "POST", LISTS, body=lambda ids: bodies.a_list(), headers={"content-type": "application/json"}
    ),
    "new list, as text": Asked("POST", LISTS, body=lambda ids: bodies.a_list(), headers={"content-type": "text/plain"}),
    "renamed list": Asked("PATCH", ONE_LIST, body=lambda ids: bodies.renamed(ids["list"], "Other")),
    "deleted list": Asked("DELETE", f"{LISTS}/{{old}}"),
    "deleted list, read": Asked("GET", f"{LISTS}/{{old}}"),
    "unknown list": Asked("GET", f"{LISTS}/NOPE01"),
    "unknown profile": Asked("GET", f"{PROFILES}/NOPE01"),
    "unknown job": Asked("GET", f"{JOBS}/NOPE01"),
    "unknown path": Asked("GET", "/api/no-such-thing"),
    "no key": Asked("GET", LISTS, without=("authorization",)),
    "another scheme": with_authorization("Token pk_abc"),
    "unknown key": with_authorization("Klaviyo-API-Key pk_nobody"),
    "missing scope": Asked(
        "POST", LISTS, body=lambda ids: bodies.a_list(), headers={"authorization": f"Klaviyo-API-Key {READER}"}
    ),
    "no revision": Asked("GET", LISTS, without=("revision",)),
    "old revision": Asked("GET", LISTS, headers={"revision": "2025-10-15"}),
    "retired revision": Asked("GET", LISTS, headers={"revision": "2024-10-15"}),
    "retired revision, and no other": Asked(
        *("GET", LISTS), headers={"revision": "2024-10-15", "x-klaviyo-revision-fall-forward-opt-out": "1"}
    ),
    "members": Asked("GET", MEMBERS),
    "101 members a page": Asked("GET", MEMBERS, {"page[size]": "101"}),
    "member added": Asked("POST", MEMBERS, body=lambda ids: bodies.ids([ids["profile"]])),
    "member removed": Asked("DELETE", MEMBERS, body=lambda ids: bodies.ids([ids["profile"]])),
    "new profile": Asked("POST", PROFILES, body=lambda ids: bodies.a_profile(**TAKEN)),
    "new profile, read": Asked("GET", PROFILES, {"filter": f'equals(email,"{TAKEN["email"]}")'}),
    "the same again": Asked("POST", PROFILES, body=lambda ids: bodies.a_profile(email=TAKEN["email"])),
    "import of a new one": Asked("POST", IMPORT, body=lambda ids: bodies.a_profile(email=" Bob@Example.com ")),
    "import of one that is there": Asked("POST", IMPORT, body=lambda ids: bodies.a_profile(email="bob@example.com")),
    "import of two people": Asked(
        "POST", IMPORT, body=lambda ids: bodies.a_profile(**TAKEN | {"email": "bob@example.com"})
    ),
    "new job": Asked("POST", JOBS, body=lambda ids: bodies.bulk(bodies.people(2), ids["list"])),
    "jobs": Asked("GET", JOBS, {"sort": "created_at"}),
    "one job": Asked("GET", ONE_JOB),
    "lists of a job": Asked("GET", f"{ONE_JOB}/relationships/lists"),
    "profiles of a job": Asked("GET", f"{ONE_JOB}/relationships/profiles"),
    "job with a bad address": Asked("POST", JOBS, body=importing({"email": "mailto:a@example.com"})),
    "job with nobody": Asked("POST", JOBS, body=importing({"first_name": "Ann"})),
    "job with a number of nowhere": Asked("POST", JOBS, body=importing({"phone_number": "+999123456789"})),
    "job with half a number": Asked("POST", JOBS, body=importing({"phone_number": "+1234"})),
    "job with an odd attribute": Asked("POST", JOBS, body=importing({"email": "a@example.com", "colour": "red"})),
    "job onto an unknown list": Asked("POST", JOBS, body=lambda ids: bodies.bulk(bodies.people(1), "NOPE01")),
    "job of no shape": Asked("POST", JOBS, body=lambda ids: {"data": []}),
}


def cursor_of(text: str) -> str:
    """A cursor as Klaviyo writes it: base64url, without padding."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def answers_of(sandbox: RunningSandbox, klaviyo: httpx.Client) -> tuple[Ids, dict[str, httpx.Response]]:
    """Sends every request; returns what stands for the names in braces, and the answers."""
    ids = {**a_little_of_everything(sandbox, klaviyo), "url": sandbox.url, "old": sandbox.create_list("Old")}
    first_ten = sorted([ids["list"], ids["old"], *(sandbox.create_list(f"List {number}") for number in range(10))])[:10]
    ids |= {"tenth": first_ten[-1], "cursor": cursor_of(f"next::id::{first_ten[-1]}")}
    sandbox.add_account(READER, account_id=sandbox.account_id, scopes=["lists:read"])
    return ids, {name: asked.send(klaviyo, ids) for name, asked in EXCHANGES.items()}

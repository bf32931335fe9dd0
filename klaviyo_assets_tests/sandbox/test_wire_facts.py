"""What is known of Klaviyo's wire from recorded answers, a fact a row, in words and as what an answer holds.

Every exchange of `exchanges.py` is carried out once. A row names one of them, and says what is where: under a JSON
pointer, or in a header (or `status`, or `body`). What holds for all answers alike is looked for in each by `judge.py`.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.sandbox.asked import Ids
from klaviyo_assets_tests.sandbox.exchanges import EXCHANGES, answers_of, cursor_of
from klaviyo_assets_tests.sandbox.judge import JSON_API, Judge, client_of

ABSENT: Any = ...
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ULID = re.compile(r"01[0-9A-HJKMNP-TV-Z]{24}")
SIX = re.compile(r"[0-9A-Za-z]{6}")
SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
MICROSECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
ROW = "/data/attributes/profiles/data/1/attributes"
LIMITS = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
CREATED = "/data/attributes/created"
LISTS_URL = "{url}/api/lists"
JOB_URL = "{url}/api/profile-bulk-import-jobs/{job}"


Recorded = tuple[Ids, dict[str, httpx.Response]]


class Same(NamedTuple):
    """What is in another place of the answer, or of another one."""

    where: str
    exchange: str | None = None


def refused(status: int, code: str, title: str, detail: str, pointer: str) -> dict[str, Any]:
    """An error's whole text."""
    texts = {"status": status, "code": code, "title": title, "detail": detail, "source/pointer": pointer}
    return {"status": status} | {f"/errors/0/{name}": text for name, text in texts.items()}


def invalid(detail: str, pointer: str) -> dict[str, Any]:
    """400, which has links and meta, both empty."""
    return refused(400, "invalid", "Invalid input.", detail, pointer) | {"/errors/0/links": {}, "/errors/0/meta": {}}


def not_found(detail: str) -> dict[str, Any]:
    """404, which has neither."""
    absent = {"/errors/0/links": ABSENT, "/errors/0/meta": ABSENT}
    return refused(404, "not_found", "Not found.", detail, "/data/") | absent


def unknown(code: str, title: str, detail: str) -> dict[str, Any]:
    """401, which tells the schemes, and neither the account nor its limits."""
    absent = dict.fromkeys(("cid", *LIMITS), ABSENT)
    return refused(401, code, title, detail, "/data/") | absent | {"www-authenticate": "Bearer, Klaviyo-API-Key"}


NO_KEY = "Authentication credentials were not provided."
WRONG_KEY = "Incorrect authentication credentials."
NO_SCOPE = "Your API key is missing required scopes: lists:write"
NO_REGION = "Phone number is valid but is not in a supported region for this account."
DUPLICATE = "A profile already exists with one of these identifiers."
THROTTLED = "Request was throttled."
RATE_LIMITS = "https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling#rate-limits"
SCHEME = "Missing or invalid authorization scheme. Please use Klaviyo-API-Key."
OPERATORS = "'contains' is not an allowed filter operator for name.  Allowed operators are any, equals"
JUNK = f"{LISTS_URL}?filter=any%28id%2C%5B%22{{list}}%22%5D%29&page%5Bcursor%5D={{junk}}"
CONFLICT = refused(409, "duplicate_profile", "Conflict.", DUPLICATE, "/data/attributes") | {"/errors/0/links": {}}

FACTS: list[tuple[str, str, dict[str, Any]]] = [
    ("limits are a string: the burst, and each window", "lists", {LIMITS[0]: "75, 75;w=1, 750;w=60"}),
    ("what remains is that of the second, whose reset is 0", "lists", {LIMITS[1]: "74", LIMITS[2]: "0"}),
    ("counting members lowers the limit", "one list, counted", {LIMITS[0]: "1, 1;w=1, 15;w=60"}),
    ("making lists has a daily window", "new list", {LIMITS[0]: "10, 10;w=1, 150;w=60, 150;w=86400"}),
    ("so much of the day is left", "new list", {f"{LIMITS[1]}-daily": "149", f"{LIMITS[2]}-daily": "86400"}),
    ("a refusal of who is known tells the limits", "unknown list", dict.fromkeys(LIMITS, re.compile(".+"))),
    ("429 tells no limits, but when to come back", "throttled", {**dict.fromkeys(LIMITS, ABSENT), "retry-after": "1"}),
    (
        *("429 has this body", "throttled"),
        refused(429, "throttled", THROTTLED, f"{THROTTLED} Expected available in 1 second.", "/data")
        | {"/errors/0/links": {"type": RATE_LIMITS}, "/errors/0/meta": {}},
    ),
    ("every request has an id", "lists", {"x-klaviyo-req-id": UUID}),
    ("an answer names the account", "lists", {"cid": "{account}"}),
    ("an answer says what may be asked there", "lists", {"allow": "GET, POST"}),
    ("an answer is one of several", "lists", {"vary": "Accept, Accept-Language, Cookie, Origin"}),
    ("an answer is in English", "lists", {"content-language": "en-us"}),
    ("an answer is JSON:API", "lists", {"content-type": JSON_API}),
    ("two types of JSON are taken", "new list, plain JSON", {"status": 201, "content-type": JSON_API}),
    ("other types are 415", "new list, as text", {"status": 415}),
    ("204 has no body and no type", "deleted list", {"status": 204, "body": "", "content-type": ABSENT}),
    ("nor a length", "deleted list", {"content-length": ABSENT}),
    ("putting on a list is 204", "member added", {"status": 204, "body": "", "content-type": ABSENT}),
    ("taking off a list is a DELETE with a body", "member removed", {"status": 204, "body": ""}),
    ("an answer tells its revision", "lists", {"x-klaviyo-api-revision": "2026-07-15"}),
    ("a revision in its prime has no end", "lists", {"x-klaviyo-api-retirement-date": ABSENT}),
    ("an old revision tells its end", "old revision", {"x-klaviyo-api-retirement-date": "2027-10-15"}),
    ("a retired one falls forward", "retired revision", {"status": 200, "x-klaviyo-api-revision": "2025-01-15"}),
    ("falling forward can be refused", "retired revision, and no other", {"status": 410}),
    ("a revision is required", "no revision", invalid("Missing required header 'revision'.", "/data/")),
    ("a path that there is not", "unknown path", not_found("No valid revisions found for method")),
    ("an error has the request's id", "unknown list", {"/errors/0/id": Same("x-klaviyo-req-id")}),
    ("a list that is not there, in back-ticks", "unknown list", not_found("A list with id `NOPE01` does not exist.")),
    ("a profile that is not there", "unknown profile", not_found("A profile with id NOPE01 does not exist.")),
    ("a job that is not there", "unknown job", not_found("Invalid job id")),
    ("a deleted list is not there", "deleted list, read", not_found("A list with id `{old}` does not exist.")),
    ("no key", "no key", unknown("not_authenticated", NO_KEY, "Missing or invalid private key.")),
    ("another scheme", "another scheme", unknown("not_authenticated", NO_KEY, SCHEME)),
    ("a key that nobody has", "unknown key", unknown("authentication_failed", WRONG_KEY, WRONG_KEY)),
    (
        *("a key that may not", "missing scope"),
        refused(403, "permission_denied", "You do not have permission to perform this action.", NO_SCOPE, "/data/"),
    ),
    ("a cursor that is none", "junk cursor", invalid("Invalid cursor provided.", "/data/")),
    ("an operator that there is not", "unknown operator", {"/errors/0/source": {"parameter": "filter"}}),
    ("it is told which there are", "unknown operator", {"status": 400, "/errors/0/detail": OPERATORS}),
    ("eleven lists are too many for a page", "eleven lists a page", {"status": 400}),
    ("101 members are too many for a page", "101 members a page", {"status": 400}),
    ("a page has ten lists", "lists", {"/data/9/id": "{tenth}", "/data/10": ABSENT}),
    ("a page has twenty members", "members", {"/data/19/id": ULID, "/data/20": ABSENT}),
    ("a cursor is base64url of the last id", "lists", {"/links/next": f"{LISTS_URL}?page%5Bcursor%5D={{cursor}}"}),
    ("the first page has no previous", "lists", {"/links/prev": None}),
    ("the last page has no next", "second page", {"/links/next": None, "/data/1/id": re.compile(".+")}),
    ("a cursor may begin with =", "second page, by the SDK", {"/data": Same("/data", "second page")}),
    ("a cursor may be an address", "second page, by its address", {"/data": Same("/data", "second page")}),
    ("a look-up of ids has a junk previous page", "lists by id", {"/links/prev": JUNK, "/links/next": None}),
    ("accounts are a page", "account", {"/links": {"self": "{url}/api/accounts", "next": None, "prev": None}}),
    ("a document about one thing has one link", "one list", {"/links": {"self": f"{LISTS_URL}/{{list}}"}}),
    ("what was created is where it was sent to", "new list", {"/links": {"self": LISTS_URL}}),
    (
        *("a document echoes the request, encoded, without a last slash", "some fields, with a last slash"),
        {"/links/self": f"{LISTS_URL}?fields%5Blist%5D=name%2Ccreated"},
    ),
    ("a resource's link ends in a slash", "one list", {"/data/links": {"self": f"{LISTS_URL}/{{list}}/"}}),
    (
        *("so do a relationship's, which has no data unasked", "one list"),
        {
            "/data/relationships/tags/links/self": f"{LISTS_URL}/{{list}}/relationships/tags/",
            "/data/relationships/tags/links/related": f"{LISTS_URL}/{{list}}/tags/",
            "/data/relationships/tags/data": ABSENT,
        },
    ),
    ("a relationship has data where it is included", "one list with tags", {"/data/relationships/tags/data": []}),
    ("a job's lists are told unasked", "one job", {"/data/relationships/lists/data/0/id": "{list}"}),
    ("a job's lists are not paged", "lists of a job", {"/links": {"self": f"{JOB_URL}/relationships/lists"}}),
    (
        *("cursors of a job's profiles count pages", "profiles of a job"),
        {"/links/next": f"{JOB_URL}/relationships/profiles?page%5Bcursor%5D={{second_of_job}}"},
    ),
    ("reading tells seconds", "one list", {CREATED: SECONDS, "/data/attributes/updated": SECONDS}),
    ("creating tells microseconds", "new list", {CREATED: MICROSECONDS}),
    ("so does changing", "renamed list", {"/data/attributes/updated": MICROSECONDS}),
    ("and so it is with profiles", "new profile", {CREATED: MICROSECONDS}),
    ("which are read in seconds", "new profile, read", {"/data/0/attributes/created": SECONDS}),
    ("a new job tells seconds", "new job", {"/data/attributes/created_at": SECONDS}),
    ("a list of jobs tells microseconds", "jobs", {"/data/0/attributes/created_at": MICROSECONDS}),
    ("a list's id is six letters and digits", "new list", {"/data/id": SIX}),
    ("a profile's id is a ULID", "new profile", {"/data/id": ULID}),
    ("creating is 201", "new profile", {"status": 201}),
    ("creating what is there is 409", "the same again", CONFLICT),
    ("409 names who it is", "the same again", {"/errors/0/meta/duplicate_profile_id": Same("/data/id", "new profile")}),
    ("importing a new one is 201", "import of a new one", {"status": 201}),
    ("addresses are kept trimmed, small", "import of a new one", {"/data/attributes/email": "bob@example.com"}),
    (
        *("importing one that is there is 200", "import of one that is there"),
        {"status": 200, "/data/id": Same("/data/id", "import of a new one")},
    ),
    ("importing what is two people's is 409", "import of two people", CONFLICT),
    ("a job is accepted by 202, and queued", "new job", {"status": 202, "/data/attributes/status": "queued"}),
    ("it has counted its rows", "new job", {"/data/attributes/total_count": 2, "/data/attributes/completed_count": 0}),
    ("a job that is done is `complete`", "one job", {"/data/attributes/status": "complete"}),
    ("a bad address refuses the body", "job with a bad address", invalid("Invalid email address", f"{ROW}/email")),
    ("a row with no identifier", "job with nobody", {"status": 400, "/errors/0/source": {"pointer": ROW}}),
    ("a region", "job with a number of nowhere", invalid(NO_REGION, f"{ROW}/phone_number")),
    ("a number", "job with half a number", {"/errors/0/detail": re.compile(r"Invalid phone number format \(.*\)")}),
    (
        *("an attribute that there is not", "job with an odd attribute"),
        invalid("'colour' is not a valid field for the resource 'profile'.", f"{ROW}/colour"),
    ),
    ("an unknown list", "job onto an unknown list", invalid("List ID NOPE01 does not exist.", "/data")),
    ("no document", "job of no shape", invalid("The payload provided in the request is invalid.", "/data")),
]


@pytest.fixture(scope="module")
def recorded(running: RunningSandbox) -> Recorded:
    """The names in braces, and every answer."""
    running.reset()
    with client_of(running.url, running.key, judge=Judge()) as klaviyo:
        ids, answers = answers_of(running, klaviyo)
    last = answers["profiles of a job"].json()["data"][-1]["id"]
    junk = cursor_of(f"<Filters: any(id,['{ids['list']}'])>")
    return {**ids, "junk": junk, "second_of_job": cursor_of(f"next::{last}::2")}, answers


@pytest.mark.parametrize(("fact", "exchange", "told"), FACTS, ids=[fact for fact, _, _ in FACTS])
def test_wire_fact(recorded: Recorded, fact: str, exchange: str, told: dict[str, Any]) -> None:
    """What was seen on the wire of Klaviyo is on that of the sandbox."""
    ids, answers = recorded
    for where, expected in told.items():
        found = at(answers[exchange], where)
        if isinstance(expected, re.Pattern):
            assert found is not ABSENT, f"{fact}: {where}"
            assert expected.fullmatch(found), f"{fact}: {where}: {found!r}"
        elif isinstance(expected, Same):
            assert found == at(answers[expected.exchange or exchange], expected.where) != ABSENT, fact
        else:
            assert (type(found), found) == (type(expected), named(expected, ids)), f"{fact}: {where}"


def test_every_exchange_has_a_fact() -> None:
    """Nothing is asked of which nothing is expected."""
    assert {exchange for _, exchange, _ in FACTS} == EXCHANGES.keys()


def at(answer: httpx.Response, where: str) -> Any:
    """What is in one place of an answer."""
    if not where.startswith("/"):
        return {"status": answer.status_code, "body": answer.text}.get(where, answer.headers.get(where, ABSENT))
    found = json.loads(answer.content)
    for name in where.strip("/").split("/"):
        try:
            found = found[int(name) if isinstance(found, list) else name]
        except (KeyError, IndexError):
            return ABSENT
    return found


def named(expected: Any, ids: Ids) -> Any:
    """What is expected, with the names in braces replaced, also inside of objects."""
    if isinstance(expected, str):
        return expected.format_map(ids)
    return {name: named(each, ids) for name, each in expected.items()} if isinstance(expected, dict) else expected

"""The sandbox's own routes."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox, create_app
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import LISTS


@pytest.fixture
def control(sandbox: RunningSandbox) -> Any:
    """Asks a route under /_sandbox/, without a key, and returns what it answers."""

    def ask(method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        answer = httpx.request(method, f"{sandbox.url}/_sandbox{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    return ask


def test_reset_empties_everything(control: Any, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Accounts, lists, jobs, faults, requests, limits and the clock; settings go back to the starting ones."""
    sandbox.add_account("pk_other", account_id="Other1")
    sandbox.create_list("VIP")
    control("POST", "/faults", {"do": {"kind": "answer_with", "status": 503}, "match": {"path": "/nowhere"}})
    control("POST", "/settings", {"job_duration_s": 99})
    sandbox.advance(1e9)
    klaviyo.get("/api/accounts")

    assert control("POST", "/reset")["job_duration_s"] == 1.0
    assert control("GET", "/accounts") == [{"account_id": "Sandbx", "name": "Sandbox"}]
    assert control("GET", "/accounts/Sandbx/lists") == []
    assert control("GET", "/faults") == control("GET", "/requests") == []
    assert control("GET", "/clock")["now"] < 1e10
    assert klaviyo.get("/api/accounts").status_code == 200
    assert klaviyo.get(LISTS, headers={"authorization": "Klaviyo-API-Key pk_other"}).status_code == 401


def test_reset_may_change_settings(control: Any) -> None:
    """The body's settings hold from then on; a mistake in it empties nothing."""
    assert control("POST", "/reset", {"limits": "off"})["limits"] == "off"
    control("POST", "/accounts/Sandbx/lists", {"name": "VIP"})
    control("POST", "/reset", {"limits": "none"}, status=400)

    assert len(control("GET", "/accounts/Sandbx/lists")) == 1


def test_settings_and_clock(control: Any) -> None:
    """They can be read and changed, and the clock moved."""
    assert control("POST", "/settings", {"seed": 7}) == control("GET", "/settings")
    before = control("GET", "/clock")["now"]

    assert control("POST", "/clock", {"advance_s": 90})["now"] - before == pytest.approx(90)


def test_accounts_and_keys(control: Any, klaviyo: httpx.Client) -> None:
    """A key makes its account, or joins one; no key is ever shown."""
    made = control("POST", "/accounts", {"key": "pk_one", "name": "Contoso"})
    same = {"key": "pk_two", "account_id": made["account_id"], "scopes": ["lists:read"]}

    assert control("POST", "/accounts", same) == made
    assert "pk_" not in str(control("GET", "/accounts"))
    klaviyo.headers["authorization"] = "Klaviyo-API-Key pk_two"
    assert klaviyo.get(LISTS).headers["cid"] == made["account_id"]
    assert klaviyo.post(LISTS, json=bodies.a_list()).status_code == 403


def test_a_key_can_be_changed_and_revoked(control: Any, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """What it may do changes at once, and then it is nobody's; the account stays."""
    key = {"key": sandbox.key}
    control("PATCH", "/keys", key | {"scopes": ["accounts:read"]})
    fewer = klaviyo.get(LISTS).status_code
    control("PATCH", "/keys", key | {"scopes": ["lists:read"]})
    again = klaviyo.get(LISTS).status_code
    control("DELETE", "/keys", key)
    revoked = klaviyo.get(LISTS)

    assert (fewer, again, revoked.status_code) == (403, 200, 401)
    assert bodies.error_of(revoked)["code"] == "authentication_failed"
    assert control("GET", "/accounts") == [{"account_id": "Sandbx", "name": "Sandbox"}]
    control("DELETE", "/keys", key, status=400)


def test_a_list_can_be_deleted(control: Any, klaviyo: httpx.Client) -> None:
    """The client finds it no more, and whoever was on it is still a profile."""
    control("POST", "/accounts/Sandbx/lists", {"name": "VIP", "id": "YafG4m"})
    control("POST", "/accounts/Sandbx/lists/YafG4m/members", [{"email": "ann@example.com"}])
    control("DELETE", "/accounts/Sandbx/lists/YafG4m")

    assert klaviyo.get(f"{LISTS}/YafG4m").status_code == 404
    assert len(control("GET", "/accounts/Sandbx/profiles")) == 1
    control("DELETE", "/accounts/Sandbx/lists/YafG4m", status=400)


def test_lists_with_an_id_of_one_s_choice(control: Any, klaviyo: httpx.Client) -> None:
    """They are there for the client; an id that is taken is refused; flows can be set later."""
    control("POST", "/accounts/Sandbx/lists", {"name": "VIP", "id": "YafG4m"})
    control("POST", "/accounts/Sandbx/lists", {"name": "Again", "id": "YafG4m"}, status=400)
    control("PATCH", "/accounts/Sandbx/lists/YafG4m", {"flows": [{"id": "Flow01", "name": "Welcome"}]})
    document = klaviyo.get(f"{LISTS}/YafG4m", params={"include": "flow-triggers"}).json()

    assert [flow["attributes"]["name"] for flow in document["included"]] == ["Welcome"]
    assert control("GET", "/accounts/Sandbx/lists") == [
        {
            "id": "YafG4m",
            "name": "VIP",
            "member_count": 0,
            "flows": [{"id": "Flow01", "name": "Welcome", "status": "live", "archived": False}],
        }
    ]


def test_what_happens_behind_the_client_s_back(control: Any, klaviyo: httpx.Client) -> None:
    """Somebody else puts people on a list, takes some off, and changes an address."""
    control("POST", "/accounts/Sandbx/lists", {"name": "VIP", "id": "YafG4m"})
    members = "/accounts/Sandbx/lists/YafG4m/members"
    control("POST", members, [{"email": "Ann@example.com"}, {"email": "bob@example.com"}])
    control("DELETE", members, [{"email": "bob@example.com"}, {"email": "nobody@example.com"}])
    control("PATCH", "/accounts/Sandbx/profiles/ann@example.com", {"email": "ann@new.example"})
    [member] = control("GET", members)
    profiles = control("GET", "/accounts/Sandbx/profiles")

    assert member.pop("joined_at").endswith("+00:00")
    assert member == profiles[0]
    assert {**member, "profile_id": ""} == {
        "profile_id": "",
        "email": "ann@new.example",
        "phone_number": None,
        "external_id": None,
        "attributes": {},
        "properties": {},
    }
    assert [profile["email"] for profile in profiles] == ["ann@new.example", "bob@example.com"]
    control("PATCH", f"/accounts/Sandbx/profiles/{member['profile_id']}", {"email": "bob@example.com"}, status=400)


def test_the_truth_is_that_of_now(control: Any, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Jobs that are due are applied before anybody looks."""
    list_id = sandbox.create_list("VIP")
    bodies.submit(klaviyo, bodies.people(3), list_id)

    assert control("GET", f"/accounts/Sandbx/lists/{list_id}/members") == []
    control("POST", "/clock", {"advance_s": 60})
    assert len(control("GET", f"/accounts/Sandbx/lists/{list_id}/members")) == 3


def test_requests(control: Any, klaviyo: httpx.Client) -> None:
    """They are told without keys, and can be forgotten; the controls themselves are not among them."""
    klaviyo.get(LISTS)
    [request] = control("GET", "/requests")

    assert {**request, "at": 0, "duration_s": 0} == {
        "method": "GET",
        "path": "/api/lists",
        "status": 200,
        "at": 0,
        "duration_s": 0,
        "byte_count": 0,
        "account_id": "Sandbx",
    }
    control("DELETE", "/requests")
    assert control("GET", "/requests") == []


def test_faults(control: Any, klaviyo: httpx.Client) -> None:
    """An order tells how often it was met; what was not can be taken back."""
    order = {"match": {"method": "GET", "path": "/api/*"}, "times": 2, "do": {"kind": "answer_with", "status": 503}}
    assert control("POST", "/faults", order)["remaining_count"] == 2
    assert klaviyo.get(LISTS).status_code == 503

    [fault] = control("GET", "/faults")
    assert (fault["met_count"], fault["remaining_count"]) == (1, 1)
    control("DELETE", "/faults")
    assert klaviyo.get(LISTS).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/clock", {}, "advance_s: found nothing, expected a number."),
        ("POST", "/clock", {"advance_s": True}, "advance_s: found bool, expected a number."),
        ("POST", "/clock", {"advance_s": -5}, "advance_s: found -5.0, expected 0 or more."),
        ("POST", "/accounts", {"name": "x"}, "key: found nothing, expected a text."),
        ("POST", "/accounts", {"key": 5}, "key: found int, expected a text."),
        ("POST", "/accounts", {"key": "pk_x", "account_id": 5}, "account_id: found int, expected a text."),
        ("POST", "/accounts/Sandbx/lists", {"name": "x", "id": 5}, "id: found int, expected a text."),
        ("POST", "/accounts", {"key": "pk_x", "scopes": "all"}, "scopes: found str, expected a list of texts."),
        ("GET", "/accounts/Nope/profiles", None, "account_id: found 'Nope', expected one of Sandbx."),
        ("GET", "/accounts/Sandbx/lists/Nope/members", None, "list_id: found 'Nope', expected one of none."),
        ("POST", "/accounts/Sandbx/lists", {"name": "x", "colour": 1}, "list: unknown colour; expected any of "),
        ("PATCH", "/accounts/Sandbx/profiles/x", {"email": "a@b.co"}, "profile: there is none with this id"),
        ("PATCH", "/accounts/Sandbx/profiles/x", {"email": "no"}, "email: found no valid e-mail address"),
        ("PATCH", "/keys", {"key": "pk_x", "scopes": []}, "key: found one that nobody has, expected a key of"),
        ("PATCH", "/keys", {"key": "pk_x"}, "scopes: found nothing, expected a list of texts."),
        ("DELETE", "/keys", {}, "key: found nothing, expected a text."),
        ("DELETE", "/accounts/Sandbx/lists/Nope", None, "list_id: found 'Nope', expected one of none."),
        ("POST", "/faults", {}, "do: found nothing, expected a JSON object."),
        (
            *("POST", "/faults", {"do": {"kind": "delete_list", "list_id": "Nope"}}),
            "delete_list.list_id: found 'Nope', expected a list that is there.",
        ),
    ],
)
def test_what_the_controls_refuse(control: Any, method: str, path: str, body: object, message: str) -> None:
    """Every mistake is 400, with a sentence that says what was found and what was expected."""
    assert control(method, path, body, status=400)["error"].startswith(message)


def test_what_is_no_json(sandbox: RunningSandbox) -> None:
    """It is 400 too."""
    assert httpx.post(f"{sandbox.url}/_sandbox/reset", content=b"{").status_code == 400


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("::1", 200), ("192.0.2.7", 403)])
def test_only_this_machine_gives_orders(host: str, status: int) -> None:
    """From anywhere else the controls are closed."""

    async def asked() -> int:
        transport = httpx.ASGITransport(create_app(), client=(host, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            return (await client.get("/_sandbox/settings")).status_code

    assert asyncio.run(asked()) == status

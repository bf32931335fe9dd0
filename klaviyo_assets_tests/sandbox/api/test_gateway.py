"""What holds for every request: who may ask, paths, bodies, limits. What single answers hold: `test_wire_facts.py`."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import Any

import httpx
import pytest

from klaviyo_assets.sandbox import Effect, RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import JOBS, LISTS, PROFILES, error_of


class TestErrors:
    """Bodies of refusals."""

    @pytest.mark.parametrize(
        ("path", "detail"),
        [
            (f"{LISTS}/NOPE01", "A list with id `NOPE01` does not exist."),
            (f"{LISTS}/NOPE01/profiles", "A list with id `NOPE01` does not exist."),
            (f"{PROFILES}/NOPE01", "A profile with id NOPE01 does not exist."),
            (f"{JOBS}/NOPE01", "Invalid job id"),
            (f"{JOBS}/NOPE01/import-errors", "Invalid job id"),
            ("/api/accounts/NOPE01", "An account with id NOPE01 does not exist."),
            ("/api/no-such-thing", "No valid revisions found for method"),
            ("/api/lists/x/tags", "No valid revisions found for method"),
        ],
    )
    def test_what_is_not_there(self, klaviyo: httpx.Client, path: str, detail: str) -> None:
        """Each kind of thing has its own words."""
        answer = klaviyo.get(path)

        assert answer.status_code == 404
        assert error_of(answer)["detail"] == detail

    def test_another_method(self, klaviyo: httpx.Client) -> None:
        """405 tells which methods there are."""
        answer = klaviyo.put(f"{LISTS}/x")

        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH, DELETE")
        assert error_of(answer)["detail"] == 'Method "PUT" not allowed.'

    def test_refusals_of_who_is_known_tell_the_limits_too(self, klaviyo: httpx.Client) -> None:
        """A refused request was counted, and says so."""
        assert klaviyo.get(f"{LISTS}/NOPE01").headers["ratelimit-remaining"] == "74"


class TestAuthorization:
    """Who may ask."""

    @pytest.mark.parametrize(
        ("authorization", "code", "detail"),
        [
            (None, "not_authenticated", "Missing or invalid private key."),
            ("Klaviyo-API-Key", "not_authenticated", "Missing or invalid private key."),
            ("Klaviyo-API-Key sk_wrong", "not_authenticated", "Missing or invalid private key."),
            (
                "Token pk_abc",
                "not_authenticated",
                "Missing or invalid authorization scheme. Please use Klaviyo-API-Key.",
            ),
            ("Klaviyo-API-Key pk_nobody", "authentication_failed", "Incorrect authentication credentials."),
            ("Bearer token", "authentication_failed", "Incorrect authentication credentials."),
        ],
        ids=str,
    )
    def test_who_is_not_recognised(
        self, klaviyo: httpx.Client, authorization: str | None, code: str, detail: str
    ) -> None:
        """401 names the schemes, and tells neither account nor limits."""
        del klaviyo.headers["authorization"]
        answer = klaviyo.get(LISTS, headers={"authorization": authorization} if authorization else {})

        assert (answer.status_code, error_of(answer)["code"], error_of(answer)["detail"]) == (401, code, detail)
        assert answer.headers["www-authenticate"] == "Bearer, Klaviyo-API-Key"
        assert not {"cid", "ratelimit-limit"} & answer.headers.keys()

    def test_a_missing_scope_is_named(self, sandbox: RunningSandbox, klaviyo: httpx.Client) -> None:
        """A key may not do what its scopes do not cover, and may do what they do."""
        sandbox.add_account("pk_reader", account_id=sandbox.account_id, scopes=["lists:read", "profiles:read"])
        klaviyo.headers["authorization"] = "Klaviyo-API-Key pk_reader"
        refused = klaviyo.post(JOBS, json=bodies.bulk(bodies.people(1)))

        assert klaviyo.get(LISTS).status_code == 200
        assert refused.status_code == 403
        assert error_of(refused)["code"] == "permission_denied"
        assert error_of(refused)["detail"] == ("Your API key is missing required scopes: lists:write, profiles:write")

    def test_accounts_do_not_see_each_other(self, sandbox: RunningSandbox, klaviyo: httpx.Client) -> None:
        """Another account's key finds none of this one's lists."""
        list_id = sandbox.create_list("Ours")
        sandbox.add_account("pk_other", account_id="Other1", name="Other")
        klaviyo.headers["authorization"] = "Klaviyo-API-Key pk_other"

        assert klaviyo.get(LISTS).json()["data"] == []
        assert klaviyo.get(f"{LISTS}/{list_id}").status_code == 404
        assert bodies.ids_of(klaviyo.get("/api/accounts")) == ["Other1"]


class TestPaths:
    """Addresses."""

    @pytest.mark.parametrize("path", [LISTS, f"{LISTS}/", PROFILES, f"{PROFILES}/", "/api/accounts/"])
    def test_a_last_slash_does_not_matter(self, klaviyo: httpx.Client, path: str) -> None:
        """Paths work with it and without it."""
        assert klaviyo.get(path).status_code == 200

    @pytest.mark.parametrize(
        ("params", "parameter", "detail"),
        [
            ({"page_size": "5"}, "page_size", "'page_size' is not a valid field for the resource 'list'."),
            ({"fields[list]": "colour"}, "fields[list]", "'colour' is not a valid field for the resource 'list'."),
            ({"include": "profiles"}, "include", "'profiles' is not a valid field for the resource 'list'."),
            ({"sort": "colour"}, "sort", "'colour' is not a valid sort field."),
        ],
        ids=str,
    )
    def test_what_is_no_parameter(
        self, klaviyo: httpx.Client, params: dict[str, str], parameter: str, detail: str
    ) -> None:
        """A parameter, a field, an include or a sort that there is not is refused by name."""
        answer = klaviyo.get(LISTS, params=params)

        assert answer.status_code == 400
        assert (error_of(answer)["source"], error_of(answer)["detail"]) == ({"parameter": parameter}, detail)

    def test_lists_had_no_page_size_before_2026_04(self, klaviyo: httpx.Client) -> None:
        """An older revision does not know the parameter."""
        old = klaviyo.get(LISTS, params={"page[size]": "5"}, headers={"revision": "2026-01-15"})

        assert klaviyo.get(LISTS, params={"page[size]": "5"}).status_code == 200
        assert error_of(old)["detail"] == "'page_size' is not a valid field for the resource 'list'."


class TestBodies:
    """Bodies of requests."""

    @pytest.mark.parametrize(
        ("content_type", "status"),
        [
            ("application/vnd.api+json", 201),
            ("application/json", 201),
            ("application/json; charset=utf-8", 201),
            ("text/plain", 415),
            ("application/x-www-form-urlencoded", 415),
        ],
    )
    def test_content_types(self, klaviyo: httpx.Client, content_type: str, status: int) -> None:
        """Two kinds of JSON are read, and nothing else."""
        body = json.dumps(bodies.a_list())
        answer = klaviyo.post(LISTS, content=body, headers={"content-type": content_type})

        assert answer.status_code == status

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'{"data": []}',
            b'{"data": {"type": "list"}}',
            b'{"data": {"type": "profile", "attributes": {"name": "x"}}}',
            b'{"data": {"type": "list", "attributes": {"name": NaN}}}',
            b'{"data": {"type": "list", "attributes": {"name": "\\ud83d"}}}',
            b"\xff",
            b"[" * 100_000,
        ],
        ids=lambda body: repr(body[:30]),
    )
    def test_what_is_no_document(self, klaviyo: httpx.Client, body: bytes) -> None:
        """A body that is no JSON:API document of the right kind is invalid."""
        answer = klaviyo.post(LISTS, content=body)

        assert answer.status_code == 400
        assert error_of(answer)["detail"] == "The payload provided in the request is invalid."
        assert error_of(answer)["source"] == {"pointer": "/data"}
        assert (error_of(answer)["links"], error_of(answer)["meta"]) == ({}, {})


class TestLimits:
    """Requests above the limits."""

    def test_the_next_second_is_open_again(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """Who waits as long as told is served."""
        klaviyo.get("/api/accounts")
        sandbox.advance(1)

        assert klaviyo.get("/api/accounts").status_code == 200

    def test_above_the_minute(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """After fifteen in a minute, one has to wait for the rest of it."""
        for _ in range(15):
            assert klaviyo.get("/api/accounts").status_code == 200
            sandbox.advance(1)
        answer = klaviyo.get("/api/accounts")

        assert (answer.status_code, answer.headers["retry-after"]) == (429, "45")
        assert error_of(answer)["detail"].endswith("Expected available in 45 seconds.")

    def test_requests_count_when_they_come(
        self, klaviyo: httpx.Client, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However long they wait for their turn while the sandbox is busy."""
        take, came = sandbox.state.faults.take, Semaphore(0)

        def take_and_tell(method: str, path: str) -> tuple[Effect, ...]:
            came.release()
            return take(method, path)

        monkeypatch.setattr(sandbox.state.faults, "take", take_and_tell)
        with ThreadPoolExecutor(2) as pool:
            with sandbox.state.lock:
                answers = []
                for _ in range(2):
                    answers.append(pool.submit(klaviyo.get, "/api/accounts"))
                    came.acquire()
                    sandbox.advance(1)

            assert [answer.result().status_code for answer in answers] == [200, 200]

    def test_lists_of_a_day(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """After 150 new lists, one has to wait for the next day."""
        for _ in range(150):
            assert klaviyo.post(LISTS, json=bodies.a_list()).status_code == 201
            sandbox.advance(1)
        answer = klaviyo.post(LISTS, json=bodies.a_list())

        assert (answer.status_code, answer.headers["retry-after"]) == (429, str(86_400 - 150))

    def test_limits_are_an_account_s_and_an_endpoint_s(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """Two keys of an account share them; other endpoints and accounts have their own."""
        sandbox.add_account("pk_second", account_id=sandbox.account_id)
        sandbox.add_account("pk_other", account_id="Other1")
        klaviyo.get("/api/accounts")

        def status(key: str, path: str) -> int:
            return klaviyo.get(path, headers={"authorization": f"Klaviyo-API-Key {key}"}).status_code

        assert status("pk_second", "/api/accounts") == 429
        assert status("pk_other", "/api/accounts") == 200
        assert status("pk_second", f"/api/accounts/{sandbox.account_id}") == 200

    def test_counting_profiles_lowers_the_limit(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """`profile_count` has a quota of its own, which all lists share."""
        one, other = sandbox.create_list("One"), sandbox.create_list("Other")
        count = {"additional-fields[list]": "profile_count"}
        first = klaviyo.get(f"{LISTS}/{one}", params=count)

        assert first.headers["ratelimit-limit"] == "1, 1;w=1, 15;w=60"
        assert klaviyo.get(f"{LISTS}/{other}", params=count).status_code == 429
        assert klaviyo.get(f"{LISTS}/{other}").status_code == 200

    def test_lifted_limits(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """A sandbox without limits refuses nobody, and does not pretend otherwise."""
        sandbox.change(limits="off")
        answers = [klaviyo.get("/api/accounts") for _ in range(20)]

        assert {answer.status_code for answer in answers} == {200}
        assert answers[0].headers["ratelimit-limit"].startswith("1000000,")

    @pytest.mark.parametrize(("throttled_count", "status"), [(False, 200), (True, 429)])
    def test_whether_refused_requests_count(
        self, klaviyo: httpx.Client, sandbox: RunningSandbox, throttled_count: bool, status: int
    ) -> None:
        """That is not known of Klaviyo, and so it can be chosen."""
        sandbox.change(throttled_count=throttled_count)
        for _ in range(16):
            klaviyo.get("/api/accounts")
        sandbox.advance(1)

        assert klaviyo.get("/api/accounts").status_code == status

    def test_a_fast_clock_tells_the_caller_s_seconds(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """At a speed of 20, a minute of the sandbox is three seconds of the one who waits."""
        for _ in range(15):
            klaviyo.get("/api/accounts")
            sandbox.advance(1)
        sandbox.change(speed=20)

        assert 1 <= int(klaviyo.get("/api/accounts").headers["retry-after"]) <= 3


class TestLog:
    """What is kept of requests."""

    def test_what_is_logged(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """Method, path with query, status, bytes and account of each request, in their order."""
        klaviyo.get(LISTS, params={"include": "tags"})
        sent = klaviyo.post(LISTS, json=bodies.a_list())
        del klaviyo.headers["authorization"]
        klaviyo.get(LISTS)
        logged: list[tuple[Any, ...]] = [
            (each.method, each.path, each.status, each.byte_count, each.account_id) for each in sandbox.requests()
        ]

        assert logged == [
            ("GET", "/api/lists?include=tags", 200, 0, sandbox.account_id),
            ("POST", "/api/lists", 201, int(sent.request.headers["content-length"]), sandbox.account_id),
            ("GET", "/api/lists", 401, 0, None),
        ]

    def test_keys_are_not_logged(self, klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
        """Neither the log nor the running sandbox shows a key."""
        klaviyo.get(LISTS)

        assert sandbox.key not in repr(sandbox.requests())
        assert sandbox.key not in repr(sandbox)

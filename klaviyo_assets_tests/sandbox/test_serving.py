"""A sandbox in a thread."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

import klaviyo_assets.sandbox
from klaviyo_assets.sandbox import AnswerWith, RunningSandbox, Settings, serve
from klaviyo_assets.sandbox.effects import EFFECTS
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import JOBS, LISTS
from klaviyo_assets_tests.sandbox.judge import Judge, client_of


def test_it_starts_and_stops() -> None:
    """It answers as soon as the block is entered, and no more when it is left; no thread is left behind."""
    before = set(threading.enumerate())
    with serve() as running:
        assert httpx.get(running.url).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.url)

    assert not set(threading.enumerate()) - before


def test_it_stops_while_a_client_still_holds_a_connection() -> None:
    """An idle connection does not keep it up."""
    with httpx.Client() as client:
        with serve() as running:
            client.get(running.url)
            before = time.perf_counter()
        assert time.perf_counter() - before < 1.9


def test_two_at_once_share_nothing() -> None:
    """Each has its own port and its own lists."""
    with serve() as one, serve() as other:
        one.create_list("VIP")

        assert one.url != other.url
        assert (len(one.state.lists("Sandbx")), len(other.state.lists("Sandbx"))) == (1, 0)


def test_a_taken_port_is_an_error() -> None:
    """It is told at once, and nothing is left running."""
    with serve() as running, pytest.raises(OSError, match="in use"), serve(port=int(running.url.rpartition(":")[2])):
        pass


def test_what_it_does_behind_a_client_s_back(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Its methods do what the control routes do, for the default account or another."""
    sandbox.add_account("pk_other", account_id="Other1")
    for account_id in (None, "Other1"):
        list_id = sandbox.create_list("VIP", list_id=f"L{account_id}", account_id=account_id)
        sandbox.put_on_list(list_id, ["ann@example.com", "bob@example.com"], account_id=account_id)
        sandbox.take_off_list(list_id, ["bob@example.com"], account_id=account_id)
        sandbox.change_email("ann@example.com", "new@example.com", account_id=account_id)

        assert [one["email"] for one in sandbox.members(list_id, account_id=account_id)] == ["new@example.com"]
        assert len(sandbox.profiles(account_id=account_id)) == 2


def test_keys_and_lists_are_taken_away(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """By its methods too, in the middle of whatever a client does."""
    list_id = sandbox.create_list("VIP")
    sandbox.delete_list(list_id)
    gone = klaviyo.get(f"{LISTS}/{list_id}").status_code
    sandbox.change_scopes(sandbox.key, ["profiles:read"])
    forbidden = klaviyo.get(LISTS).status_code
    sandbox.revoke_key(sandbox.key)

    assert (gone, forbidden, klaviyo.get(LISTS).status_code) == (404, 403, 401)


def test_faults_are_ordered_and_counted(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """What is returned counts how often it was met, so that a test can fail if it was not."""
    fault = sandbox.order_fault(AnswerWith(503), method="GET", path="/api/*", nth=2, times=1)
    assert [klaviyo.get(LISTS).status_code, sandbox.unmet_faults()] == [200, [fault]]

    assert [klaviyo.get(LISTS).status_code, sandbox.unmet_faults()] == [503, []]


def test_many_clients_at_once(sandbox: RunningSandbox, klaviyo: httpx.Client) -> None:
    """Forty bodies from eight threads all arrive, and nobody is lost."""
    sandbox.change(limits="off")
    list_id = sandbox.create_list("VIP")

    def send(number: int) -> int:
        entries = bodies.rows(*({"email": f"{number}-{row}@example.com"} for row in range(50)))
        return klaviyo.post(JOBS, json=bodies.bulk(entries, list_id)).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(send, range(40)))
    sandbox.advance(60)

    assert statuses == [202] * 40
    assert len(sandbox.members(list_id)) == 2000


def test_a_full_body_is_no_burden(sandbox: RunningSandbox, klaviyo: httpx.Client) -> None:
    """Five megabytes of ten thousand people are read and applied in well under three seconds on any machine."""
    properties = {"tier": "gold", "notes": "x" * 330}
    entries = bodies.rows(
        *({"email": f"p{n:05}@example.com", "external_id": f"c-{n}", "properties": properties} for n in range(10_000))
    )
    body = json.dumps(bodies.bulk(entries)).encode()
    assert 4_000_000 < len(body) <= 5_000_000
    before = time.process_time()
    assert klaviyo.post(JOBS, content=body).status_code == 202
    sandbox.advance(60)

    assert len(sandbox.profiles()) == 10_000
    assert time.process_time() - before < 3


def test_a_clock_of_its_own() -> None:
    """At a thousand seconds a second, a job of a minute is complete before anybody could wait for it."""
    with (
        serve(Settings(speed=1000, job_duration_s=60)) as running,
        client_of(running.url, running.key, judge=Judge()) as client,
    ):
        job_id = bodies.submit(client, bodies.people(1))
        deadline = time.monotonic() + 10
        while client.get(f"{JOBS}/{job_id}").json()["data"]["attributes"]["status"] != "complete":
            assert time.monotonic() < deadline


def test_what_is_public() -> None:
    """The names that others may use are those that were meant."""
    assert set(klaviyo_assets.sandbox.__all__) == {
        *("create_app", "serve", "Settings", "RunningSandbox", "LoggedRequest", "Flow", "WrongInput", "Fault"),
        *(effect.__name__ for effect in EFFECTS.values()),
        "Effect",
    }

"""Where a key goes, and what comes back of one attempt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klaviyo_assets.errors import KeyMissing, Unavailable, UnexpectedAnswer
from klaviyo_assets.klaviyo import Client, connect, transport
from klaviyo_assets.klaviyo.transport import Transport
from klaviyo_assets.klaviyo.wire import XS, Request
from klaviyo_assets.sandbox import CutBody, DropConnection, Effect, RunningSandbox, SlowBody
from klaviyo_assets_tests.klaviyo.answering import answering

REQUEST = Request("GET", "/api/accounts?fields%5Baccount%5D=locale", "/api/accounts", XS)


@pytest.fixture
def to_sandbox(sandbox: RunningSandbox) -> Iterator[Transport]:
    """A transport to the sandbox."""
    with Transport(api_key=sandbox.key, api_url=sandbox.url) as made:
        yield made


@pytest.mark.parametrize(
    "url",
    [
        "https://a.klaviyo.com",
        "https://proxy.example:8443",
        "http://localhost:8025",
        "http://127.0.0.1",
        "http://127.9.9.9:1",
        "http://[::1]:8025",
        "https://localhost",
    ],
)
def test_a_key_goes_there(url: str) -> None:
    """A key goes to any encrypted address, and in clear to this machine alone."""
    with Transport(api_key="pk_marker", api_url=url):
        pass


@pytest.mark.parametrize(
    "url",
    [
        "http://a.klaviyo.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://127.0.0.1@evil.example",
        "ftp://127.0.0.1",
        "https://",
        "a.klaviyo.com",
        "",
    ],
)
def test_a_key_does_not_go_there(url: str) -> None:
    """No key goes in clear to another machine, and the error says what to write instead."""
    with pytest.raises(KeyMissing, match="set the variable that api_url_env names") as raised:
        Transport(api_key="pk_marker", api_url=url)
    assert "marker" not in str(raised.value)


def test_what_goes_to_this_machine_goes_through_no_proxy(
    to_sandbox: Transport, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would see the key in clear, so that it is passed by."""
    with answering(500, {}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        with Transport(api_key=sandbox.key, api_url=sandbox.url) as made:
            assert made.send(REQUEST).status == 200
        assert proxy.asked == []


def test_an_answer_comes_back_whole(to_sandbox: Transport) -> None:
    """Status, headers by lower-case name, and every byte."""
    answer = to_sandbox.send(REQUEST)

    assert answer.status == 200
    assert answer.request_id
    assert answer.headers["ratelimit-limit"] == "1, 1;w=1, 15;w=60"
    assert len(answer.body) == int(answer.headers["content-length"])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """The key stays here, whatever address an answer names."""
    with answering(200, {}) as elsewhere, answering(status, {"location": elsewhere.url}) as server:
        with connect(api_key="pk_marker", api_url=server.url) as client, pytest.raises(UnexpectedAnswer) as raised:
            client.fetch_account()
        assert elsewhere.asked == []
        assert [asked["Authorization"] for asked in server.asked] == ["Klaviyo-API-Key pk_marker"]

    assert "marker" not in str(raised.value)


@pytest.mark.parametrize(
    "effect",
    [DropConnection(), DropConnection(after_work=True), CutBody(), SlowBody(pause_s=0.02, piece_count=2)],
    ids=["dropped", "dropped-after-work", "cut", "slow"],
)
def test_no_whole_answer_is_none(
    to_sandbox: Transport, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, effect: Effect
) -> None:
    """An answer that breaks off, or goes on for longer than the limit, is told without what was asked."""
    monkeypatch.setattr(transport, "LONGEST_ANSWER_S", 0.01 if isinstance(effect, SlowBody) else 60.0)
    sandbox.order_fault(effect)

    with pytest.raises(Unavailable, match="did not answer GET /api/accounts") as raised:
        to_sandbox.send(REQUEST)
    assert "locale" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_slow_answer_within_the_limit_is_waited_for(to_sandbox: Transport, sandbox: RunningSandbox) -> None:
    """An answer in pieces is as good as one at once."""
    sandbox.order_fault(SlowBody(pause_s=0.001, piece_count=3))

    assert to_sandbox.send(REQUEST).status == 200


def test_nobody_there_is_no_answer() -> None:
    """Where nothing listens, the error says what to look at."""
    with answering(200, {}) as gone:
        pass
    with Transport(api_key="pk_marker", api_url=gone.url) as made, pytest.raises(Unavailable, match="network"):
        made.send(REQUEST)


def test_a_connection_is_to_the_account_of_the_key(sandbox: RunningSandbox) -> None:
    """A client is made of key and address, also of one that ends in a slash, and sends nothing by itself."""
    with connect(api_key=sandbox.key, api_url=f"{sandbox.url}/") as client:
        assert isinstance(client, Client)
        assert sandbox.requests() == []
        assert client.fetch_account().id == sandbox.account_id

"""When requests leave, how often they are tried, and what stops them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from klaviyo_assets.errors import DeadlinePassed, KeyRejected, Paused, RateLimited, Unavailable
from klaviyo_assets.klaviyo import Session
from klaviyo_assets.klaviyo.pacing import MOST_ATTEMPTS
from klaviyo_assets.klaviyo.transport import Transport
from klaviyo_assets.klaviyo.wire import XS, L, Request
from klaviyo_assets.sandbox import AnswerWith, DropConnection, RunningSandbox

ACCOUNT = Request("GET", "/api/accounts", "/api/accounts", XS)
LISTS = Request("GET", "/api/lists", "/api/lists", L)
NEW_LIST = Request(
    "POST",
    "/api/lists",
    "/api/lists POST",
    L,
    b'{"data":{"type":"list","attributes":{"name":"VIP"}}}',
    repeatable=False,
)


def statuses(sandbox: RunningSandbox) -> list[int | None]:
    """What each request came to."""
    return [request.status for request in sandbox.requests()]


@pytest.mark.parametrize("effect", [AnswerWith(503), AnswerWith(502, html=True), DropConnection()], ids=str)
def test_a_failure_is_tried_again(
    session: Session, sandbox: RunningSandbox, effect: AnswerWith | DropConnection
) -> None:
    """What may be sent twice is sent until it succeeds, each time after a wait."""
    began = session.now()
    sandbox.order_fault(effect, times=MOST_ATTEMPTS - 1)

    assert session.send(LISTS).status == 200
    assert session.request_count == len(sandbox.requests()) == MOST_ATTEMPTS
    assert session.now() > began + 10


def test_a_failure_is_not_tried_for_ever(session: Session, sandbox: RunningSandbox) -> None:
    """After enough attempts the last answer is the result."""
    sandbox.order_fault(AnswerWith(503), times=MOST_ATTEMPTS)

    with pytest.raises(Unavailable, match="503"):
        session.send(LISTS)
    assert session.request_count == MOST_ATTEMPTS


@pytest.mark.parametrize(
    ("request_", "effect", "error"),
    [
        pytest.param(NEW_LIST, DropConnection(after_work=True), Unavailable, id="may-have-had-its-effect"),
        pytest.param(LISTS, AnswerWith(401), KeyRejected, id="would-be-refused-again"),
    ],
)
def test_what_is_not_tried_again(
    session: Session, sandbox: RunningSandbox, request_: Request, effect: AnswerWith, error: type[Exception]
) -> None:
    """What must not be sent twice, and what would end as before, is sent once."""
    sandbox.order_fault(effect)

    with pytest.raises(error):
        session.send(request_)
    assert session.request_count == 1


def test_throttling_is_waited_for_on_that_endpoint_alone(session: Session, sandbox: RunningSandbox) -> None:
    """A 429 holds its endpoint as long as Klaviyo asks, no other, and is tried again also where nothing else is."""
    began = session.now()
    sandbox.order_fault(AnswerWith(429, retry_after="40"), path="/api/lists", times=2)
    session.send(NEW_LIST)
    assert session.now() == pytest.approx(began + 80, abs=1)
    assert session.waited_s == pytest.approx(80, abs=1)

    session.send(ACCOUNT)
    assert session.now() == pytest.approx(began + 80, abs=1)
    assert statuses(sandbox) == [429, 429, 201, 200]


def test_limits_are_kept_without_being_told(session: Session, sandbox: RunningSandbox) -> None:
    """Requests over a limit are held back until they are within it, and what they waited is counted once."""
    began = session.now()
    for _ in range(17):
        session.send(ACCOUNT)

    assert set(statuses(sandbox)) == {200}
    assert session.waited_s == pytest.approx(session.now() - began, abs=0.1)
    assert session.now() - began > 60


def test_threads_share_the_limits(session: Session, sandbox: RunningSandbox) -> None:
    """However many threads send, the account's limits hold for all of them together."""
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(session.send, [ACCOUNT] * 24))

    assert [answer.status for answer in answers] == [200] * 24
    assert session.request_count == len(sandbox.requests()) >= 24


def test_nothing_waits_beyond_the_deadline(session: Session, sandbox: RunningSandbox) -> None:
    """A wait that would pass the deadline is not begun: for a limit, for Klaviyo, for a poll."""
    session.set_deadline(0.5)
    session.send(ACCOUNT)
    with pytest.raises(DeadlinePassed, match="deadline_minutes"):
        session.send(ACCOUNT)
    with pytest.raises(DeadlinePassed):
        session.wait(0.6)
    session.wait(0.1)

    sandbox.order_fault(AnswerWith(429, retry_after="30"))
    began = session.now()
    with pytest.raises(RateLimited) as raised:
        session.send(LISTS)
    assert raised.value.retry_after_s == 30
    assert session.now() == began


def test_nothing_is_sent_that_a_condition_forbids(session: Session, sandbox: RunningSandbox) -> None:
    """Conditions are asked right before each attempt, also before one that is tried again, and told of what."""
    asked: list[Request] = []
    session.only_while(asked.append)
    session.send(LISTS)
    sandbox.order_fault(AnswerWith(503))

    def forbid_after_a_failure(request: Request) -> None:
        if sandbox.requests()[-1].status == 503:
            raise Paused("held")

    session.only_while(forbid_after_a_failure)
    with pytest.raises(Paused):
        session.send(LISTS)
    assert asked == [LISTS, LISTS, LISTS]
    assert statuses(sandbox) == [200, 503]
    assert session.request_count == 2


def test_a_closed_session_wakes_up_whoever_waits(sandbox: RunningSandbox) -> None:
    """A thread that waits for an hour ends at once, and the next one does not begin to wait."""
    with Session(Transport(api_key=sandbox.key, api_url=sandbox.url), api_url=sandbox.url) as session:
        session.wait(0)
        outcome: list[BaseException] = []

        def wait() -> None:
            try:
                session.wait(3_600)
            except DeadlinePassed as error:
                outcome.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        session.close()
        thread.join(timeout=30)
        assert [type(error) for error in outcome] == [DeadlinePassed]
        with pytest.raises(DeadlinePassed, match="what is open is settled by the next run"):
            session.wait(3_600)

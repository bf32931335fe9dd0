"""Faults as a client meets them."""

from __future__ import annotations

import time

import httpx
import pytest

from klaviyo_assets.sandbox import (
    AlterAnswer,
    AnswerWith,
    CutBody,
    DelayAnswer,
    DropConnection,
    FailRows,
    RunningSandbox,
    SlowBody,
)
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import JOBS, LISTS, error_of, ids_of


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 520])
def test_a_status_instead_of_the_result(klaviyo: httpx.Client, sandbox: RunningSandbox, status: int) -> None:
    """It comes with a JSON error, the request is not carried out, and the next one is."""
    sandbox.order_fault(AnswerWith(status), method="POST", path=LISTS)
    answer = klaviyo.post(LISTS, json=bodies.a_list())

    assert (answer.status_code, error_of(answer)["status"]) == (status, status)
    assert error_of(answer)["id"] == answer.headers["x-klaviyo-req-id"]
    assert "retry-after" not in answer.headers
    assert ids_of(klaviyo.get(LISTS)) == []
    assert klaviyo.post(LISTS, json=bodies.a_list()).status_code == 201
    assert sandbox.unmet_faults() == []


@pytest.mark.parametrize("value", ["7", "0", "86400", "-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", ""])
def test_any_retry_after(klaviyo: httpx.Client, sandbox: RunningSandbox, value: str) -> None:
    """The header says what was ordered, however silly."""
    sandbox.order_fault(AnswerWith(429, retry_after=value))

    assert klaviyo.get(LISTS).headers["retry-after"] == value


def test_a_page_of_a_proxy(unjudged: httpx.Client, sandbox: RunningSandbox) -> None:
    """A challenge is HTML, where JSON was expected, and has none of Klaviyo's headers."""
    sandbox.order_fault(AnswerWith(403, html=True, after_work=True))
    answer = unjudged.get(LISTS)

    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=UTF-8")
    assert not {"x-klaviyo-req-id", "cid", "ratelimit-limit"} & answer.headers.keys()
    assert answer.text.startswith("<!DOCTYPE html>")


def test_errors_of_one_s_own(unjudged: httpx.Client, sandbox: RunningSandbox) -> None:
    """The entries are those that were ordered."""
    entry = {"id": "1", "code": "odd", "title": "Odd.", "detail": "Nobody knows this."}
    sandbox.order_fault(AnswerWith(400, errors=(entry,)))

    assert unjudged.get(LISTS).json() == {"errors": [entry]}


def test_a_result_that_is_withheld(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """The request is carried out, and its client is told otherwise."""
    sandbox.order_fault(AnswerWith(504, after_work=True), method="POST", path=JOBS)

    assert klaviyo.post(JOBS, json=bodies.bulk(bodies.people(1))).status_code == 504
    assert len(ids_of(klaviyo.get(JOBS))) == 1


@pytest.mark.parametrize("after_work", [False, True], ids=["before the work", "after the work"])
def test_a_dropped_connection(klaviyo: httpx.Client, sandbox: RunningSandbox, after_work: bool) -> None:
    """There is no answer at all; whether the job was accepted is seen in the listing."""
    sandbox.order_fault(DropConnection(after_work=after_work), method="POST", path=JOBS)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        klaviyo.post(JOBS, json=bodies.bulk(bodies.people(1)))

    assert len(ids_of(klaviyo.get(JOBS))) == after_work
    assert [(each.method, each.status) for each in sandbox.requests()] == [("POST", None), ("GET", 200)]


def test_a_body_that_is_cut(unjudged: httpx.Client, sandbox: RunningSandbox) -> None:
    """The headers promise more than comes."""
    sandbox.order_fault(CutBody())
    with unjudged.stream("GET", LISTS) as answer:
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()
        promised = int(answer.headers["content-length"])

        assert answer.num_bytes_downloaded == promised // 2


def test_a_slow_body_comes_in_pieces(unjudged: httpx.Client, sandbox: RunningSandbox) -> None:
    """It takes its time, and is whole in the end."""
    sandbox.order_fault(SlowBody(pause_s=0.02, piece_count=3))
    before = time.perf_counter()
    with unjudged.stream("GET", LISTS) as answer:
        pieces = list(answer.iter_raw())

    assert time.perf_counter() - before >= 0.06
    assert len(pieces) == 3
    assert b"".join(pieces).startswith(b'{"data": []')


def test_a_late_answer(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Who does not wait gets none, and the work was done."""
    sandbox.order_fault(DelayAnswer(0.6), method="POST", path=LISTS)
    with pytest.raises(httpx.ReadTimeout):
        klaviyo.post(LISTS, json=bodies.a_list(), timeout=0.3)

    assert len(ids_of(klaviyo.get(LISTS))) == 1


def test_unknown_values_and_fields(klaviyo: httpx.Client, unjudged: httpx.Client, sandbox: RunningSandbox) -> None:
    """An answer can hold what nobody has heard of, in one place or in every item of a list."""
    job_id = bodies.submit(klaviyo, bodies.people(1))
    change = AlterAnswer({"/data/attributes/status": "on_hold", "/data/attributes/mood/today": "fine"})
    everywhere = AlterAnswer({"/data/*/attributes/status": "on_hold", "/data/0/id": "first"})
    sandbox.order_fault(change, path=f"{JOBS}/*")
    sandbox.order_fault(everywhere, path=JOBS)
    one, listed = unjudged.get(f"{JOBS}/{job_id}").json()["data"], unjudged.get(JOBS).json()["data"]

    assert (one["attributes"]["status"], one["attributes"]["mood"]) == ("on_hold", {"today": "fine"})
    assert [(job["id"], job["attributes"]["status"]) for job in listed] == [("first", "on_hold")]
    assert klaviyo.get(f"{JOBS}/{job_id}").json()["data"]["attributes"]["status"] == "queued"


def test_two_effects_at_once(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """A job whose rows fail, and whose answer never comes."""
    sandbox.order_fault(FailRows(indexes=(0,)), DropConnection(after_work=True), method="POST")
    with pytest.raises(httpx.TransportError):
        bodies.submit(klaviyo, bodies.people(2))
    sandbox.advance(60)

    assert klaviyo.get(JOBS).json()["data"][0]["attributes"]["failed_count"] == 1


def test_the_sandbox_goes_on_after_dropped_connections(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Twenty in a row do it no harm."""
    sandbox.order_fault(DropConnection(), times=20)
    for _ in range(20):
        with pytest.raises(httpx.TransportError):
            klaviyo.get(LISTS)

    assert klaviyo.get(LISTS).status_code == 200

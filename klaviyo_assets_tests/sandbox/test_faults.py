"""Faults as orders: what they match, how often they are met, and what is no fault."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from klaviyo_assets.sandbox import AlterAnswer, AnswerWith, CutBody, DropConnection, EndBulkJob, FailRows, WrongInput
from klaviyo_assets.sandbox.effects import EFFECTS
from klaviyo_assets.sandbox.faults import FaultBook, Match, new_fault, parse_fault


@pytest.mark.parametrize(
    ("match", "method", "route", "fits"),
    [
        (Match(), "GET", "/api/lists", True),
        (Match("POST"), "GET", "/api/lists", False),
        (Match(path="/api/lists"), "GET", "/api/lists", True),
        (Match(path="/api/lists/"), "GET", "/api/lists", True),
        (Match(path="/api/lists"), "GET", "/api/lists/x", False),
        (Match(path="/api/lists/*"), "GET", "/api/lists/x/profiles", True),
        (Match(path="*/import-errors"), "GET", "/api/profile-bulk-import-jobs/x/import-errors", True),
        (Match(path="^/api/lists(/|$)"), "GET", "/api/lists", True),
        (Match(path="^/api/lists/[^/]+$"), "GET", "/api/lists/x/profiles", False),
    ],
)
def test_which_requests(match: Match, method: str, route: str, fits: bool) -> None:
    """By method and by path: a glob, or a regular expression that begins with `^`."""
    assert match.fits(method, route) is fits


def test_from_the_nth_on_so_many_times() -> None:
    """A fault lets the first ones pass, happens as often as ordered, and is then over."""
    book = FaultBook()
    fault = book.order(new_fault(Match(nth=3), (AnswerWith(503),), times=2))

    assert [bool(book.take("GET", "/")) for _ in range(6)] == [False, False, True, True, False, False]
    assert (fault.met_count, fault.remaining_count, book.unmet()) == (2, 0, [])


def test_one_after_the_other() -> None:
    """Of two faults that fit, the first is met before the second begins."""
    book = FaultBook()
    for effect in (AnswerWith(502), DropConnection()):
        book.order(new_fault(Match(), (effect,)))

    assert [book.take("GET", "/") for _ in range(3)] == [(AnswerWith(502),), (DropConnection(),), ()]


@pytest.mark.parametrize("effect", [FailRows(indexes=(0,)), EndBulkJob("cancelled")], ids=lambda effect: effect.kind)
def test_effects_on_bulk_jobs_wait_for_one(effect: FailRows | EndBulkJob) -> None:
    """No other request uses them up, whatever they match: a fault that did nothing is not met."""
    book = FaultBook()
    fault = book.order(new_fault(Match(), (effect,)))
    others = [("GET", "/api/profile-bulk-import-jobs"), ("POST", "/api/lists"), ("POST", "/api/profile-import")]

    assert [book.take(*other) for other in others] == [()] * 3
    assert (fault.seen_count, book.unmet()) == (0, [fault])
    assert book.take("POST", "/api/profile-bulk-import-jobs") == (effect,)


def test_what_was_not_met_is_known() -> None:
    """A fault that nothing matched is still open, and says so."""
    book = FaultBook()
    fault = book.order(new_fault(Match("DELETE"), (AnswerWith(502),), times=2))
    book.take("GET", "/")
    book.take("DELETE", "/")

    assert book.unmet() == [fault]
    assert fault.as_json() == {
        "match": {"method": "DELETE", "path": "*", "nth": 1},
        "times": 2,
        "do": [
            {
                "kind": "answer_with",
                "status": 502,
                "retry_after": None,
                "html": False,
                "errors": None,
                "after_work": False,
            }
        ],
        "met_count": 1,
        "remaining_count": 1,
    }
    book.clear()
    assert book.all() == []


@pytest.mark.parametrize(
    ("do", "effects"),
    [
        ({"kind": "answer_with", "status": 503, "retry_after": "soon"}, (AnswerWith(503, retry_after="soon"),)),
        ({"kind": "cut_body", "sent_share": 0}, (CutBody(0.0),)),
        ({"kind": "alter_answer", "set": {"/data/x": None}}, (AlterAnswer({"/data/x": None}),)),
        (
            [{"kind": "fail_rows", "indexes": [1, 2]}, {"kind": "drop_connection", "after_work": True}],
            (FailRows(indexes=(1, 2)), DropConnection(after_work=True)),
        ),
    ],
)
def test_faults_are_read_from_json(do: Any, effects: tuple[Any, ...]) -> None:
    """One effect or several, each of the class that its kind names."""
    fault = parse_fault({"match": {"method": "POST", "path": "/api/*", "nth": 2}, "times": 3, "do": do})

    assert (fault.match, fault.times, fault.do) == (Match("POST", "/api/*", 2), 3, effects)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "fault: found list, expected a JSON object."),
        ({}, "do: found nothing, expected a JSON object."),
        ({"do": []}, f"fault.do: found no effect, expected one of {', '.join(EFFECTS)}."),
        ({"do": {"kind": "explode"}}, f"do.kind: found 'explode', expected one of {', '.join(EFFECTS)}."),
        ({"do": {"kind": "answer_with"}}, "answer_with: status is missing; add it."),
        ({"do": {"kind": "answer_with", "status": 99}}, "answer_with.status: found 99, expected 200 to 599."),
        (
            {"do": {"kind": "end_bulk_job", "ending": "failed"}},
            "end_bulk_job.ending: found 'failed', "
            "expected one of 'cancelled', 'stuck_queued', 'stuck_processing', 'expired'.",
        ),
        (
            {"do": {"kind": "drop_connection"}, "times": 0},
            "fault.times: found 0, expected a whole number from 1 up.",
        ),
        ({"do": {"kind": "drop_connection"}, "match": {"nth": 0}}, "match.nth: found 0, expected 1 or more."),
        (
            {"do": {"kind": "drop_connection"}, "match": {"path": "^("}},
            "match.path: found no regular expression (missing ), unterminated subpattern at position 1).",
        ),
        ({"do": {"kind": "drop_connection"}, "when": 1}, "fault: unknown when; expected any of match, times, do."),
    ],
)
def test_what_is_no_fault(given: object, message: str) -> None:
    """It is refused, and told what would be one."""
    with pytest.raises(WrongInput) as refused:
        parse_fault(given)

    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (
            "answer_with",
            {"status": 429, "retry_after": "1\r\n"},
            "retry_after: found '1\\r\\n', expected what a header ",
        ),
        ("answer_with", {"status": 429, "retry_after": "é"}, "retry_after: found 'é', expected what a header can hold"),
        ("delay_answer", {"delay_s": -1}, "delay_s: found -1.0, expected 0 or more."),
        ("slow_body", {"pause_s": inf}, "pause_s: found inf, expected 0 or more."),
        ("slow_body", {"pause_s": 0, "piece_count": 0}, "piece_count: found 0, expected 1 or more."),
        ("cut_body", {"sent_share": 1}, "sent_share: found 1.0, expected 0 to less than 1."),
        ("cut_body", {"sent_share": -0.1}, "sent_share: found -0.1, expected 0 to less than 1."),
        *(
            ("alter_answer", {"set": {at: 1}}, f"set: found '{at}', expected a JSON pointer.")
            for at in ("", "/", "a/b")
        ),
        ("end_bulk_job", {"ending": "cancelled", "applied_share": 1.5}, "applied_share: found 1.5, expected 0 to 1."),
    ],
)
def test_what_cannot_be_carried_out(kind: str, values: dict[str, Any], message: str) -> None:
    """It is refused when it is ordered: later it would break an answer in another way than was meant."""
    with pytest.raises(WrongInput) as refused:
        parse_fault({"do": {"kind": kind, **values}})

    assert str(refused.value).startswith(f"{kind}.{message}")

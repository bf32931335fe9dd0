"""What each answer of Klaviyo means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from klaviyo_assets.errors import (
    BodyTooLarge,
    KeyRejected,
    KlaviyoError,
    NotFound,
    RateLimited,
    RowRefusal,
    RowsRefused,
    ScopeMissing,
    Unavailable,
    UnexpectedAnswer,
)
from klaviyo_assets.klaviyo.answers import Answer, check, parse
from klaviyo_assets.klaviyo.wire import XS, Request

REQUEST = Request("GET", "/api/accounts?secret=marker@example.com", "/api/accounts", XS)
HTML = b"<html>Just a moment... marker@example.com</html>"


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    """An answer with a JSON body, or with bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    return Answer(status, {"x-klaviyo-req-id": "r-1", **headers}, content)


def errors(*items: dict[str, Any]) -> dict[str, Any]:
    """Klaviyo's body of errors."""
    return {
        "errors": [{"id": "r-1", "code": "invalid", "title": "t", "detail": "marker@example.com", **i} for i in items]
    }


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_done(status: int) -> None:
    """What did as asked raises nothing."""
    check(answer(status), REQUEST)


@pytest.mark.parametrize(
    ("got", "kind"),
    [
        pytest.param(answer(400, errors({})), RowsRefused, id="400"),
        pytest.param(answer(409, errors({"code": "duplicate_profile"})), RowsRefused, id="409"),
        pytest.param(answer(401, errors({})), KeyRejected, id="401"),
        pytest.param(answer(403, errors({})), ScopeMissing, id="403"),
        pytest.param(answer(404, errors({})), NotFound, id="404"),
        pytest.param(answer(413, b""), BodyTooLarge, id="413"),
        pytest.param(answer(429, errors({})), RateLimited, id="429"),
        pytest.param(answer(500, errors({})), Unavailable, id="500"),
        pytest.param(answer(503, HTML), Unavailable, id="503-page"),
        pytest.param(answer(524, b""), Unavailable, id="524"),
        pytest.param(answer(403, HTML), UnexpectedAnswer, id="403-page"),
        pytest.param(answer(400, HTML), UnexpectedAnswer, id="400-page"),
        pytest.param(answer(302, b""), UnexpectedAnswer, id="redirect"),
        pytest.param(answer(410, errors({})), UnexpectedAnswer, id="410"),
        pytest.param(answer(415, errors({})), UnexpectedAnswer, id="415"),
        pytest.param(answer(400, {"errors": "nonsense"}), UnexpectedAnswer, id="errors-of-no-shape"),
    ],
)
def test_kind_of_error(got: Answer, kind: type[KlaviyoError]) -> None:
    """Each status is an error of its kind, with the id that support asks for, and without what Klaviyo quotes."""
    with pytest.raises(kind) as raised:
        check(got, REQUEST)

    assert type(raised.value) is kind
    assert raised.value.request_id == "r-1"
    assert "marker" not in str(raised.value)


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("/data/attributes/profiles/data/3/attributes/email", RowRefusal(3, "invalid", "email")),
        ("/data/attributes/profiles/data/12/attributes/location/city", RowRefusal(12, "invalid", "location/city")),
        ("/data/attributes/profiles/data/0/attributes/", RowRefusal(0, "invalid", "")),
        ("/data/attributes/profiles/data/0/attributes", RowRefusal(0, "invalid", "")),
        ("/data/attributes/profiles/data/0", RowRefusal(0, "invalid", "")),
        ("/data", None),
        ("/data/attributes/profiles/data/x", None),
    ],
)
def test_rows_that_a_refusal_names(pointer: str, expected: RowRefusal | None) -> None:
    """A pointer into the rows names its row and attribute; any other names none."""
    with pytest.raises(RowsRefused) as raised:
        check(answer(400, errors({"source": {"pointer": pointer}})), REQUEST)

    assert raised.value.rows == ((expected,) if expected else ())


def test_a_row_that_is_named_twice_is_refused_once() -> None:
    """Of several errors about one row the first counts, and rows stand in order."""
    pointer = "/data/attributes/profiles/data/{}/attributes/{}"
    body = errors(
        {"source": {"pointer": pointer.format(5, "email")}},
        {"source": {"pointer": pointer.format(2, "phone_number")}},
        {"source": {"pointer": pointer.format(5, "phone_number")}},
        {"source": None},
    )
    with pytest.raises(RowsRefused) as raised:
        check(answer(400, body), REQUEST)

    assert raised.value.rows == (RowRefusal(2, "invalid", "phone_number"), RowRefusal(5, "invalid", "email"))


@pytest.mark.parametrize(
    ("header", "expected"), [("7", 7.0), ("0.5", 0.5), ("", 1.0), ("Mon, 23 Nov", 1.0), ("-3", 1.0)]
)
def test_retry_after(header: str, expected: float) -> None:
    """Klaviyo's wait is obeyed; where it is not a number of seconds, one second."""
    with pytest.raises(RateLimited) as raised:
        check(answer(429, errors({}), **{"retry-after": header}), REQUEST)

    assert raised.value.retry_after_s == expected


@pytest.mark.parametrize(
    ("header", "now", "expected"),
    [
        pytest.param("Mon, 23 Nov 2026 12:00:40 GMT", "Mon, 23 Nov 2026 12:00:00 GMT", 40.0, id="a-date"),
        pytest.param("Monday, 23-Nov-26 12:00:40 GMT", "Mon, 23 Nov 2026 12:00:00 GMT", 40.0, id="an-old-form-of-date"),
        pytest.param("Mon, 23 Nov 2026 11:00:00 GMT", "Mon, 23 Nov 2026 12:00:00 GMT", 1.0, id="a-date-that-is-over"),
        pytest.param("Mon, 23 Nov 2026 12:00:40 GMT", "", 1.0, id="a-date-and-no-now"),
        pytest.param("Mon, 23 Nov 2026 12:00:40 GMT", "noon", 1.0, id="a-date-and-no-such-now"),
        pytest.param("Mon, 23 Nov 2026 12:00:40 -0000", "Mon, 23 Nov 2026 12:00:00 GMT", 1.0, id="a-date-of-no-zone"),
        pytest.param("7.", "", 7.0, id="a-number-that-ends-early"),
        pytest.param("1.5.0", "", 1.0, id="no-number"),
        pytest.param("inf", "", 1.0, id="no-end"),
        pytest.param("86400", "Mon, 23 Nov 2026 12:00:00 GMT", 86_400.0, id="a-day"),
    ],
)
def test_retry_after_in_its_other_forms(header: str, now: str, expected: float) -> None:
    """A date is told from Klaviyo's own, never from this machine's; what says nothing is a second."""
    with pytest.raises(RateLimited, match=f"wait {expected:g} s before GET /api/accounts") as raised:
        check(answer(429, errors({}), **{"retry-after": header, "date": now}), REQUEST)

    assert raised.value.retry_after_s == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, None), ({"x-klaviyo-partial-failure": ""}, None), ({"x-klaviyo-partial-failure": "phone"}, "phone")],
)
def test_what_klaviyo_left_out(headers: dict[str, str], expected: str | None) -> None:
    """The field that Klaviyo says it left out, where it says so."""
    got = answer(202, **headers)

    assert got.dropped == expected
    check(got, REQUEST)


def test_missing_scope_is_named() -> None:
    """Where Klaviyo says which scope is missing, so do we."""
    detail = "Your API key is missing required scopes: profiles:write"
    with pytest.raises(ScopeMissing, match=r"lacks the scope profiles:write for GET /api/accounts"):
        check(answer(403, errors({"detail": detail})), REQUEST)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"data":'])
def test_an_answer_that_is_no_document(body: bytes) -> None:
    """A success without its document is not taken for one."""
    with pytest.raises(UnexpectedAnswer):
        parse(answer(200, body), REQUEST)


def test_an_answer_that_is_a_document() -> None:
    """A success is given as it stands."""
    assert parse(answer(200, {"data": [], "unheard_of": 1}), REQUEST) == {"data": [], "unheard_of": 1}


def test_reprs_hold_no_address() -> None:
    """Neither a request nor an answer shows whom it is about."""
    assert "marker" not in repr(REQUEST) + repr(answer(200, HTML))

"""What an answer of Klaviyo means: nothing, where it did what was asked, or an error of its kind. No I/O, no clock.

Klaviyo may add fields, enum values and wordings inside a revision
(https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy): nothing here fails on an unknown one,
and nothing decides by an error's `detail`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

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
from klaviyo_assets.klaviyo.wire import Request

T = TypeVar("T")

_PROFILE_POINTER: Final = re.compile(r"^/data/attributes/profiles/data/(\d+)(?:/(?:attributes/?)?(.*))?$")
_UNTOLD_WAIT_S: Final = 1.0  # as long as the shortest window
_SCOPE: Final = re.compile(r"\b[a-z-]+:(?:read|write)\b")


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: the HTTP status.
        headers: by lower-case name.
        body: the bytes, whole.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"

    @property
    def request_id(self) -> str | None:
        """What Klaviyo's support asks for."""
        return self.headers.get("x-klaviyo-req-id")

    @property
    def dropped(self) -> str | None:
        """The field that Klaviyo left out, although it did what was asked.

        https://developers.klaviyo.com/en/docs/collect_email_and_sms_consent_via_api
        """
        return self.headers.get("x-klaviyo-partial-failure") or None


def check(answer: Answer, request: Request) -> None:
    """Nothing, where Klaviyo did what was asked.

    Raises:
        KlaviyoError: of the kind that the status means.
    """
    if answer.status >= 300:
        raise _error(answer, request)


def parse(answer: Answer, request: Request) -> dict[str, Any]:
    """The answer's document.

    Raises:
        UnexpectedAnswer: it is not a JSON object.
    """
    document = _parse(answer)
    if document is None:
        raise _unexpected(answer, request)
    return document


def understand(read: Callable[[Any], T], part: Any, *, call: str) -> T:
    """What `read` makes of a part of a document.

    Raises:
        UnexpectedAnswer: it is not of the documented form.
    """
    try:
        return read(part)
    except (LookupError, TypeError, ValueError, AttributeError):
        message = (
            f"{call} was answered with JSON of another form than Klaviyo documents; something between here and Klaviyo "
            f"may have answered instead: check the address, proxy and firewall."
        )
        raise UnexpectedAnswer(message) from None


def _error(answer: Answer, request: Request) -> KlaviyoError:
    """https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling#http-status-codes."""
    document = _parse(answer)
    if answer.status == 429:
        return _rate_limited(answer, request)
    if answer.status >= 500:
        return Unavailable(
            f"Klaviyo answered {request.name} with {answer.status}; try again later.",
            request_id=answer.request_id,
        )
    if answer.status == 413:
        return BodyTooLarge(
            f"The body of {request.name} is larger than Klaviyo takes: {len(request.body or b'')} bytes.",
            request_id=answer.request_id,
        )
    if document is None or not _errors(document):
        return _unexpected(answer, request)
    return _told(answer, request, document)


def _told(answer: Answer, request: Request, document: Mapping[str, Any]) -> KlaviyoError:
    call, request_id = request.name, answer.request_id
    if answer.status == 401:
        return KeyRejected(
            "Klaviyo does not accept the private key (401): it is wrong or was revoked; make a new one under "
            "Settings, API keys, and put it into the connection's environment variable.",
            request_id=request_id,
        )
    if answer.status == 403:
        scopes = sorted({scope for error in _errors(document) for scope in _SCOPE.findall(error.get("detail", ""))})
        lacking = f"the scope {', '.join(scopes)}" if scopes else "a scope"
        return ScopeMissing(
            f"The private key lacks {lacking} for {call} (403); make one that has it besides accounts:read, "
            f"lists:read, lists:write, profiles:read and profiles:write.",
            request_id=request_id,
        )
    if answer.status == 404:
        return NotFound(f"Klaviyo knows nothing under this id: {call} (404).", request_id=request_id)
    if answer.status in (400, 409, 422):
        return _rows_refused(answer, request, document)
    return _unexpected(answer, request)


def _rows_refused(answer: Answer, request: Request, document: Mapping[str, Any]) -> RowsRefused:
    errors = _errors(document)
    code = str(errors[0].get("code", "invalid"))
    rows = {refusal.index: refusal for error in reversed(errors) if (refusal := row_refusal(error))}
    return RowsRefused(
        f"Klaviyo refused {request.name} ({answer.status}, {code}).",
        code=code,
        rows=[rows[index] for index in sorted(rows)],
        request_id=answer.request_id,
    )


def row_refusal(error: Mapping[str, Any]) -> RowRefusal | None:
    """The row of a bulk import that an error's pointer names, or None where it names none."""
    pointer = str((error.get("source") or {}).get("pointer", ""))
    named = _PROFILE_POINTER.match(pointer)
    if not named:
        return None
    return RowRefusal(index=int(named[1]), code=str(error.get("code", "invalid")), field=named[2] or "")


def _rate_limited(answer: Answer, request: Request) -> RateLimited:
    retry_after_s = _seconds(answer.headers.get("retry-after", ""), now=answer.headers.get("date", ""))
    return RateLimited(
        f"Klaviyo asks to wait {retry_after_s:g} s before {request.name}.",
        retry_after_s=retry_after_s,
        request_id=answer.request_id,
    )


def _seconds(wait: str, *, now: str) -> float:
    """What `Retry-After` asks for: seconds, or a date, https://www.rfc-editor.org/rfc/rfc9110#field.retry-after."""
    if wait.replace(".", "", 1).isdecimal():
        return float(wait)
    try:
        return max((parsedate_to_datetime(wait) - parsedate_to_datetime(now)).total_seconds(), _UNTOLD_WAIT_S)
    except (ValueError, TypeError):
        return _UNTOLD_WAIT_S


def _unexpected(answer: Answer, request: Request) -> UnexpectedAnswer:
    kind = answer.headers.get("content-type", "no content type").split(";")[0]
    return UnexpectedAnswer(
        f"{request.name} was answered with {answer.status} and {kind}, expected Klaviyo's JSON; "
        f"something between here and Klaviyo may have answered instead: check the address, proxy and firewall.",
        request_id=answer.request_id,
    )


def _parse(answer: Answer) -> dict[str, Any] | None:
    try:
        document = json.loads(answer.body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _errors(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    errors = document.get("errors")
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []

"""Every error that Klaviyo's API answers with, a function each, so that wording and status are decided once.

Where a text was seen on the wire it stands as it was seen; where none was found, ours says so.
https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

RATE_LIMIT_PAGE = "https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling#rate-limits"
PAYLOAD_INVALID = "The payload provided in the request is invalid."


@dataclass(frozen=True)
class Problem:
    """One entry of `errors`. `extra` are the members that only some statuses have: links and meta."""

    code: str
    title: str
    detail: str
    source: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


class ApiError(Exception):
    """An answer that is an error. `headers` are those that only this error has."""

    def __init__(self, status: int, problems: Sequence[Problem], *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {problems[0].code}")
        self.status = status
        self.problems = tuple(problems)
        self.headers = dict(headers or {})

    def document(self, request_id: str) -> dict[str, Any]:
        """The body. Every entry bears the id of the request, and its status as an integer."""
        return {"errors": [_entry(problem, self.status, request_id) for problem in self.problems]}


def _entry(problem: Problem, status: int, request_id: str) -> dict[str, Any]:
    return {
        "id": request_id,
        "status": status,
        "code": problem.code,
        "title": problem.title,
        "detail": problem.detail,
        "source": dict(problem.source),
        **problem.extra,
    }


def problem(detail: str, pointer: str) -> Problem:
    """Something wrong with one place of a body."""
    return Problem("invalid", "Invalid input.", detail, {"pointer": pointer}, {"links": {}, "meta": {}})


def unknown_field(name: str, resource: str) -> str:
    """The words for an attribute, field or parameter that there is not."""
    return f"'{name}' is not a valid field for the resource '{resource}'."


def invalid(detail: str = PAYLOAD_INVALID, pointer: str = "/data") -> ApiError:
    """400 for one thing wrong with a body."""
    return ApiError(400, [problem(detail, pointer)])


def all_invalid(problems: Sequence[Problem]) -> ApiError:
    """400 for several."""
    return ApiError(400, problems)


def invalid_parameter(detail: str, parameter: str) -> ApiError:
    """400 for a parameter, a filter among them."""
    found = Problem("invalid", "Invalid input.", detail, {"parameter": parameter}, {"links": {}, "meta": {}})
    return ApiError(400, [found])


def missing_revision() -> ApiError:
    """400; others have seen such requests pass, so that it can be switched off."""
    return invalid("Missing required header 'revision'.", "/data/")


def not_authenticated(detail: str) -> ApiError:
    """401 for a key that is not there."""
    title = "Authentication credentials were not provided."
    return _unauthorized(Problem("not_authenticated", title, detail, {"pointer": "/data/"}))


def authentication_failed() -> ApiError:
    """401 for a key that nobody has."""
    text = "Incorrect authentication credentials."
    return _unauthorized(Problem("authentication_failed", text, text, {"pointer": "/data/"}))


def missing_scopes(scopes: Iterable[str]) -> ApiError:
    """403 for a key that may not."""
    title = "You do not have permission to perform this action."
    detail = f"Your API key is missing required scopes: {', '.join(scopes)}"
    return ApiError(403, [Problem("permission_denied", title, detail, {"pointer": "/data/"})])


def unknown_list(list_id: str) -> ApiError:
    """404, with the id in back-ticks."""
    return _not_found(f"A list with id `{list_id}` does not exist.")


def unknown_profile(profile_id: str) -> ApiError:
    """404, with the id bare."""
    return _not_found(f"A profile with id {profile_id} does not exist.")


def nobody_to_delete(field: str, value: str) -> ApiError:
    """404, with what was looked for in it; seen of an e-mail address."""
    words = f'No profile with {field} "{value}" found.  The profile may have already been deleted.'
    return _not_found(words)


def unknown_account(account_id: str) -> ApiError:
    """404."""
    return _not_found(f"An account with id {account_id} does not exist.")


def unknown_bulk_job() -> ApiError:
    """404, also for a job that has expired."""
    return _not_found("Invalid job id")


def unknown_path() -> ApiError:
    """404 for a path, or for an endpoint that the revision has not."""
    return _not_found("No valid revisions found for method")


def method_not_allowed(method: str) -> ApiError:
    """405."""
    detail = f'Method "{method}" not allowed.'
    found = Problem("method_not_allowed", "Method not allowed.", detail, {"pointer": "/data/"})
    return ApiError(405, [found])


def duplicate_profile(profile_id: str) -> ApiError:
    """409, naming the profile that is there already."""
    detail = "A profile already exists with one of these identifiers."
    extra = {"links": {}, "meta": {"duplicate_profile_id": profile_id}}
    return ApiError(409, [Problem("duplicate_profile", "Conflict.", detail, {"pointer": "/data/attributes"}, extra)])


def retired_revision(revision: str) -> ApiError:
    """410 for a client that does not want another revision instead."""
    detail = f"The revision {revision} is no longer available."
    return ApiError(410, [Problem("gone", "Gone.", detail, {"pointer": "/data/"})])


def too_large(limit_bytes: int) -> ApiError:
    """The status is documented, the body was not found anywhere."""
    detail = f"The payload is larger than the {limit_bytes} bytes that are allowed."
    return ApiError(413, [Problem("payload_too_large", "Payload too large.", detail, {"pointer": "/data"})])


def unsupported_media_type(content_type: str) -> ApiError:
    """415 for a body that is not JSON."""
    detail = f'Unsupported media type "{content_type}" in request.'
    found = Problem("unsupported_media_type", "Unsupported media type.", detail, {"pointer": "/data/"})
    return ApiError(415, [found])


def throttled(wait_s: float) -> ApiError:
    """429 as recorded: whole seconds in `retry-after`, and none of the limits' headers."""
    seconds = max(ceil(wait_s), 1)
    detail = f"Request was throttled. Expected available in {seconds} second{'s' if seconds > 1 else ''}."
    extra = {"links": {"type": RATE_LIMIT_PAGE}, "meta": {}}
    found = Problem("throttled", "Request was throttled.", detail, {"pointer": "/data"}, extra)
    return ApiError(429, [found], headers={"retry-after": str(seconds)})


def server_error(status: int) -> ApiError:
    """What a fault is answered with when nobody said how."""
    found = Problem("error", "Server error.", "A server error occurred.", {"pointer": "/data/"})
    return ApiError(status, [found])


def _not_found(detail: str) -> ApiError:
    return ApiError(404, [Problem("not_found", "Not found.", detail, {"pointer": "/data/"})])


def _unauthorized(found: Problem) -> ApiError:
    headers = {"www-authenticate": "Bearer, Klaviyo-API-Key"}
    return ApiError(401, [found], headers=headers)

"""The `revision` header: which version of the API serves a request.

A revision is stable for a year, deprecated for another, and then retired: it falls forward to the next that is
alive, unless the client would rather be told.
https://developers.klaviyo.com/en/docs/api_versioning_and_deprecation_policy
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from klaviyo_assets.sandbox.api import errors

KNOWN = (
    *("2022-10-17", "2023-01-24", "2023-02-22", "2023-06-15", "2023-07-15", "2023-08-15", "2023-09-15"),
    *("2023-10-15", "2023-12-15", "2024-02-15", "2024-05-15", "2024-06-15", "2024-07-15", "2024-10-15"),
    *("2025-01-15", "2025-04-15", "2025-07-15", "2025-10-15", "2026-01-15", "2026-04-15", "2026-07-15"),
    *("2026-10-15",),
)
NEWEST = KNOWN[-1]
WELL_FORMED = re.compile(r"(\d{4}-\d{2}-\d{2})(\.\w+)?")
STABLE_YEARS, LIFE_YEARS = 1, 2


@dataclass(frozen=True)
class Revision:
    """What serves a request, and when it will be retired, if that was announced."""

    served: str
    retires: str | None = None

    def headers(self) -> dict[str, str]:
        """What is told of it."""
        told = {"x-klaviyo-api-revision": self.served}
        return told if self.retires is None else told | {"x-klaviyo-api-retirement-date": self.retires}


def serve(headers: Mapping[str, str], *, now: float, required: bool) -> Revision:
    """The revision that a request is served by.

    Raises:
        ApiError: 400 for a missing or garbled header, 410 where the revision is gone and the client opted out of
            falling forward.
    """
    asked = headers.get("revision")
    if asked is None and not required:
        asked = NEWEST
    if asked is None:
        raise errors.missing_revision()
    match = WELL_FORMED.fullmatch(asked.strip())
    if match is None:
        raise errors.invalid(f"'{asked}' is not a valid revision.", "/data/")
    today = datetime.fromtimestamp(now, UTC).date().isoformat()
    served = _alive(match[1], today)
    if served != match[1] and headers.get("x-klaviyo-revision-fall-forward-opt-out") == "1":
        raise errors.retired_revision(match[1])
    return Revision(served, retires=_years_after(served, LIFE_YEARS) if _is_deprecated(served, today) else None)


def _alive(asked: str, today: str) -> str:
    """The revision asked for, or the next that exists and is not retired; the newest never retires."""
    alive = [known for known in KNOWN if known >= asked and _years_after(known, LIFE_YEARS) > today]
    return alive[0] if alive else NEWEST


def _is_deprecated(revision: str, today: str) -> bool:
    return revision != NEWEST and _years_after(revision, STABLE_YEARS) <= today


def _years_after(revision: str, years: int) -> str:
    day = date.fromisoformat(revision)
    return day.replace(year=day.year + years).isoformat()

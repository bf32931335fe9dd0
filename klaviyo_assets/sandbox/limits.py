"""Klaviyo's rate limits: fixed windows of a second, a minute and a day, per account and endpoint.

How much is left, and how long to wait. Which endpoint has which tier stands in `api/endpoints.py`; the words of
the refusal in `api/errors.py`. https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SECOND, MINUTE, DAY = 1, 60, 86_400


@dataclass(frozen=True)
class Tier:
    """How many requests a second, a minute and, for a few endpoints, a day."""

    burst: int
    steady: int
    daily: int | None = None

    def windows(self) -> tuple[tuple[int, int], ...]:
        """(length in seconds, requests) of each window."""
        windows = ((SECOND, self.burst), (MINUTE, self.steady))
        return windows if self.daily is None else (*windows, (DAY, self.daily))


XS = Tier(1, 15)
S = Tier(3, 60)
M = Tier(10, 150)
L = Tier(75, 750)
LIFTED = Tier(1_000_000, 1_000_000)
"""What a sandbox without limits says of itself, so that a client that paces by what it is told need not wait."""


@dataclass(slots=True)
class Window:
    """A stretch of time that began with a request, and how many fell into it."""

    opened_at: float
    used: int = 0


@dataclass(frozen=True)
class Verdict:
    """Whether a request may pass, how many more may follow in this second and day, and else how long to wait."""

    admitted: bool
    wait_s: float
    left: int
    left_daily: int | None
    daily_reset_s: float


class Meter:
    """What one account has used of its limits. A window opens with the first request that falls into it."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, int], Window] = {}

    def spend(self, quota: str, tier: Tier, *, now: float, throttled_count: bool = False) -> Verdict:
        """Takes one request out of every window of a quota, or none if one of them is used up.

        A quota is an endpoint, or what several endpoints share. With `throttled_count` a refused request is taken out
        all the same.
        """
        windows = {length: self._window(quota, length, now) for length, _ in tier.windows()}
        spent = [length for length, limit in tier.windows() if windows[length].used >= limit]
        if not spent or throttled_count:
            for window in windows.values():
                window.used += 1
        wait_s = max((windows[length].opened_at + length - now for length in spent), default=0.0)
        return _verdict(tier, windows, wait_s=wait_s, now=now)

    def _window(self, quota: str, length: int, now: float) -> Window:
        window = self._windows.get((quota, length))
        if window is None or now >= window.opened_at + length:
            window = self._windows[quota, length] = Window(opened_at=now)
        return window


def headers(tier: Tier, verdict: Verdict) -> dict[str, str]:
    """What every admitted answer says. `remaining` is that of the second and `reset` is 0, as recorded in 2026."""
    windows = ", ".join(f"{limit};w={length}" for length, limit in tier.windows())
    told = {
        "ratelimit-limit": f"{tier.burst}, {windows}",
        "ratelimit-remaining": str(verdict.left),
        "ratelimit-reset": "0",
    }
    if verdict.left_daily is not None:
        told["ratelimit-remaining-daily"] = str(verdict.left_daily)
        told["ratelimit-reset-daily"] = str(int(verdict.daily_reset_s))
    return told


def tier_under(limits: Literal["real", "off"], tier: Tier) -> Tier:
    """The tier, unless limits are lifted."""
    return tier if limits == "real" else LIFTED


def _verdict(tier: Tier, windows: dict[int, Window], *, wait_s: float, now: float) -> Verdict:
    return Verdict(
        admitted=wait_s == 0,
        wait_s=wait_s,
        left=max(tier.burst - windows[SECOND].used, 0),
        left_daily=None if tier.daily is None else max(tier.daily - windows[DAY].used, 0),
        daily_reset_s=windows[DAY].opened_at + DAY - now if DAY in windows else 0.0,
    )

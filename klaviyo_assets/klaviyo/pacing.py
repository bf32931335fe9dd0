"""When a request may leave, and whether a failed one is tried again. No sleeping, no clock: times are arguments.

Klaviyo counts requests per account and endpoint in fixed windows of one second and of one minute
(https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling). Where its windows begin is not known; a
sliding window of the same length never holds more than any of them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from klaviyo_assets.errors import KlaviyoError, RateLimited, Unavailable
from klaviyo_assets.klaviyo.wire import Tier

# Two requests that leave a second apart may arrive a little less than a second apart: large ones take longer to arrive
# while others are on their way too. How much, only a refusal tells.
JITTER_S: Final = 0.05
MOST_JITTER_S: Final = 0.4
MOST_ATTEMPTS: Final = 7  # of a request that fails with 5xx, or is not answered: about a minute in all
LONGEST_BACKOFF_S: Final = 30.0


@dataclass(frozen=True)
class Window:
    """At most `count` requests in any `seconds`."""

    count: int
    seconds: float


def windows_of(tier: Tier) -> tuple[Window, ...]:
    """The windows that a tier stands for."""
    return (Window(tier.burst, 1.0), Window(tier.steady, 60.0))


def parse_windows(header: str) -> tuple[Window, ...]:
    """The windows that `ratelimit-limit` states, as `75, 75;w=1, 750;w=60`; none where it states none."""
    windows = []
    for part in header.split(","):
        count, _, seconds = part.strip().partition(";w=")
        if count.isdigit() and seconds.isdigit() and int(count) > 0 and int(seconds) > 0:
            windows.append(Window(int(count), float(seconds)))
    return tuple(windows)


class Budget:
    """How many requests may still be sent now, of one endpoint and account.

    Not safe for several threads by itself: its owner holds a lock.
    """

    def __init__(self, windows: tuple[Window, ...]) -> None:
        self._windows = windows
        self._booked: deque[float] = deque()
        self._closed_until = float("-inf")
        self._jitter_s = JITTER_S

    def learn(self, windows: tuple[Window, ...]) -> None:
        """From now on hold these windows, which Klaviyo stated itself."""
        if windows:
            self._windows = windows

    def book(self, now: float) -> float:
        """The earliest time, from now on, at which one more request may leave; it is taken."""
        at = max([now, self._closed_until, *(self._free_at(window) for window in self._windows)])
        self._booked.append(at)
        self._forget(at)
        return at

    def close(self, until: float) -> None:
        """Nothing leaves before this time, and then further apart than so far: Klaviyo said that one came too early."""
        self._closed_until = max(self._closed_until, until)
        self._jitter_s = min(2 * self._jitter_s, MOST_JITTER_S)

    def _free_at(self, window: Window) -> float:
        if len(self._booked) < window.count:
            return float("-inf")
        return self._booked[-window.count] + window.seconds + self._jitter_s

    def _forget(self, now: float) -> None:
        horizon = now - max(window.seconds for window in self._windows) - 1
        while self._booked and self._booked[0] < horizon:
            self._booked.popleft()


def wait_before_retry(error: KlaviyoError, *, attempt: int, repeatable: bool, spread: float) -> float | None:
    """How long to wait before the next attempt, in seconds; None: do not try again.

    Args:
        error: what the last attempt ended with.
        attempt: how many attempts there were.
        repeatable: whether the request may be sent twice.
        spread: a random number from 0 to 1, so that many clients do not come back at once.
    """
    if isinstance(error, RateLimited):
        # A refused request had no effect: it may always be sent again.
        return error.retry_after_s + spread * JITTER_S
    if isinstance(error, Unavailable) and repeatable and attempt < MOST_ATTEMPTS:
        return min(0.5 * 2.0 ** (attempt - 1) * (1 + spread), LONGEST_BACKOFF_S)
    return None

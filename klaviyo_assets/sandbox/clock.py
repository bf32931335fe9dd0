"""The time inside the sandbox: bulk jobs, limits, expiry and `joined_group_at` all ask this clock alone.

Nothing is started by it. What should have happened by now is worked out when somebody asks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from klaviyo_assets.sandbox.inputs import WrongInput


class Clock:
    """Seconds since 1970, UTC: begun as told or as the machine's, `speed` times as fast, and advanced on demand."""

    def __init__(
        self, *, start: float | None = None, speed: float = 1.0, real: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.RLock()
        self._real = real
        self._speed = speed
        self._real_anchor = real()
        self._anchor = time.time() if start is None else start

    def now(self) -> float:
        """The time, in whole microseconds: what is told of it is then exactly what is compared."""
        with self._lock:
            return round(self._anchor + (self._real() - self._real_anchor) * self._speed, 6)

    def advance(self, seconds: float) -> None:
        """Moves the clock forward.

        Raises:
            WrongInput: backward; what has happened cannot be undone.
        """
        if not 0 <= seconds < float("inf"):
            raise WrongInput(f"advance_s: found {seconds}, expected 0 or more.")
        with self._lock:
            self._anchor += seconds

    def run_at(self, speed: float) -> None:
        """From now on the clock runs at another speed, without a jump."""
        with self._lock:
            self._anchor, self._real_anchor = self.now(), self._real()
            self._speed = speed

    def real_seconds(self, seconds: float) -> float:
        """How long a caller, who lives in real time, waits for so many seconds here.

        A stopped clock does not say: then they are told as they are.
        """
        return seconds / self._speed if self._speed else seconds

"""Shows that long work goes on: a line now and then, with what is done and what it waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from klaviyo_assets.klaviyo import Session

EVERY_S: Final = 5.0


class Progress:
    """Says lines; at most one in five seconds of those that tell how far the work is."""

    def __init__(self, log: Callable[[str], None], session: Session) -> None:
        self.say = log
        self._session = session
        self._started_at = self._said_at = session.now()
        self._done: Callable[[], int] | None = None
        self._total = 0

    def watch(self, done: Callable[[], int], *, total: int) -> None:
        """From now on tell how many of the total are done."""
        self._done, self._total = done, total

    def tick(self) -> None:
        """Say how far the work is, if that was not said for a while."""
        now = self._session.now()
        if now - self._said_at >= EVERY_S:
            self._said_at = now
            self.say(self._line(now))

    def _line(self, now: float) -> str:
        waits = f"{self._session.request_count} requests, {self._session.waited_s:.0f} s held back by Klaviyo's limits"
        if self._done is None or not self._total:
            return f"{now - self._started_at:.0f} s: {waits}."
        done, elapsed = self._done(), now - self._started_at
        left = f"about {elapsed / done * (self._total - done):.0f} s left" if done else "nobody confirmed yet"
        return f"{done / self._total:.0%} of {self._total} people confirmed after {elapsed:.0f} s, {left}; {waits}."

"""Shows that long work goes on: how much of it is done, how fast, what it waits for, and how long it will take."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from klaviyo_assets.klaviyo import Session


class Progress:
    """Tells how far a delivery is.

    Attributes:
        say: takes a line.
    """

    def __init__(self, *, say: Callable[[str], None], show: Callable[[str], None], session: Session) -> None:
        """Nothing is told yet.

        Args:
            say: takes a line, for the log.
            show: takes a few words, which replace those before.
            session: knows the time, the requests and the waits.
        """
        self.say = say
        self._show = show
        self._session = session
        self._begun_at = self._watched_at = session.now()
        self._step = "begins"
        self._done: Callable[[], int] | None = None
        self._total = 0

    def begin(self, step: str) -> None:
        """From now on this is what the delivery does."""
        self._step = step

    def watch(self, done: Callable[[], int], *, total: int) -> None:
        """From now on tell how many people of the total are done."""
        self._done, self._total, self._watched_at = done, total, self._session.now()

    def tell(self) -> None:
        """Say how far the work is, and show it."""
        self.say(self._line())
        # Where a figure cannot be shown, because a database is busy, the next one is: nothing depends on it.
        with suppress(Exception):
            self._show(self._figure())

    def _line(self) -> str:
        session, elapsed = self._session, self._session.now() - self._begun_at
        waits = f"{session.request_count} requests, {session.waited_s:.0f} s held back by Klaviyo's limits"
        return f"{elapsed:.0f} s, {self._step}: {self._figure()}; {waits}."

    def _figure(self) -> str:
        if self._done is None or not self._total:
            return "nobody is sent yet"
        done, elapsed = self._done(), self._session.now() - self._watched_at
        if not done or not elapsed:
            return f"0% of {self._total} people confirmed"
        rate = done / elapsed
        left_s = (self._total - done) / rate
        share = f"{done / self._total:.0%} of {self._total} people confirmed"
        return f"{share}, {rate:.0f} a second, about {left_s:.0f} s left"

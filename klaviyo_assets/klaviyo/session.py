"""One account's requests: each waits for its budget, is sent, and is tried again where that makes sense.

What a request means belongs in `wire`, when it may leave in `pacing`; here is the loop around them, and the only
place of this folder that waits.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from klaviyo_assets.errors import DeadlinePassed, KlaviyoError, RateLimited
from klaviyo_assets.klaviyo.answers import Answer, check
from klaviyo_assets.klaviyo.pacing import Budget, parse_windows, wait_before_retry, windows_of
from klaviyo_assets.klaviyo.transport import Transport
from klaviyo_assets.klaviyo.wire import Request


class Session:
    """Sends requests of one account; safe for several threads, which share the account's budgets.

    Attributes:
        api_url: the address that it sends to.
        request_count: attempts so far, those that were refused or not answered too.
        waited_s: how long, by the clock, at least one request was held back by a limit.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        api_url: str,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.api_url = api_url
        self.request_count = 0
        self.waited_s = 0.0
        self.now = now
        self._transport = transport
        self._closing = threading.Event()
        self._sleep = sleep
        self._lock = threading.Lock()
        self._budgets: dict[str, Budget] = {}
        self._waited_until = float("-inf")
        self._deadline = float("inf")
        self._conditions: list[Callable[[Request], None]] = []

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._transport.__exit__(kind, error, trace)

    def close(self) -> None:
        """Let nobody wait any longer: who does ends with DeadlinePassed."""
        self._closing.set()

    def set_deadline(self, seconds: float) -> None:
        """From now on, so many seconds are left; nothing waits beyond them."""
        self._deadline = self.now() + seconds

    @property
    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self._deadline - self.now()

    def only_while(self, condition: Callable[[Request], None]) -> None:
        """From now on send nothing that this raises an error for; it is asked right before each attempt."""
        self._conditions.append(condition)

    def send(self, request: Request) -> Answer:
        """Send the request, as often as it takes, and give the answer that did what was asked.

        Raises:
            DeadlinePassed: the request may not leave before the deadline.
            KlaviyoError: of the kind that the last answer means.
        """
        attempt = 0
        while True:
            attempt += 1
            self._wait_for_budget(request)
            try:
                return self._attempt(request)
            except KlaviyoError as error:
                self._wait_before_retry(error, request, attempt=attempt)

    def wait(self, seconds: float) -> None:
        """Do nothing for so long, or until the deadline.

        Raises:
            DeadlinePassed: the deadline comes first, or the session was closed.
        """
        self._check_time(self.now() + seconds)
        if self._sleep:
            self._sleep(seconds)
        elif self._closing.wait(seconds):
            raise DeadlinePassed("The run was ended; what is open is settled by the next run.")

    def _attempt(self, request: Request) -> Answer:
        for condition in self._conditions:
            condition(request)
        with self._lock:
            self.request_count += 1
        answer = self._transport.send(request)
        check(answer, request)
        with self._lock:
            self._budget(request).learn(parse_windows(answer.headers.get("ratelimit-limit", "")))
        return answer

    def _wait_for_budget(self, request: Request) -> None:
        with self._lock:
            now = self.now()
            at = self._budget(request).book(now)
            self._count_wait(now, at)
        if at > now:
            self.wait(at - now)

    def _wait_before_retry(self, error: KlaviyoError, request: Request, *, attempt: int) -> None:
        spread = random.random()  # noqa: S311  # not for secrecy: so that many clients do not come back at once
        seconds = wait_before_retry(error, attempt=attempt, repeatable=request.repeatable, spread=spread)
        if seconds is None:
            raise error
        now = self.now()
        if isinstance(error, RateLimited):
            self._check_rate_limit(error, now)
            with self._lock:
                self._budget(request).close(now + seconds)
        else:
            self.wait(seconds)

    def _budget(self, request: Request) -> Budget:
        return self._budgets.setdefault(request.budget, Budget(windows_of(request.tier)))

    def _count_wait(self, start: float, end: float) -> None:
        self.waited_s += max(0.0, end - max(start, self._waited_until))
        self._waited_until = max(self._waited_until, end)

    def _check_rate_limit(self, error: RateLimited, now: float) -> None:
        if now + error.retry_after_s > self._deadline:
            raise error

    def _check_time(self, until: float) -> None:
        if until > self._deadline:
            message = (
                "The delivery's time is over (deadline_minutes); what is open is settled by the next run: start it "
                "again, or raise deadline_minutes."
            )
            raise DeadlinePassed(message)

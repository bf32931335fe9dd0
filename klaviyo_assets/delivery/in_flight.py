"""Several requests under way at once, and what came of those that are over.

The protocol is here so that tests can decide in which order answers come; a delivery itself uses threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

T = TypeVar("T")

MOST: Final = 8  # at once: what a second of Klaviyo's limit takes, and no more memory than that


class InFlight(Protocol[T]):
    """Calls that are under way; as a context manager it waits for them in the end."""

    @property
    def room(self) -> int:
        """How many more may be started."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is under way."""

    def start(self, call: Callable[[], T]) -> None:
        """Begin a call."""

    def finished(self) -> list[T]:
        """Wait until at least one is over, and give what those returned that are; an error of one is raised."""

    def abandon(self) -> list[T]:
        """Begin no more, wait for those that have begun, and give what they returned; errors are passed over."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Threads:
    """Calls in threads."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(MOST, thread_name_prefix="klaviyo-request")
        self._running: set[Future[Any]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    @property
    def room(self) -> int:
        """How many more may be started."""
        return MOST - len(self._running)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is under way."""
        return not self._running

    def start(self, call: Callable[[], Any]) -> None:
        """Begin a call."""
        self._running.add(self._pool.submit(call))

    def finished(self) -> list[Any]:
        """Wait until at least one is over, and give what those returned that are; an error of one is raised."""
        done, self._running = wait(self._running, return_when=FIRST_COMPLETED)
        failed = next((each for each in done if each.exception() is not None), None)
        if failed is not None:
            # What others returned is not lost: it is given by `abandon`.
            self._running |= done - {failed}
            failed.result()
        return [each.result() for each in done]

    def abandon(self) -> list[Any]:
        """Begin no more, wait for those that have begun, and give what they returned; errors are passed over."""
        running, self._running = self._running, set()
        for each in running:
            each.cancel()
        over = wait(running).done
        return [each.result() for each in over if not each.cancelled() and each.exception() is None]

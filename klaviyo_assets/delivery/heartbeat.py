"""What goes on beside a delivery, whatever it waits for: it shows how far it is, and keeps its lease.

What is shown is in `progress`; whether a lease still holds is asked before each write, and not here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

EVERY_S: Final = 4.0  # so that a line that is due every five seconds is never late


class Heartbeat:
    """Does the same few things every few seconds, in a thread, until the block is left."""

    def __init__(self, beats: Sequence[Callable[[], None]], *, every_s: float = EVERY_S) -> None:
        self._beats = beats
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="klaviyo-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            for beat in self._beats:
                beat()

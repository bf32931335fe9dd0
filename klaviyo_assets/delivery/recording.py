"""Writes receipts in groups: an intent before its body leaves, the rest at most a second late."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Self

import polars as pl

from klaviyo_assets.delivery.world import World
from klaviyo_assets.ledger import Ledger, Stamp

GROUP_S: Final = 1.0  # receipts of one second share a commit


class Recorder:
    """The ledger of one delivery, written to in groups; what is noted is written when the block ends, in any case."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        run_id: str,
        world: World,
        elapsed: Callable[[], float],
        measure: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        """Nothing is written yet.

        Args:
            ledger: where receipts go.
            run_id: the run, which stands on each.
            world: the time of day, which people read, and new names.
            elapsed: seconds that never go back.
            measure: counts the time of a block for the step of this name.
        """
        self.ledger = ledger
        self._run_id = run_id
        self._world = world
        self._elapsed = elapsed
        self._measure = measure
        self._noted: list[pl.DataFrame] = []
        self._committed_at = elapsed()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.commit()

    @property
    def stamp(self) -> Stamp:
        """What the receipts of this moment share."""
        return Stamp(run_id=self._run_id, at=self._world.now())

    def new_body(self) -> str:
        """Our id of another request body."""
        return self._world.new_name()

    def note(self, *receipts: pl.DataFrame) -> None:
        """Write these with the next commit, which is at most a second away as long as something is noted."""
        self._noted.extend(receipts)
        if self._elapsed() - self._committed_at >= GROUP_S:
            self.commit()

    def commit(self) -> None:
        """Write now what was noted, in its order."""
        if self._noted:
            noted, self._noted = self._noted, []
            with self._measure("record"):
                self.ledger.append(pl.concat(noted))
        self._committed_at = self._elapsed()

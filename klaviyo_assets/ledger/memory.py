"""A ledger in memory: the Delta ledger's twin, for tests and demonstrations."""

from __future__ import annotations

import polars as pl

from klaviyo_assets.frames import RECEIPTS, empty
from klaviyo_assets.ledger.receipts import number


class MemoryLedger:
    """Receipts in a frame, gone with the process."""

    def __init__(self) -> None:
        self._receipts = empty(RECEIPTS)

    def read_receipts(self) -> pl.LazyFrame:
        """All receipts, as RECEIPTS."""
        return self._receipts.lazy()

    def append(self, receipts: pl.DataFrame) -> None:
        """Add receipts, numbered after those that are there."""
        last = self._receipts["sequence"].max()
        first = 0 if last is None else int(str(last)) + 1
        self._receipts = pl.concat([self._receipts, number(receipts, first=first)])

    def replace(self, receipts: pl.LazyFrame) -> None:
        """Put receipts, with their numbers, in the place of all that are there."""
        self._receipts = receipts.select(RECEIPTS.names()).cast(RECEIPTS).collect()

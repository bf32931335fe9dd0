"""A ledger as a Delta table: whole commits or none, without a server, in a folder or an object store.

https://delta-io.github.io/delta-rs/ is the library that writes it; Polars reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from upath import UPath

from klaviyo_assets.errors import LedgerError
from klaviyo_assets.frames import RECEIPTS, empty
from klaviyo_assets.ledger.receipts import number

# Delta's log keeps the least and greatest value of each column; of all but the number that would be addresses.
_CONFIGURATION: Final = {"delta.dataSkippingStatsColumns": "sequence"}
_STORED: Final = pl.Schema(
    {name: pl.String() if isinstance(dtype, pl.Enum) else dtype for name, dtype in RECEIPTS.items()}
)


class DeltaLedger:
    """Receipts in a Delta table under a folder, or a URL, that belongs to it alone."""

    def __init__(self, folder: UPath) -> None:
        self._folder = folder
        self._next: int | None = None

    def __repr__(self) -> str:
        return f"DeltaLedger({str(self._folder)!r})"

    def read_receipts(self) -> pl.LazyFrame:
        """All receipts, as RECEIPTS; those of the version that is the newest now."""
        if not self._exists():
            return empty(RECEIPTS).lazy()
        with _told("read", self._folder):
            # Opened here, not when it is collected: a damaged log is told as such.
            table = DeltaTable(str(self._folder))
            return pl.scan_delta(table).select(RECEIPTS.names()).cast(RECEIPTS)

    def append(self, receipts: pl.DataFrame) -> None:
        """Add receipts in one commit, numbered after those that are there."""
        if receipts.is_empty():
            return
        first = self._next_number()
        self._write(number(receipts, first=first), mode="append")
        self._next = first + receipts.height

    def replace(self, receipts: pl.DataFrame) -> None:
        """Put receipts, with their numbers, in the place of all that are there, in one commit."""
        self._write(receipts, mode="overwrite")

    def _exists(self) -> bool:
        with _told("read", self._folder):
            return DeltaTable.is_deltatable(str(self._folder))

    def _next_number(self) -> int:
        if self._next is None:
            with _told("read", self._folder):
                last = self.read_receipts().select(pl.col("sequence").max()).collect().item()
            self._next = 0 if last is None else last + 1
        return self._next

    def _write(self, receipts: pl.DataFrame, *, mode: str) -> None:
        with _told("written", self._folder):
            if not self._exists():
                self._folder.mkdir(parents=True, exist_ok=True)
            receipts.cast(_STORED).write_delta(
                str(self._folder),
                mode="append" if mode == "append" else "overwrite",
                delta_write_options={"configuration": _CONFIGURATION},
            )


@contextmanager
def _told(verb: str, folder: UPath) -> Iterator[None]:
    try:
        yield
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        message = (
            f"The ledger {folder} cannot be {verb} ({type(error).__name__}); nothing is sent without it: check that "
            f"the storage is reachable, writable and complete, or restore it from a backup."
        )
        raise LedgerError(message) from error

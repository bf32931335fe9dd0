"""A ledger as a Delta table: whole commits or none, without a server, in a folder or an object store."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable
from upath import UPath

from klaviyo_assets.errors import LedgerError
from klaviyo_assets.frames import RECEIPTS, empty
from klaviyo_assets.ledger.private import is_local, list_files, make_private
from klaviyo_assets.ledger.receipts import number
from klaviyo_assets.ledger.tables import (
    conform_stored,
    is_table,
    keep_newest_version,
    list_data_files,
    merge_small_files,
    open_table,
    scan_versions,
    storable,
    take_old_files_away,
    telling,
    write_rows,
)

# Files that a table may have before small ones are put together: a delivery of a million people adds a quarter of that.
MOST_FILES: Final = 100

_STORED: Final = storable(RECEIPTS)


class DeltaLedger:
    """Receipts in a Delta table under a folder, or a URL, that belongs to it alone."""

    def __init__(self, folder: UPath) -> None:
        self.folder = folder
        self._table: DeltaTable | None = None  # null before the first is written
        self._next = 0  # the number of the next receipt, as of the version below
        self._version: int | None = None  # null before the first is read
        self._file_count = 0  # of those that may be small, in that version
        self._private: set[str] = set()  # the files that nobody else may read

    def __repr__(self) -> str:
        return f"DeltaLedger({str(self.folder)!r})"

    def read_receipts(self) -> pl.LazyFrame:
        """All receipts, as RECEIPTS; those of the version that is the newest now."""
        with _told("read", self.folder):
            if not self._exists():
                _check_untouched(self.folder)
                return empty(RECEIPTS).lazy()
            # Opened here, not when it is collected: a damaged log is told as such.
            table = DeltaTable(str(self.folder))
            _check_complete(self.folder, table)
            return conform_stored(pl.scan_delta(table), RECEIPTS)

    def read_versions(self) -> pl.LazyFrame:
        """The receipts of all versions of which a file is left, as RECEIPTS: those that a compaction replaced too."""
        with _told("read", self.folder):
            return scan_versions(self.folder, RECEIPTS)

    def append(self, receipts: pl.DataFrame) -> None:
        """Add receipts in one commit, numbered after those that are there."""
        if receipts.is_empty():
            return
        self._catch_up()
        self._write(number(receipts, first=self._next), mode="append")
        self._next += receipts.height
        if self._file_count >= MOST_FILES:
            self._merge()

    def replace(self, receipts: pl.LazyFrame) -> None:
        """Put receipts, with their numbers, in the place of all that are there, in one commit."""
        self._forget()
        self._write(receipts, mode="overwrite")
        self._tidy()

    def erase(self, emails: Collection[str]) -> int:
        """Take all receipts of a person away, those that only older versions have too: how many there were.

        Nobody may deliver meanwhile. Where there are any, older versions are taken away as a whole.

        Args:
            emails: the addresses of the person.

        Raises:
            LedgerError: the ledger cannot be read or written.
        """
        with _told("written", self.folder):
            for file in list_data_files(self.folder):
                if file.suffix != ".parquet":
                    file.unlink()  # what is left of a file whose writer was killed
            of_person = pl.col("email").is_in(list(emails))
            found = self.read_versions().filter(of_person).unique(["sequence", "at", "event", "email"])
            count: int = found.select(pl.len()).collect().item()
            if count:
                self.replace(self.read_receipts().filter(of_person.fill_null(False).not_()))
                keep_newest_version(self.folder)
                self._forget()
            return count

    def remove(self) -> None:
        """Take the ledger away, once another has all that it holds."""
        self._forget()
        with _told("removed", self.folder):
            if self.folder.exists():
                self.folder.fs.rm(self.folder.path, recursive=True)

    def _exists(self) -> bool:
        return is_table(self.folder)

    def _forget(self) -> None:
        """Know nothing of the table: what was known of it holds no more."""
        self._table = self._version = None

    def _catch_up(self) -> None:
        """Number on after what another process wrote meanwhile, who believed that this one had ended."""
        with _told("read", self.folder):
            if self._table is None:
                self._table = open_table(self.folder)
                self._file_count = len(self._table.file_uris()) if self._table else 0
            else:
                self._table.update_incremental()
            version = -1 if self._table is None else self._table.version()
            if version != self._version:
                last = self.read_receipts().select(pl.col("sequence").max()).collect().item()
                self._next = 0 if last is None else last + 1
                self._version = version

    def _write(self, receipts: pl.DataFrame | pl.LazyFrame, *, mode: Literal["append", "overwrite"]) -> None:
        with _told("written", self.folder):
            rows = receipts.cast(_STORED)
            self._table = write_rows(self.folder, rows, mode=mode, statistics_of="sequence", table=self._table)
            self._committed()
            self._file_count += 1

    def _merge(self) -> None:
        assert self._table is not None
        with _told("written", self.folder):
            if merge_small_files(self._table):
                self._committed()
            self._file_count = 0
        self._tidy()

    def _tidy(self) -> None:
        with _told("written", self.folder):
            if self._table is not None:
                take_old_files_away(self._table)

    def _committed(self) -> None:
        # One more than before, also where another process wrote meanwhile: then `_catch_up` sees that it did.
        self._version = None if self._version is None else self._version + 1
        make_private(self.folder, but=self._private)


def _check_untouched(folder: UPath) -> None:
    """Files without a log are what is left of a ledger, not the beginning of one."""
    if any(file.suffix == ".parquet" for file in list_files(folder)):
        raise _damaged(folder, "it holds receipts, and no log that says which")


def _check_complete(folder: UPath, table: DeltaTable) -> None:
    """Whether what the log names is there; on an object store, reading tells."""
    if not is_local(folder):
        return
    root = Path(folder.path)
    if not all(log.stat().st_size for log in (root / "_delta_log").glob("*.json")):
        raise _damaged(folder, "a part of its log is empty")
    named = pl.DataFrame(table.get_add_actions(flatten=True)).select("path", "size_bytes")
    for path, size in named.iter_rows():
        file = root / unquote(path)
        if not file.exists() or file.stat().st_size != size:
            raise _damaged(folder, f"{file.name} is missing, or not whole")


def _damaged(folder: UPath, what: str) -> LedgerError:
    return LedgerError(
        f"The ledger {folder} is damaged: {what}. Nothing is sent without it: restore its newest whole copy; or, where "
        f"there is none, take the folder away, and run the export once with reconcile: true in the run's config."
    )


def _told(verb: str, folder: UPath) -> AbstractContextManager[None]:
    remedy = (
        "; nothing is sent without it: check that the storage is reachable, writable and complete, or restore it from "
        "a backup."
    )
    return telling(f"The ledger {folder} cannot be {verb}", remedy)

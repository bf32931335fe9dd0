"""Every transfer: when, by what, on whose consent, to which list, how many people, and how it ended.

One table for all exports, `<storage>/history`, which is only ever added to: a row before anything is sent, and one
when it is over. Whose process was killed has only the first. It holds no customer; who was sent is in the ledgers,
by the same run id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from upath import UPath

from klaviyo_assets.frames import UTC_TIME, empty
from klaviyo_assets.ledger.private import make_private
from klaviyo_assets.ledger.tables import (
    conform_stored,
    is_table,
    keep_newest_version,
    scan_versions,
    storable,
    telling,
    write_rows,
)

COUNTS: Final = (
    *("rows_read", "added", "updated", "cleared", "removed", "unchanged", "stayed", "rejected", "refused", "pending"),
    *("not_found", "members", "requests"),
)

_COLUMNS: Final[Mapping[str, pl.DataType | type[pl.DataType]]] = {
    "transfer": pl.String,  # our id of it, on both its rows
    "event": pl.Enum(["began", "ended"]),
    "started_at": UTC_TIME,
    "ended_at": UTC_TIME,  # null on `began`
    "export": pl.String,
    "connection": pl.String,  # null where the export is detached
    "account_id": pl.String,  # null where it was never learned
    "list_id": pl.String,  # null where there is no list yet
    "run_id": pl.String,  # as on the ledger's receipts
    "trigger": pl.String,  # schedule, sensor, automation, backfill, retry, re-execution or manual
    "triggered_by": pl.String,  # its name, the run that is repeated, or the person; null where it is not known
    "dry_run": pl.Boolean,
    "allow_mass_removal": pl.Boolean,
    "reconcile": pl.Boolean,
    "resend_all": pl.Boolean,
    "agreed_by": pl.String,  # the consent that covered it, as it was declared then
    "agreed_on": pl.Date,
    "outcome": pl.Enum(["done", "refused", "failed", "broken off"]),  # null on `began`
    "sentence": pl.String,  # why it was not done; without addresses
    **dict.fromkeys(COUNTS, pl.Int64()),  # those of the report; null where there is none
}
TRANSFERS: Final = pl.Schema(_COLUMNS)
_STORED: Final = storable(TRANSFERS)

_PEOPLE: Final = ("triggered_by", "agreed_by")
_ATTEMPTS: Final = 3  # several deliveries may make the table at once, and one of them succeeds
_MANY_FILES: Final = 200
_COMMITTED_WITHIN: Final = timedelta(hours=1)  # a file, or whoever wrote it was killed


class History:
    """The transfers under one storage root."""

    def __init__(self, storage: UPath) -> None:
        self._folder = storage / "history"

    def __repr__(self) -> str:
        return f"History({str(self._folder)!r})"

    @property
    def folder(self) -> UPath:
        """Where the table lies: `polars.scan_delta` reads it."""
        return self._folder

    def read_transfers(self) -> pl.LazyFrame:
        """One row for each transfer, as TRANSFERS: its end, or its beginning where no end was recorded; by time.

        Raises:
            LedgerError: the history cannot be read.
        """
        rows = self.read_rows().sort("event").unique("transfer", keep="last", maintain_order=True)
        return rows.sort("started_at", "transfer").lazy()

    def read_rows(self) -> pl.DataFrame:
        """All rows, as TRANSFERS.

        Raises:
            LedgerError: the history cannot be read.
        """
        with _told("read", self._folder):
            return _read(self._folder)

    def append(self, rows: pl.DataFrame) -> None:
        """Add rows of TRANSFERS.

        Raises:
            LedgerError: the history cannot be written.
        """
        with _told("written", self._folder):
            for left in reversed(range(_ATTEMPTS)):
                try:
                    write_rows(self._folder, rows.cast(_STORED), mode="append", statistics_of="started_at")
                    make_private(self._folder)
                    break
                except DeltaError:
                    if not left:
                        raise

    def erase(self, emails: Collection[str], *, now: datetime) -> int:
        """Take a person's name away, who started runs or agreed to them, from older versions too: in how many rows.

        Args:
            emails: the addresses of the person.
            now: the time; a run may be about to record that it begins.

        Raises:
            LedgerError: the history cannot be read or written.
        """
        with _told("written", self._folder):
            if not is_table(self._folder):
                return 0
            table = DeltaTable(str(self._folder))
            is_person = {name: pl.col(name).str.to_lowercase().is_in(list(emails)).fill_null(False) for name in _PEOPLE}
            found = scan_versions(self._folder, TRANSFERS).filter(pl.any_horizontal(*is_person.values()))
            count: int = found.unique(["transfer", "event"]).select(pl.len()).collect().item()
            if count:
                rows = conform_stored(pl.scan_delta(table), TRANSFERS).collect()
                kept = rows.with_columns(pl.when(~person).then(name).alias(name) for name, person in is_person.items())
                stored = kept.cast(_STORED)
                write_rows(self._folder, stored, mode="overwrite", statistics_of="started_at", table=table)
                keep_newest_version(self._folder, written_before=now - _COMMITTED_WITHIN)
            return count

    def tidy(self) -> None:
        """Join its files where they have become many, and take away those that were joined over a week ago."""
        with _told("written", self._folder):
            table = DeltaTable(str(self._folder))
            if len(table.file_uris()) > _MANY_FILES:
                table.optimize.compact()
                table.vacuum(dry_run=False)
                make_private(self._folder)


def _read(folder: UPath) -> pl.DataFrame:
    if not is_table(folder):
        return empty(TRANSFERS)
    return conform_stored(pl.scan_delta(str(folder)), TRANSFERS).collect()


def _told(verb: str, folder: UPath) -> AbstractContextManager[None]:
    remedy = (
        ", expected a Delta table: check that the storage is reachable and writable; where the table is damaged, move "
        "it away, and a new one is begun."
    )
    return telling(f"The history {folder} cannot be {verb}", remedy)

"""What we did, and whom we account for: one ledger per export, account and list.

A ledger is a table of receipts, which is only ever added to while a delivery runs: an intent per person before a
request body leaves, then, for the whole body, Klaviyo's bulk job and how it ended, and a refusal per person whom
Klaviyo did not take. Who is on the list because of us is not stored: it is folded from the receipts, so that a kill
at any moment leaves nothing half done. Nothing here knows Klaviyo or Dagster.
"""

from __future__ import annotations

from typing import Protocol

import polars as pl

from klaviyo_assets.ledger.compaction import compact
from klaviyo_assets.ledger.delta import DeltaLedger
from klaviyo_assets.ledger.forgotten import REASON, Forgotten
from klaviyo_assets.ledger.history import COUNTS, TRANSFERS, History
from klaviyo_assets.ledger.lease import Holder, Lease
from klaviyo_assets.ledger.memory import MemoryLedger
from klaviyo_assets.ledger.pause import Pause
from klaviyo_assets.ledger.people import fold
from klaviyo_assets.ledger.private import is_local, list_files, list_folders, make_folder, make_private
from klaviyo_assets.ledger.receipts import Stamp
from klaviyo_assets.ledger.remembered import Remembered
from klaviyo_assets.ledger.state import (
    OPEN_BODIES,
    fold_bulk_jobs,
    fold_existing,
    fold_heard_until,
    fold_open_bodies,
    fold_open_people,
    has_delivered,
)
from klaviyo_assets.ledger.traces import about, fold_steps

__all__ = [
    "COUNTS",
    "OPEN_BODIES",
    "REASON",
    "TRANSFERS",
    "DeltaLedger",
    "Forgotten",
    "History",
    "Holder",
    "Lease",
    "Ledger",
    "MemoryLedger",
    "Pause",
    "Remembered",
    "Stamp",
    "about",
    "compact",
    "fold",
    "fold_bulk_jobs",
    "fold_existing",
    "fold_heard_until",
    "fold_open_bodies",
    "fold_open_people",
    "fold_steps",
    "has_delivered",
    "is_local",
    "list_files",
    "list_folders",
    "make_folder",
    "make_private",
]


class Ledger(Protocol):
    """Where receipts are kept."""

    def read_receipts(self) -> pl.LazyFrame:
        """All receipts, as RECEIPTS; in no order: `sequence` says it.

        Raises:
            LedgerError: the ledger cannot be read.
        """

    def append(self, receipts: pl.DataFrame) -> None:
        """Add receipts, all or none, numbered after those that are there in the order in which they stand.

        Raises:
            LedgerError: the ledger cannot be written.
        """

    def replace(self, receipts: pl.LazyFrame) -> None:
        """Put receipts, with their numbers, in the place of all that are there, all or none.

        They are read while they are written, and may be read from this very ledger.

        Raises:
            LedgerError: the ledger cannot be written.
        """

"""Where the ledgers of exports lie in the storage, and what those of other exports say.

<storage>/ledgers/<export>/<account>/<list>
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from upath import UPath

from klaviyo_assets.delivery.destination import Destination
from klaviyo_assets.exports import Export
from klaviyo_assets.frames import LEDGER, empty
from klaviyo_assets.ledger import DeltaLedger, Ledger, MemoryLedger, fold, list_folders


def open_ledger(storage: UPath, export: Export, destination: Destination, *, take_over: bool) -> Ledger:
    """The ledger of an export, an account and a list; one that is empty where a dry run finds no list.

    Args:
        storage: the root.
        export: whose ledger; where it was renamed, the ledger of its old name is its own.
        destination: the account and the list.
        take_over: whether the ledger of the old name may be moved.

    Raises:
        LedgerError: a ledger cannot be read or written.
    """
    if destination.list is None:
        return MemoryLedger()
    own = DeltaLedger(_folder(storage, export.name, destination))
    if export.renamed_from is None:
        return own
    old = DeltaLedger(_folder(storage, export.renamed_from, destination))
    receipts = old.read_receipts()
    if receipts.head(1).collect().is_empty():
        return own
    if own.read_receipts().head(1).collect().is_empty():
        if not take_over:
            return old
        own.replace(receipts)
    elif not take_over:
        return own
    old.remove()
    return own


def names_beside(storage: UPath, destination: Destination) -> set[str]:
    """The exports that have a ledger of this very account and list."""
    here = (destination.account.id, destination.list_id)
    return {kept.export for kept in find_ledgers(storage) if (kept.account_id, kept.list_id) == here}


@dataclass(frozen=True)
class KeptLedger:
    """A ledger that lies in the storage, of whichever export."""

    export: str
    account_id: str
    list_id: str
    ledger: DeltaLedger


def find_ledgers(storage: UPath) -> list[KeptLedger]:
    """All ledgers in the storage, by export, account and list."""
    accounts = [each for export in list_folders(storage / "ledgers") for each in list_folders(export)]
    lists = [each for account in accounts for each in list_folders(account)]
    return [KeptLedger(each.parent.parent.name, each.parent.name, each.name, DeltaLedger(each)) for each in lists]


def sent_by_others(storage: UPath, destination: Destination, others: Sequence[Export]) -> pl.LazyFrame:
    """`email` and `payload` of the people whom other exports of the account send; read only when it is collected."""

    def read() -> pl.DataFrame:
        names = {other.name for other in others}
        theirs = [kept.ledger for kept in _of_account(storage, destination.account.id) if kept.export in names]
        return pl.concat([empty(_SENT), *(_read_sent(ledger) for ledger in theirs)])

    return pl.defer(read, schema=_SENT)


def people_of_account(storage: UPath, account_id: str) -> pl.LazyFrame:
    """`email` of everybody whom any export accounts for in the account, once for each list.

    Exports that are not declared any more count too: their people are still there.

    Raises:
        LedgerError: a ledger cannot be read.
    """
    emails = [fold(kept.ledger.read_receipts()).select("email") for kept in _of_account(storage, account_id)]
    return pl.concat([pl.LazyFrame(schema={"email": LEDGER["email"]}), *emails])


def _of_account(storage: UPath, account_id: str) -> list[KeptLedger]:
    return [kept for kept in find_ledgers(storage) if kept.account_id == account_id]


def _read_sent(ledger: Ledger) -> pl.DataFrame:
    return fold(ledger.read_receipts()).select(_SENT.names()).drop_nulls("payload").collect()


def _folder(storage: UPath, export_name: str, destination: Destination) -> UPath:
    return storage / "ledgers" / export_name / destination.account.id / destination.list_id


_SENT = pl.Schema({"email": LEDGER["email"], "payload": LEDGER["payload"]})

"""Ledgers in the storage that no declared export uses any more: whom they account for, and what to do with them.

Such a ledger does no harm, and is easily forgotten, while its people are still on the list. Exports that are declared
in Python alone are not known here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import polars as pl
from upath import UPath

from klaviyo_assets.delivery import KeptLedger, find_ledgers
from klaviyo_assets.errors import LedgerError
from klaviyo_assets.exports import Export
from klaviyo_assets.ledger import fold


def warn_of_left_ledgers(storage: UPath, exports: Sequence[Export]) -> Iterator[str]:
    """One sentence for each ledger that none of the exports uses.

    Args:
        storage: where ledgers are; it need not be there.
        exports: all that are declared.
    """
    used = {name for export in exports for name in (export.name, export.renamed_from)}
    try:
        for kept in find_ledgers(storage):
            if kept.export not in used:
                yield _warning(kept, {export.name for export in exports})
    except (OSError, ImportError) as error:
        yield (
            f"{storage}: cannot be looked into ({type(error).__name__}), so that it is not known whether it holds "
            f"ledgers that no export uses."
        )


def _warning(kept: KeptLedger, declared: Collection[str]) -> str:
    found = f"{kept.ledger.folder}: found a ledger of export {kept.export!r}, expected one that is declared"
    names = f" ({', '.join(sorted(declared))})" if declared else ""
    try:
        people = fold(kept.ledger.read_receipts()).filter("ours").select(pl.len()).collect().item()
    except LedgerError as error:
        return f"{found}{names}; and it cannot be read: {error}"
    if not people:
        return f"{found}{names}; nobody is on list {kept.list_id} by it any more: take the folder away."
    return (
        f"{found}{names}; {people} people are on list {kept.list_id} of account {kept.account_id} by it. Where the "
        f"export has another name now, write renamed_from: {kept.export} into it; where they shall leave the list, "
        f"declare it once more with an empty segment and leavers: remove, and run it with allow_mass_removal: true; "
        f"where they shall stay, take the folder away."
    )

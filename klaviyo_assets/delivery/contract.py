"""What the contract with Klaviyo allows, held against the people of all exports of an account together.

A person on several lists is one profile, and counts once. Profiles that others made in the account are not known here;
what a single export may do is in `plan.guard`.
"""

from __future__ import annotations

import polars as pl

from klaviyo_assets.delivery.ledgers import people_of_account
from klaviyo_assets.delivery.order import Work
from klaviyo_assets.errors import ContractExceeded
from klaviyo_assets.klaviyo import Account


def check_contract(work: Work, account: Account) -> int | None:
    """How many people all exports of the account account for, with those of the segment; None without a limit.

    Raises:
        ContractExceeded: they are more than the connection's contract_limit.
        LedgerError: a ledger of the account cannot be read.
    """
    limit = work.order.connection.contract_limit
    if limit is None:
        return None
    # Who is in the segment is in the export's ledger already, or is to be added.
    people = pl.concat([people_of_account(work.storage, account.id), work.profiles.select("email")])
    people_count: int = people.select(pl.col("email").n_unique()).collect().item()
    if people_count > limit:
        message = (
            f"With export {work.order.export.name!r}, all exports to account {account.id} hold {people_count} people, "
            f"each counted once, over contract_limit of {limit} of connection {work.order.connection.name!r}, and "
            f"nothing is sent; narrow the segments, or raise contract_limit if your contract with Klaviyo allows more."
        )
        raise ContractExceeded(message, people_count=people_count, contract_limit=limit)
    return people_count

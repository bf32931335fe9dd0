"""What must be true after a delivery, whatever happened before it: the list, the ledger, and what the report says.

The list is asked of the sandbox, which shares nothing with the client; the ledger is read from the storage.
"""

from __future__ import annotations

from typing import Final

import polars as pl
from upath import UPath

from klaviyo_assets.ledger import DeltaLedger, fold, fold_open_bodies
from klaviyo_assets_tests.flow.deployed import Deployment

_VALUE: Final = {"email": pl.String, "value": pl.Int64}
_SUM: Final = ("added", "updated", "unchanged", "rejected", "refused", "pending")


def check_truth(
    deployment: Deployment, customers: pl.DataFrame, *, list_id: str, others: pl.Series, export: str = "vip"
) -> None:
    """Hold what a delivery that succeeded must leave behind.

    Args:
        deployment: whose run it was.
        customers: the segment that was delivered: `EMail`, null in rows that cannot be sent, and `value`.
        list_id: the list that the export means.
        others: addresses of members whom others had put on the list before we came.
        export: which export was delivered.
    """
    desired = customers.drop_nulls("EMail").select(email="EMail", value="value")
    on_list = read_list(deployment, list_id)
    _check_list(desired, on_list, others)
    _check_ledger(deployment, desired, others, list_id=list_id, export=export)
    numbers = deployment.numbers(export)
    assert sum(numbers[name] for name in _SUM) == customers.height
    assert (numbers["pending"], numbers["refused"]) == (0, 0)
    assert numbers["rejected"] == customers.height - desired.height
    assert numbers["members"] == on_list.height


def read_list(deployment: Deployment, list_id: str) -> pl.DataFrame:
    """Who is on the list, by the sandbox's own account: `email` and `value`."""
    members = deployment.sandbox.members(list_id)
    columns = {"email": [m["email"] for m in members], "value": [m["properties"].get("value") for m in members]}
    return pl.DataFrame(columns, schema=_VALUE)


def read_open_bodies(deployment: Deployment, list_id: str, export: str = "vip") -> pl.DataFrame:
    """The bodies whose outcome is not in the ledger."""
    return fold_open_bodies(_ledger(deployment, list_id, export).read_receipts()).collect()


def _check_list(desired: pl.DataFrame, on_list: pl.DataFrame, others: pl.Series) -> None:
    assert on_list["email"].is_unique().all()
    assert _count_missing(desired, on_list) == 0, "customers are not on the list, or not as they are in the segment"
    strangers = on_list.join(desired, on="email", how="anti")["email"]
    assert (~strangers.is_in(others.implode())).sum() == 0, "who is in no segment is on the list because of us"
    assert (~others.is_in(on_list["email"].implode())).sum() == 0, "whom others put there was removed"


def _check_ledger(
    deployment: Deployment, desired: pl.DataFrame, others: pl.Series, *, list_id: str, export: str
) -> None:
    people = _fold(_ledger(deployment, list_id, export))
    assert read_open_bodies(deployment, list_id, export).is_empty()
    assert not people["open"].any()
    assert _count_missing(desired, people) == 0, "the ledger does not know what was delivered"
    strangers = people.filter("ours").join(desired, on="email", how="anti")
    assert strangers.is_empty(), "the ledger claims people who are in no segment"
    assert not people.filter("ours")["email"].is_in(others.implode()).any(), "the ledger claims members of others"


def _ledger(deployment: Deployment, list_id: str, export: str) -> DeltaLedger:
    """The one ledger of the export and list: a Delta table below the storage."""
    (log,) = (deployment.storage / "ledgers" / export).glob(f"*/{list_id}/_delta_log")
    return DeltaLedger(UPath(log.parent))


def _fold(ledger: DeltaLedger) -> pl.DataFrame:
    value = pl.col("payload").str.extract(r'"value":(\d+)').cast(pl.Int64)
    return fold(ledger.read_receipts()).with_columns(value=value).collect()


def _count_missing(desired: pl.DataFrame, found: pl.DataFrame) -> int:
    return desired.join(found, on=["email", "value"], how="anti").height

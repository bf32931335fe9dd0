"""Whether Klaviyo shows that more was delivered than the ledger knows: it was lost, or is an older copy of itself.

A ledger cannot tell that by itself. Klaviyo lists the bulk jobs of the last seven days, with the lists that they name
and the people whom they imported; and where no ledger is left at all, most of the segment stands on the list already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

import polars as pl

from klaviyo_assets.errors import LedgerOutdated
from klaviyo_assets.exports import Export
from klaviyo_assets.frames import MEMBERS, empty, look_up
from klaviyo_assets.klaviyo import BulkJob, Client
from klaviyo_assets.ledger import fold_bulk_jobs, fold_heard_until

MOST: Final = 0.5  # share from which it cannot be chance
FEWEST: Final = 10  # people; of fewer, most may well be on a list that others fill
_SAMPLE: Final = 100  # people: what one look-up holds
_MOST_JOBS: Final = 500  # bulk jobs that are looked through: five requests
_MOST_LOOKED_INTO: Final = 10

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def check_beginning(
    export: Export, people: pl.LazyFrame, *, beside: Collection[str], client: Client, list_id: str
) -> None:
    """Nothing, where it may be that nothing was ever delivered to the list.

    Args:
        export: whose ledger is empty; one that adopts the list's members needs none.
        people: `email` of everybody in the segment.
        beside: the exports that have a ledger of this list.
        client: the account.
        list_id: the list, which has members.

    Raises:
        LedgerOutdated: it was filled with these people before.
    """
    if export.existing_members == "adopt":
        return
    if any(_holds_most_of(job, people, client) for job in _jobs_naming(list_id, client, since=_EPOCH)):
        raise LedgerOutdated(_no_ledger(export, list_id, "was filled by a bulk import of the same people", beside))
    emails = people.select("email").collect()["email"]
    chosen = emails.sample(min(_SAMPLE, emails.len()), seed=0)
    found = client.find_members(list_id, chosen).height
    if found >= FEWEST and found > MOST * chosen.len():
        raise LedgerOutdated(_no_ledger(export, list_id, "holds most of the segment already", beside))


def check_still_valid(
    export: Export, receipts: pl.LazyFrame, additions: pl.LazyFrame, *, client: Client, list_id: str
) -> None:
    """Nothing, where the ledger knows of all that was delivered.

    Args:
        export: whose ledger it is.
        receipts: the ledger's.
        additions: `email` of those who would be added.
        client: the account.
        list_id: the list.

    Raises:
        LedgerOutdated: people who would be added were delivered, later than anything that the ledger knows of.
    """
    known = fold_bulk_jobs(receipts)
    heard_until = fold_heard_until(receipts) or _EPOCH
    unknown = (
        job
        for job in _jobs_naming(list_id, client, since=heard_until)
        if job.id not in known and job.created_at > heard_until
    )
    if any(_holds_most_of(job, additions, client) for job in unknown):
        raise LedgerOutdated(
            f"Klaviyo shows a bulk import to list {list_id} that is newer than the ledger of export {export.name!r} "
            f"and brought people whom the ledger does not know: it is an older copy of itself. Restore the newest one; "
            f"or run the export once with reconcile: true in the run's config, which reads the list first."
        )


def _jobs_naming(list_id: str, client: Client, *, since: datetime) -> Iterator[BulkJob]:
    jobs = islice(client.fetch_recent_bulk_jobs(since=since - timedelta(seconds=1)), _MOST_JOBS)
    return islice((job for job in jobs if job.list_ids == (list_id,)), _MOST_LOOKED_INTO)


def _holds_most_of(job: BulkJob, people: pl.LazyFrame, client: Client) -> bool:
    """Whether most of those whom the bulk job imported, as far as its first page tells, are among these people."""
    imported = next(client.read_imported(job.id), empty(MEMBERS))
    found = look_up(people, imported, "email", "semi").select(pl.len()).collect().item()
    return bool(found > MOST * imported.height)


def _no_ledger(export: Export, list_id: str, what: str, beside: Collection[str]) -> str:
    names = " or ".join(sorted(set(beside) - {export.name}))
    renamed = f"write renamed_from: {names}, if the export was called so" if names else "or write renamed_from"
    return (
        f"There is no ledger of export {export.name!r} for list {list_id}, while the list {what}. Was it lost, or the "
        f"storage or the export's name changed? Restore it, {renamed}; else write existing_members: adopt, if the "
        f"people on the list are to count as the export's, or run it once with reconcile: true in the run's config, "
        f"if others put them there."
    )

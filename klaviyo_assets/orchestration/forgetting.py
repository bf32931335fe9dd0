"""Forgets one person: erases them from the storage, keeps that nobody may send them again, has Klaviyo delete them.

The order is such that it can be killed and done again: first it is kept that nobody sends them, then, while nobody
delivers, the rows go. Which rows of frames are a person's is told in `erasing`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl
from upath import UPath

from klaviyo_assets.delivery import KeptLedger, find_ledgers
from klaviyo_assets.delivery.destination import verify_account
from klaviyo_assets.delivery.heartbeat import Heartbeat
from klaviyo_assets.errors import AccountBusy, DeliveryOpen
from klaviyo_assets.exports import Export, KlaviyoConnection
from klaviyo_assets.frames import PROFILES
from klaviyo_assets.ledger import Forgotten, History, Lease, Pause, Remembered, about, fold_open_bodies
from klaviyo_assets.orchestration.erasing import (
    Found,
    count_mentions,
    erase_rows,
    mentions,
    place_within,
    remove_unfinished,
)
from klaviyo_assets.orchestration.resources import klaviyo_account
from klaviyo_assets.orchestration.storage import frame_path, scan_file
from klaviyo_assets.segments import reading

_ASKING_TAKES_S: Final = 600.0
_KLAVIYO_REMEMBERS: Final = timedelta(days=8)  # a bulk job, which it forgets after seven
_MAY_STILL_IMPORT: Final = ("add", "update")


@dataclass(frozen=True)
class Forgetting:
    """What was erased, and what is left to do.

    Attributes:
        erased: the person's own rows.
        mentions: rows of other people that hold an address of the person somewhere; they are still there.
        unfinished: files that somebody is writing, or whose writer was killed just now; they are still there.
        lists: account and list of each ledger that knew the person.
    """

    erased: Sequence[Found]
    mentions: Sequence[Found]
    unfinished: Sequence[str]
    lists: Sequence[tuple[str, str]]


def find_other_addresses(email: str, *, storage: UPath) -> list[str]:
    """Addresses that are to be erased with this one.

    Under some an export has an external id of the person: to a plan they are the same person. Others were forgotten
    before, and are still stored: whoever erased them was killed.

    Raises:
        SegmentError: stored profiles cannot be read.
        LedgerError: a ledger, or a mark, cannot be read.
    """
    known: dict[str, list[pl.LazyFrame]] = {}
    for kept in find_ledgers(storage):
        known.setdefault(kept.export, [_stored_profiles(storage, kept.export)]).append(kept.ledger.read_versions())
    found = {other for frames in known.values() for other in _same_person(frames, email)}
    stored = pl.concat([pl.LazyFrame(schema={"email": pl.String}), *(each.select("email") for each in _all(known))])
    return sorted((found | set(Forgotten(storage).find(stored)["email"])) - {email})


def forget(emails: Sequence[str], *, storage: UPath, exports: Sequence[Export]) -> Forgetting:
    """Keep that nobody sends a person again, and erase all rows that are about them.

    Args:
        emails: the addresses of the person, in the form in which PROFILES have them.
        storage: where everything is.
        exports: those that are declared; they tell in which column of a segment the address is.

    Raises:
        AccountBusy: a delivery goes on; nothing was erased.
        DeliveryOpen: Klaviyo may still import them; nothing was erased.
        SegmentError: a stored frame cannot be read.
        LedgerError: a ledger, the history or the marks cannot be read or written.
    """
    now = datetime.now(UTC)
    for email in emails:
        Forgotten(storage).remember(email, at=now)
    ledgers = find_ledgers(storage)
    with _held(storage, _known_accounts(storage) | {kept.account_id for kept in ledgers}) as check_held:
        _check_settled(ledgers, emails, now=now)
        sent = {kept: _erase_from(kept, emails, check_held) for kept in ledgers}
        erased = [Found(place_within(storage, kept.ledger.folder), count) for kept, count in sent.items()]
        erased += [Found("history", History(storage).erase(emails, now=now))]
        erased += erase_rows(emails, storage=storage, exports=exports)
        unfinished = remove_unfinished(storage, now=now)
    left = [Found(place_within(storage, each.ledger.folder), _mentions_in(each, emails)) for each in ledgers]
    left += count_mentions(emails, storage=storage)
    return Forgetting(
        [each for each in erased if each.row_count],
        [each for each in left if each.row_count],
        unfinished,
        sorted({(kept.account_id, kept.list_id) for kept, count in sent.items() if count}),
    )


def request_deletion(email: str, connection: KlaviyoConnection, *, storage: UPath) -> tuple[str, bool]:
    """Have Klaviyo delete the person: the account that was asked, and whether it knew them.

    Raises:
        Refused: sending is paused, or the environment holds no key, or that of another account.
        KlaviyoError: Klaviyo refused, or did not answer.
    """
    Pause(storage).check(connection.name)
    with klaviyo_account(connection).connect() as client:
        client.session.set_deadline(_ASKING_TAKES_S)
        account = verify_account(connection, client=client, remembered=Remembered(storage), remember=False)
        return account.id, client.request_deletion(email)


def _stored_profiles(storage: UPath, export: str) -> pl.LazyFrame:
    path = frame_path(storage, export, "profiles")
    with reading(f"What is stored as klaviyo/{export}/profiles"):
        return scan_file(path) if path.exists() else pl.LazyFrame(schema=PROFILES)


def _all(known: Mapping[str, Sequence[pl.LazyFrame]]) -> Iterator[pl.LazyFrame]:
    return (frame for frames in known.values() for frame in frames)


def _same_person(frames: Sequence[pl.LazyFrame], email: str) -> list[str]:
    is_person = pl.col("email") == email
    people = pl.concat([frame.select("email", "external_id").drop_nulls() for frame in frames]).unique()
    same = people.join(people.filter(is_person), on="external_id", how="semi").filter(~is_person)
    return same.select(pl.col("email").unique()).collect()["email"].to_list()


def _check_settled(ledgers: Sequence[KeptLedger], emails: Sequence[str], *, now: datetime) -> None:
    """Without their receipts it could not be told any more which bulk job was ours, nor whether it is over."""
    may_import = pl.col("change").is_in(_MAY_STILL_IMPORT) & (pl.col("at") > now - _KLAVIYO_REMEMBERS)
    for kept in ledgers:
        receipts = kept.ledger.read_receipts()
        for email in emails:
            still_open = fold_open_bodies(about(receipts, email)).filter(may_import).collect()
            if not still_open.is_empty():
                until = still_open["at"].max() + _KLAVIYO_REMEMBERS  # type: ignore[operator]
                raise DeliveryOpen(
                    f"A delivery of this person by export {kept.export!r} to list {kept.list_id} of account "
                    f"{kept.account_id} is not settled, and nothing was erased yet; no run that starts from now on "
                    f"sends the person: run the export once, which settles it, and then this again; where it cannot "
                    f"run any more, this goes on after {until:%Y-%m-%d %H:%M} UTC, when Klaviyo has forgotten it."
                )


def _erase_from(kept: KeptLedger, emails: Sequence[str], check_held: Callable[[], None]) -> int:
    check_held()
    return kept.ledger.erase(emails)


def _mentions_in(kept: KeptLedger, emails: Sequence[str]) -> int:
    return mentions(kept.ledger.read_receipts(), emails)


def _known_accounts(storage: UPath) -> set[str]:
    remembered = Remembered(storage)
    found = (remembered.account_id(connection) for connection in remembered.connections())
    return {account_id for account_id in found if account_id}


@contextmanager
def _held(storage: UPath, account_ids: Collection[str]) -> Iterator[Callable[[], None]]:
    """No delivery to any of the accounts goes on in the block; it is given what raises LeaseLost where one does."""
    leases = {each: Lease(storage, each, run_id="klaviyo-assets forget") for each in sorted(account_ids)}

    def check() -> None:
        for lease in leases.values():
            lease.check()

    def renew() -> None:
        for lease in leases.values():
            # Where the storage does not answer, what is written next tells.
            with suppress(OSError):
                lease.renew()

    with ExitStack() as held:
        for account_id, lease in leases.items():
            _acquire(lease, account_id)
            held.callback(lease.release)
        held.enter_context(Heartbeat([renew]))
        yield check


def _acquire(lease: Lease, account_id: str) -> None:
    holder = lease.acquire()
    if holder is not None:
        since = datetime.fromtimestamp(holder.since, UTC)
        raise AccountBusy(
            f"Run {holder.run_id} delivers to account {account_id} since {since:%H:%M} UTC, and nothing was erased "
            f"yet; no run that starts from now on sends the person: run this again once that one is over."
        )

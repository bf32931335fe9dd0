"""One delivery to an account at a time: whoever comes second waits, and is told what for.

How that is held across processes and machines belongs to `ledger.lease`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from klaviyo_assets.delivery.heartbeat import Heartbeat
from klaviyo_assets.errors import AccountBusy, DeadlinePassed
from klaviyo_assets.klaviyo import Session
from klaviyo_assets.ledger import Holder, Lease

LOOKS_EVERY_S: Final = 2.0


@contextmanager
def take_turn(lease: Lease, account_id: str, *, session: Session, say: Callable[[str], None]) -> Iterator[None]:
    """Wait for the account, and have it for the block; before each write it is asked whether it still is ours.

    Raises:
        AccountBusy: the delivery's deadline passed while it waited.
    """
    _wait_for(lease, account_id, session=session, say=say)
    session.only_while(lambda request: lease.check() if request.writes else None)

    def renew() -> None:
        # Where the storage does not answer, the next write asks again, and tells.
        with suppress(OSError):
            lease.renew()

    try:
        with Heartbeat([renew]):
            yield
    finally:
        # What is not given back ends by itself; and what went wrong before is what is to be told.
        with suppress(OSError):
            lease.release()


def _wait_for(lease: Lease, account_id: str, *, session: Session, say: Callable[[str], None]) -> None:
    holder = lease.acquire()
    if holder is not None:
        say(f"Waits for another delivery to account {account_id}, of run {holder.run_id}.")
    while holder is not None:
        try:
            session.wait(LOOKS_EVERY_S)
        except DeadlinePassed:
            raise _busy(holder, account_id) from None
        holder = lease.acquire()


def _busy(holder: Holder, account_id: str) -> AccountBusy:
    since = datetime.fromtimestamp(holder.since, UTC)
    return AccountBusy(
        f"Run {holder.run_id} delivers to account {account_id} since {since:%H:%M} UTC, and this one waited for it "
        f"until its own deadline_minutes were over, and sent nothing; run it again once the other one is over."
    )

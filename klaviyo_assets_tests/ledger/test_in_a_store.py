"""What processes that share a storage in an object store see of one another: each lists it anew."""

from __future__ import annotations

import pytest
from upath import UPath

from klaviyo_assets.delivery.ledgers import find_ledgers
from klaviyo_assets.errors import LeaseLost, Paused
from klaviyo_assets.ledger import DeltaLedger, Lease, Pause, Remembered
from klaviyo_assets.ledger.lease import CLOCK_SKEW_S, LASTS_S
from klaviyo_assets_tests.ledger.test_contract import deliver, people


def as_another_process(storage: UPath) -> UPath:
    """The same storage, by a file system that shares with the first no more than another process would."""
    return UPath(str(storage), skip_instance_cache=True)


def test_a_lease_that_another_process_took_is_lost(s3_storage: UPath) -> None:
    """Whoever seemed to have ended sends nothing more once another has the account, also after looking before."""
    now = [1_000.0]
    first = Lease(s3_storage, "Ab12Cd", run_id="first", now=lambda: now[0])
    assert first.acquire() is None
    first.check()
    now[0] += LASTS_S + CLOCK_SKEW_S + 1
    second = Lease(as_another_process(s3_storage), "Ab12Cd", run_id="second", now=lambda: now[0])
    assert second.acquire() is None

    with pytest.raises(LeaseLost):
        first.check()
    second.check()


def test_a_pause_by_another_process_holds_and_ends(s3_storage: UPath) -> None:
    """Nothing is sent while a mark is there, whoever looked before it was made, and all is once it is taken away."""
    here, there = Pause(s3_storage), Pause(as_another_process(s3_storage))
    there.begin("fabrikam")
    assert here.connections() == ["fabrikam"]
    here.check("contoso")
    there.begin("contoso")
    with pytest.raises(Paused):
        here.check("contoso")
    there.end()
    here.check("contoso")


def test_what_another_process_began_is_found(s3_storage: UPath) -> None:
    """Ledgers and connections that came after the first look are there at the next one."""
    there = as_another_process(s3_storage)
    for number, export in enumerate(["vip", "win_back"], start=1):
        deliver(DeltaLedger(there / "ledgers" / export / "Ab12Cd" / "YafG4m"), people("a@example.com"), body="1")
        Remembered(there).remember_account(f"account {number}", "Ab12Cd")

        assert len(find_ledgers(s3_storage)) == number
        assert len(Remembered(s3_storage).connections()) == number

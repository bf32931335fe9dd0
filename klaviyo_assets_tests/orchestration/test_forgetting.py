"""`klaviyo-assets forget`: nothing is left of the person, and everything of everybody else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from deltalake import DeltaTable
from upath import UPath

from klaviyo_assets.delivery import find_ledgers
from klaviyo_assets.errors import AccountBusy, DeliveryOpen, LeaseLost
from klaviyo_assets.frames import CHANGES
from klaviyo_assets.ledger import DeltaLedger, Forgotten, History, Lease, Stamp, fold, tables
from klaviyo_assets.orchestration.forgetting import forget as forget_person
from klaviyo_assets.sandbox import Settings, serve
from klaviyo_assets_tests.frames_made import made
from klaviyo_assets_tests.orchestration.forgetting import (
    ADA,
    BOB,
    MARKERS,
    ZOE,
    ZOE_BEFORE,
    forget,
    live_through_everything,
    places_of,
)
from klaviyo_assets_tests.orchestration.projects import Project

WRITTEN_NOW = "segments/.vip.parquet.0b"
EVERY = 1 if os.environ.get("CI") else 6  # so many steps from one kill to the next


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Zoe's story, told once."""
    with (
        pytest.MonkeyPatch.context() as patch,
        serve(Settings(limits="off", job_duration_s=0.05)) as sandbox,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        patch.setenv("KLAVIYO_API_URL", sandbox.url)
        patch.setenv("KLAVIYO_API_KEY", sandbox.key)
        told = Project(tmp_path_factory.mktemp("story"), instance)
        live_through_everything(told, sandbox, patch)
        yield told


@pytest.fixture
def delivered(story: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A storage after all of it, of its own; no declaration is near."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(story.root / "storage", tmp_path / "storage")
    return replace(story, root=tmp_path)


def storage_of(project: Project) -> UPath:
    """Where the project's storage is."""
    return UPath(project.root / "storage")


def others_in(storage: UPath) -> dict[str, list[tuple[object, ...]]]:
    """What ledgers add up to for everybody but Zoe."""
    others = ~pl.col("email").is_in([ZOE, ZOE_BEFORE])
    kept = find_ledgers(storage)
    return {
        str(each.ledger.folder): fold(each.ledger.read_receipts()).filter(others).sort("email").collect().rows()
        for each in kept
    }


def test_nothing_is_left(delivered: Project) -> None:
    """No file of the storage holds an address, name, phone number or id of hers: no row, log or older version."""
    storage = delivered.root / "storage"
    kinds = {tuple(place.split("/")[:2]) for place in places_of(storage, *MARKERS) if not place.startswith("history/")}
    assert kinds == {
        *(("ledgers", name) for name in ("vip", "left", "second")),
        *(("klaviyo", name) for name in ("vip", "left", "second")),
        *(("segments", name) for name in ("vip", "vip.parquet", ".vip.parquet.0a", ".vip.parquet.0b")),
    }
    assert len(list(storage.glob("klaviyo/vip/*.parquet"))) == len({"profiles", "rejections", "refusals"})
    result = forget(storage, "--yes")

    assert result.exit_code == 0, result.output
    assert not any(marker.lower() in result.output.lower() for marker in MARKERS)
    assert places_of(storage, *MARKERS) == {WRITTEN_NOW}
    assert f"{WRITTEN_NOW}: is being written, or was left by a killed process" in result.output
    os.utime(storage / WRITTEN_NOW, (0, 0))
    assert forget(storage, "--yes").exit_code == 0
    assert places_of(storage, *MARKERS) == set()


def test_what_is_told(delivered: Project) -> None:
    """Each place is told with its rows, and so are the sources, the other address and the lists that she may be on."""
    lines = forget(delivered.root / "storage", "--yes").output.splitlines()
    rows = dict(line.split(": rows erased: ") for line in lines if ": rows erased: " in line)

    assert {place.partition("/")[0] for place in rows} == {"ledgers", "history", "klaviyo", "segments"}
    assert rows["segments/vip.parquet"] == rows["segments/vip/2026-11-20.parquet"] == "2"
    assert rows["klaviyo/vip/profiles.parquet"] == rows["klaviyo/vip/refusals.parquet"] == "1"
    told = "\n".join(lines)
    assert "Forgotten too: 1 other address (of the same external id, or forgotten before)." in told
    assert "The segments' sources were not touched" in told
    assert told.count("Klaviyo was not asked: the profile may be on list ") == 3


def test_others_are_as_they_were(delivered: Project) -> None:
    """Ledgers, frames and the history hold of others what they held."""
    storage = storage_of(delivered)
    before, transfers = others_in(storage), History(storage).read_transfers().collect().height
    assert all(before.values())
    assert forget(delivered.root / "storage", "--yes").exit_code == 0

    assert others_in(storage) == before
    assert set(delivered.read("klaviyo/vip/profiles")["email"]) == {ADA, BOB}
    assert delivered.read("segments/vip")["EMail"].to_list() == [ADA, BOB]
    assert History(storage).read_transfers().collect().height == transfers


def test_only_this_address(delivered: Project) -> None:
    """Where that is asked for, what other addresses have of the same external id stays, and they may be sent."""
    storage = storage_of(delivered)
    assert forget(delivered.root / "storage", "--yes", "--only-this-address").exit_code == 0

    assert places_of(delivered.root / "storage", ZOE) == {WRITTEN_NOW}
    assert places_of(delivered.root / "storage", ZOE_BEFORE)
    assert Forgotten(storage).since(ZOE_BEFORE) is None


Act = Callable[[], None]


class Killed(BaseException):
    """The process is gone."""


def at_step(number: int, act: Act, patch: pytest.MonkeyPatch) -> list[str]:
    """Have something happen before this step of those that change the storage; the steps are told."""
    steps: list[str] = []

    def stepping(kind: Any, name: str) -> None:
        change = getattr(kind, name)

        def step(*args: object, **options: object) -> object:
            # A lease that a process leaves behind is nobody's here, too.
            if "/leases/" not in str(args[0]):
                steps.append(name)
                if len(steps) == number:
                    act()
            return change(*args, **options)

        patch.setattr(kind, name, step)

    for kind, names in {
        tables: ["write_deltalake"],
        DeltaTable: ["create_checkpoint", "vacuum"],
        pl.LazyFrame: ["sink_parquet"],
        type(UPath("/")): ["unlink"],
        Path: ["replace"],
    }.items():
        for name in names:
            stepping(kind, name)
    return steps


def kill() -> None:
    """The process dies."""
    raise Killed


def test_killed_at_any_step(story: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it came to, erasing again takes away what is left of both addresses, and nothing of others."""
    monkeypatch.chdir(tmp_path)
    whole, before = len(_steps_of_all(story, tmp_path / "whole", monkeypatch)), others_in(storage_of(story))
    assert whole > 40
    for number in range(1, whole + 1, EVERY):
        storage = tmp_path / str(number)
        shutil.copytree(story.root / "storage", storage)
        with monkeypatch.context() as patch, pytest.raises(Killed):
            _kill_at(number, storage, patch)
        assert forget(storage, "--yes").exit_code == 0, number

        assert places_of(storage, *MARKERS) == {WRITTEN_NOW}, number
        assert list(others_in(UPath(storage)).values()) == list(before.values())


def _kill_at(number: int, storage: Path, patch: pytest.MonkeyPatch) -> None:
    at_step(number, kill, patch)
    forget(storage, "--yes")


def _steps_of_all(story: Project, storage: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    shutil.copytree(story.root / "storage", storage)
    with monkeypatch.context() as patch:
        steps = at_step(0, kill, patch)
        assert forget(storage, "--yes").exit_code == 0
    return steps


def test_a_delivery_that_goes_on(delivered: Project) -> None:
    """While a delivery to any of the accounts goes on nothing is erased, and that is told; afterwards it is."""
    storage = storage_of(delivered)
    for account_id in {kept.account_id for kept in find_ledgers(storage)}:
        lease = Lease(storage, account_id, run_id="run-7")
        assert lease.acquire() is None
        with pytest.raises(AccountBusy, match=f"Run run-7 delivers to account {account_id} since"):
            forget_person([ZOE], storage=storage, exports=[])
        assert ZOE in delivered.read("klaviyo/vip/profiles")["email"]
        assert Forgotten(storage).since(ZOE) is not None
        lease.release()

    assert forget(delivered.root / "storage", "--yes").exit_code == 0
    assert Lease(storage, account_id, run_id="run-8").acquire() is None


def test_an_account_that_was_lost(delivered: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another delivery begins, because this process seemed to have ended, no other ledger is written over."""
    storage = storage_of(delivered)
    account_id = find_ledgers(storage)[-1].account_id

    def lose() -> None:
        (storage / "leases" / account_id / "9999999999.json").write_text("{}")

    steps = at_step(1, lose, monkeypatch)
    with pytest.raises(LeaseLost):
        forget_person([ZOE], storage=storage, exports=[])
    assert steps.count("write_deltalake") == 1


@pytest.mark.parametrize(("change", "days", "blocks"), [("add", 1, True), ("update", 7, True), ("add", 9, False)])
def test_a_delivery_that_is_not_settled(delivered: Project, change: str, days: int, blocks: bool) -> None:
    """As long as Klaviyo may still import the person nothing is erased; the export's next run settles it."""
    storage, at = storage_of(delivered), datetime.now(UTC) - timedelta(days=days)
    people = made(CHANGES, [{"change": change, "email": ZOE, "payload": "{}"}])
    (kept,) = (each for each in find_ledgers(storage) if each.export == "vip")
    kept.ledger.append(Stamp("run-7", at).intents(people, body="open"))
    before = places_of(delivered.root / "storage", *MARKERS)
    if not blocks:
        assert forget_person([ZOE], storage=storage, exports=[]).erased
        return
    with pytest.raises(DeliveryOpen, match=r"by export 'vip' to list \w+ of account \w+ is not settled") as raised:
        forget_person([ZOE], storage=storage, exports=[])

    assert places_of(delivered.root / "storage", *MARKERS) == before
    assert not any(marker in str(raised.value) for marker in MARKERS)


def test_removals_that_are_not_settled_hold_nothing_up(delivered: Project) -> None:
    """A removal whose answer never came is settled by the list, with or without the person."""
    storage = storage_of(delivered)
    people = made(CHANGES, [{"change": "remove", "email": ZOE}, {"change": "remove", "email": ADA}])
    (kept,) = (each for each in find_ledgers(storage) if each.export == "vip")
    kept.ledger.append(Stamp("run-7", datetime.now(UTC)).intents(people, body="open"))

    assert forget_person([ZOE], storage=storage, exports=[]).erased
    assert fold(kept.ledger.read_receipts()).filter("open").collect()["email"].to_list() == [ADA]


def test_a_ledger_of_nobody_else(tmp_path: Path) -> None:
    """Where all of a ledger was about the person, it is empty, and goes on."""
    ledger = DeltaLedger(UPath(tmp_path) / "ledgers" / "vip" / "Ab12Cd" / "YafG4m")
    stamp = Stamp("run-7", datetime.now(UTC))
    ledger.append(stamp.existing(pl.DataFrame({"email": [ZOE], "joined_at": [stamp.at]})))
    done = forget_person([ZOE], storage=UPath(tmp_path), exports=[])

    assert done.lists == [("Ab12Cd", "YafG4m")]
    assert ledger.read_receipts().collect().is_empty()
    ledger.append(stamp.existing(pl.DataFrame({"email": [ADA], "joined_at": [stamp.at]})))
    assert ledger.read_receipts().collect()["email"].to_list() == [ADA]


def test_nothing_was_known(delivered: Project) -> None:
    """Somebody of whom nothing is stored can be forgotten ahead of time; no table is touched."""
    ledgers = find_ledgers(storage_of(delivered))
    versions = [DeltaTable(str(kept.ledger.folder)).version() for kept in ledgers]
    result = forget(delivered.root / "storage", "--yes", address="new@example.com")

    assert result.output.startswith("Nothing of this person was stored.\n")
    assert [DeltaTable(str(kept.ledger.folder)).version() for kept in ledgers] == versions

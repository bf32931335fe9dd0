"""A ledger that was lost, is an older copy of itself, or is half written: noticed before anything is sent."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from klaviyo_assets.errors import LedgerError, LedgerOutdated
from klaviyo_assets_tests.delivery.scene import Scene, accounted, crowd, export

DAY = 86_400


def folder_of(scene: Scene) -> Path:
    """Where the ledgers lie."""
    return Path(scene.storage.path) / "ledgers"


def nothing_sent(scene: Scene) -> bool:
    """Whether Klaviyo was only asked since the log was cleared."""
    return all(sent.startswith("GET") for sent in scene.sent())


@pytest.mark.parametrize("later", [3_600, 30 * DAY], ids=["while-klaviyo-remembers", "after-it-forgot"])
def test_lost_ledger_is_noticed(scene: Scene, later: float) -> None:
    """Without its ledger an export does not begin anew on a list that it filled; reconciling is the way on."""
    scene.run(crowd(30))
    shutil.rmtree(folder_of(scene))
    scene.sandbox.advance(later)
    scene.sandbox.clear_requests()
    with pytest.raises(LedgerOutdated, match=r"no ledger of export 'vip'.*reconcile: true"):
        scene.run(crowd(29))
    assert nothing_sent(scene)

    report = scene.run(crowd(29), order={"reconcile": True})
    assert report.added == 29
    assert accounted(report)
    assert set(scene.members(report)) == set(crowd(30))


def test_lost_ledger_is_noticed_in_a_dry_run_too(scene: Scene) -> None:
    """What a delivery would refuse, its dry run tells."""
    scene.run(crowd(30))
    shutil.rmtree(folder_of(scene))

    with pytest.raises(LedgerOutdated):
        scene.run(crowd(30), order={"dry_run": True})


def test_export_under_another_name_is_told_of_its_former(scene: Scene) -> None:
    """Where another ledger of the list is found, the way on is to name it."""
    scene.run(crowd(30), name="old")

    with pytest.raises(LedgerOutdated, match="renamed_from: old"):
        scene.run(crowd(30), name="new")


@pytest.mark.parametrize("others", [crowd(30), crowd(12)], ids=["same-people", "few-of-them"])
def test_members_whom_others_put_there_are_no_lost_ledger(scene: Scene, others: dict[str, int]) -> None:
    """Another declared export that fills the list, or a list that holds few of the segment, is no reason to refuse."""
    scene.run(others, name="theirs", leavers="keep")
    order = {"others": [export(name="theirs", leavers="keep")]}

    assert scene.run(crowd(30), leavers="keep", order=order).added == 30


def test_older_copy_is_noticed(scene: Scene) -> None:
    """A ledger that was restored from a backup before the last delivery sends nobody anew until it is reconciled."""
    scene.run(crowd(30))
    backup = folder_of(scene).parent / "backup"
    shutil.copytree(folder_of(scene), backup)
    scene.sandbox.advance(3_600)
    scene.run(crowd(60))
    shutil.rmtree(folder_of(scene))
    shutil.copytree(backup, folder_of(scene))
    scene.sandbox.advance(3_600)
    scene.sandbox.clear_requests()
    with pytest.raises(LedgerOutdated, match="older copy"):
        scene.run(crowd(60))
    assert nothing_sent(scene)

    report = scene.run(crowd(60), order={"reconcile": True})
    assert accounted(report)
    assert set(scene.members(report)) == set(crowd(60))
    assert scene.run(crowd(60)).unchanged == 60


def test_copy_of_the_last_delivery_is_as_good_as_the_ledger(scene: Scene) -> None:
    """A backup that misses nothing goes on without a word."""
    scene.run(crowd(30))
    moved = folder_of(scene).parent / "moved"
    folder_of(scene).rename(moved)
    shutil.copytree(moved, folder_of(scene))

    assert scene.run(crowd(35)).added == 5


def _without_log(table: Path) -> None:
    shutil.rmtree(table / "_delta_log")


def _empty_log(table: Path) -> None:
    sorted((table / "_delta_log").glob("*.json"))[-1].write_text("")


def _missing_file(table: Path) -> None:
    next(table.glob("*.parquet")).unlink()


def _cut_file(table: Path) -> None:
    file = next(table.glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-20])


@pytest.mark.parametrize("damage", [_without_log, _empty_log, _missing_file, _cut_file])
def test_half_written_ledger_is_noticed(scene: Scene, damage: Callable[[Path], None]) -> None:
    """A ledger of which a part is missing sends nothing, and says what to do."""
    report = scene.run(crowd(10))
    damage(folder_of(scene) / "vip" / report.account_id / str(report.list_id))
    scene.sandbox.clear_requests()

    with pytest.raises(LedgerError, match="restore"):
        scene.run(crowd(20))
    assert nothing_sent(scene)

"""The files of a Delta ledger: few enough to be read, and kept for as long as they tell something."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from upath import UPath

from klaviyo_assets.ledger import DeltaLedger, delta
from klaviyo_assets.ledger.tables import DAYS_KEPT
from klaviyo_assets_tests.ledger.test_contract import STAMP, people


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UPath:
    """Where a ledger may lie that has three files at most."""
    monkeypatch.setattr(delta, "MOST_FILES", 3)
    return UPath(tmp_path) / "list"


def append(ledger: DeltaLedger, *numbers: int) -> None:
    """One commit for each number."""
    for number in numbers:
        ledger.append(STAMP.intents(people(f"marker{number}@example.com"), body=str(number)))


def data_files(folder: UPath) -> set[Path]:
    """Those of all versions that are left."""
    return set(Path(folder.path).glob("*.parquet"))


def needed(folder: UPath) -> set[Path]:
    """Those of the newest version."""
    return {Path(uri.removeprefix("file://")) for uri in DeltaTable(str(folder)).file_uris()}


def test_small_files_are_put_together(folder: UPath) -> None:
    """However many commits there are, a reader opens few files, and finds all receipts with their numbers."""
    ledger = DeltaLedger(folder)
    append(ledger, *range(10))

    assert len(needed(folder)) <= 3
    found = ledger.read_receipts().sort("sequence").select("sequence", "body").collect()
    assert found.rows() == [(number, str(number)) for number in range(10)]


def test_they_are_put_together_where_each_run_adds_one(folder: UPath) -> None:
    """Commits of earlier processes count as this one's do."""
    for number in range(10):
        append(DeltaLedger(folder), number)

    assert len(needed(folder)) <= 3


def test_putting_together_shows_nobody(folder: UPath) -> None:
    """Neither the log nor another user of the machine is told of anybody by it."""
    append(DeltaLedger(folder), *range(10))

    everything = list(Path(folder.path).rglob("*"))
    assert not [path for path in everything if path.stat().st_mode & 0o077]
    assert not [path for path in everything if path.suffix == ".json" and "marker" in path.read_text()]


def test_two_who_write_at_once_number_on(folder: UPath) -> None:
    """What another process adds while small files are put together is neither lost nor numbered twice."""
    one, other = DeltaLedger(folder), DeltaLedger(folder)
    for number in range(0, 20, 2):
        append(one, number)
        append(other, number + 1)

    found = one.read_receipts().sort("sequence").select("sequence", pl.col("body").cast(pl.Int64)).collect()
    assert found.rows() == [(number, number) for number in range(20)]


def test_a_file_that_only_old_versions_need_is_kept_for_a_while(folder: UPath) -> None:
    """It can be told what was sent before a compaction, and the folder does not grow for ever."""
    append(DeltaLedger(folder), 0, 1, 2)
    old = data_files(folder) - needed(folder)
    log = max(Path(folder.path).glob("_delta_log/*.json"))
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    removed = [action["remove"] for action in actions if "remove" in action]
    for action in removed[:2]:
        action["deletionTimestamp"] -= timedelta(days=DAYS_KEPT).total_seconds() * 1_000
    log.write_text("\n".join(map(json.dumps, actions)))
    append(DeltaLedger(folder), 3, 4, 5)

    assert {path.name for path in old} == {action["path"] for action in removed}
    assert {path.name for path in old & data_files(folder)} == {removed[2]["path"]}
    assert DeltaLedger(folder).read_receipts().collect().height == 6


def test_a_file_that_no_version_knows_is_taken_away_once_it_is_old(folder: UPath) -> None:
    """What a killed process left goes; what another process may be about to commit stays."""
    ledger = DeltaLedger(folder)
    append(ledger, 0)
    left = [Path(folder.path) / f"part-0000{number}.parquet" for number in range(2)]
    for path in left:
        path.touch()
    made = time.time() - timedelta(days=DAYS_KEPT + 1).total_seconds()
    os.utime(left[0], (made, made))
    append(ledger, 1, 2)

    assert [path.exists() for path in left] == [False, True]

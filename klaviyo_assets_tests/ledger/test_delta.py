"""What the Delta ledger keeps to besides the contract."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from upath import UPath

from klaviyo_assets.errors import LedgerError
from klaviyo_assets.frames import RECEIPTS
from klaviyo_assets.ledger import DeltaLedger, compact, fold
from klaviyo_assets.ledger.receipts import number
from klaviyo_assets.ledger.tables import storable
from klaviyo_assets_tests.ledger.test_contract import STAMP, deliver, people

Damage = Callable[[Path], object]


def begun(tmp_path: Path) -> DeltaLedger:
    """A ledger of two commits, each with its own data file."""
    ledger = DeltaLedger(UPath(tmp_path) / "list")
    ledger.append(STAMP.intents(people("marker@example.com"), body="1"))
    ledger.append(STAMP.settled("1", outcome="done"))
    return ledger


def test_delta_log_holds_no_address(tmp_path: Path) -> None:
    """Delta's own log, with its least and greatest values, names nobody."""
    begun(tmp_path)

    log = "".join(path.read_text() for path in tmp_path.rglob("_delta_log/*.json"))
    assert '"numRecords":1' in log.replace("\\", "")
    assert "marker" not in log


def test_erasing_leaves_no_byte(tmp_path: Path) -> None:
    """Who is erased is in no version, nor in a log that was written with everybody's least and greatest values."""
    folder = UPath(tmp_path) / "list"
    begun = number(STAMP.intents(people("marker@example.com", "a@example.com"), body="1"), first=0)
    begun.cast(storable(RECEIPTS)).write_delta(str(folder), mode="append")
    ledger = DeltaLedger(folder)
    ledger.append(STAMP.settled("1", outcome="done"))
    ledger.append(STAMP.intents(people("marker@example.com", change="remove"), body="2"))
    # Processes that were killed before their commit left files of which no log tells, whole and not.
    left = ledger.read_receipts().collect().cast(storable(RECEIPTS))
    left.write_parquet(tmp_path / "list" / "part-00000.parquet")
    (tmp_path / "list" / "part-00001.parquet#1").write_text("marker")
    (tmp_path / "list" / "_delta_log" / "_commit_1.json.tmp").write_text("marker")
    assert "marker" in everything(tmp_path)

    assert ledger.erase(["marker@example.com", "nobody@example.com"]) == 2
    assert "marker" not in everything(tmp_path)
    assert fold(ledger.read_receipts()).collect()["email"].to_list() == ["a@example.com"]
    ledger.append(STAMP.intents(people("b@example.com"), body="3"))
    assert DeltaLedger(folder).read_receipts().collect()["sequence"].max() == 3
    assert ledger.erase(["marker@example.com"]) == 0


def test_erasing_takes_what_a_killed_process_left(tmp_path: Path) -> None:
    """A file that was never whole is nobody's, and may hold anybody: it goes, also where no receipt is about them."""
    ledger = begun(tmp_path)
    (tmp_path / "list" / "part-00001.parquet#1").write_text("somebody")

    assert ledger.erase(["somebody@example.com"]) == 0
    assert "somebody" not in everything(tmp_path)
    assert ledger.read_receipts().collect().height == 2


def everything(folder: Path) -> str:
    """All bytes of all files below a folder, and all rows of the tables' files."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    rows = [pl.read_parquet(path).write_json() for path in files if path.suffix == ".parquet"]
    return "".join([*(path.read_bytes().decode("latin-1") for path in files), *rows])


def _empty_log(root: Path) -> None:
    sorted(root.rglob("_delta_log/*.json"))[-1].write_text("")


def _remove_log(root: Path) -> None:
    for path in root.rglob("_delta_log/*.json"):
        path.unlink()


def _truncate(root: Path) -> None:
    path = next(root.rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-7])


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        pytest.param(lambda root: next(root.rglob("*.json")).write_text("nonsense"), "cannot be read", id="nonsense"),
        pytest.param(_empty_log, "a part of its log is empty|cannot be read", id="empty-log"),
        pytest.param(_remove_log, "it holds receipts, and no log that says which", id="no-log"),
        pytest.param(lambda root: min(root.rglob("*.json")).unlink(), "cannot be read", id="first-log-missing"),
        pytest.param(lambda root: next(root.rglob("*.parquet")).unlink(), "is missing, or not whole", id="no-data"),
        pytest.param(_truncate, "is missing, or not whole", id="truncated-data"),
    ],
)
def test_a_damaged_ledger_is_an_error_with_its_remedy(tmp_path: Path, damage: Damage, found: str) -> None:
    """What is left of a ledger is neither taken for a new one nor for a shorter one, to read or to write."""
    begun(tmp_path)
    damage(tmp_path)

    for attempt in (
        lambda: DeltaLedger(UPath(tmp_path) / "list").read_receipts(),
        lambda: begun(tmp_path),
    ):
        with pytest.raises(LedgerError, match=found) as raised:
            attempt()
        assert "restore" in str(raised.value)
        assert "marker" not in str(raised.value)


def test_a_ledger_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """Where a file stands in the way of the folder, that is said, and nobody is named."""
    (tmp_path / "list").write_text("")

    with pytest.raises(LedgerError, match="nothing is sent without it") as raised:
        begun(tmp_path)
    assert "marker" not in str(raised.value)


def test_a_ledger_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    """A table that lacks columns is read as if they were empty, appended to, and compacted."""
    lacking = ["uncleared", "field", "code"]
    old = pl.concat([STAMP.intents(people("old@example.com"), body="1"), STAMP.settled("1", outcome="done")])
    old = old.with_columns(sequence=pl.int_range(pl.len(), dtype=pl.Int64)).drop(lacking)
    old.with_columns(pl.col(pl.Enum).cast(pl.String)).write_delta(tmp_path / "list")
    ledger = DeltaLedger(UPath(tmp_path) / "list")

    assert ledger.read_receipts().collect_schema() == RECEIPTS
    assert ledger.read_receipts().select(pl.col(lacking).null_count()).collect().row(0) == (2, 2, 2)
    deliver(ledger, people("old@example.com", change="update", payload="v2", clears=["title"]), body="2")
    assert fold(ledger.read_receipts()).collect()["uncleared"].to_list() == [["title"]]
    fewer = compact(ledger.read_receipts(), people_count=0, worth=-1)
    assert fewer is not None
    ledger.replace(fewer)
    assert fold(ledger.read_receipts()).collect()["uncleared"].to_list() == [["title"]]


def test_a_ledger_is_not_replaced_by_a_part(tmp_path: Path) -> None:
    """Where what is to take its place cannot be read to its end, it stays as it is, and no value is told."""
    ledger = begun(tmp_path)
    before = ledger.read_receipts().collect()
    fails = pl.col("email").str.to_integer().cast(pl.String)

    for receipts in (before.lazy().with_columns(fails), _cut_off(before, tmp_path / "cut_off.parquet")):
        with pytest.raises(LedgerError, match="cannot be written") as raised:
            ledger.replace(receipts)
        assert "marker" not in str(raised.value)
        assert raised.value.__suppress_context__
        assert_frame_equal(ledger.read_receipts().collect(), before)


def _cut_off(receipts: pl.DataFrame, file: Path) -> pl.LazyFrame:
    """Many receipts in a file that was cut off since it was opened."""
    pl.concat([receipts] * 1_000).write_parquet(file, row_group_size=100)
    rows = pl.scan_parquet(file)
    rows.collect_schema()
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return rows


def test_only_the_owner_reads_a_ledger(tmp_path: Path) -> None:
    """Every file of a ledger, and every folder from its root on, is closed to everybody else."""
    mask = os.umask(0)
    try:
        ledger = DeltaLedger(UPath(tmp_path) / "storage" / "ledgers" / "list")
        deliver(ledger, people("a@example.com"), body="1")
        ledger.replace(ledger.read_receipts())
    finally:
        os.umask(mask)

    found = [(each.is_dir(), oct(each.stat().st_mode & 0o777)) for each in (tmp_path / "storage").rglob("*")]
    assert set(found) == {(True, "0o700"), (False, "0o600")}
    assert (tmp_path / "storage").stat().st_mode & 0o777 == 0o700


def test_no_number_is_used_twice(tmp_path: Path) -> None:
    """Who appends goes on after what another process appended or compacted meanwhile."""
    one, other = DeltaLedger(UPath(tmp_path) / "list"), DeltaLedger(UPath(tmp_path) / "list")
    for body, ledger in enumerate([one, other, one, one, other, other, one]):
        ledger.append(STAMP.intents(people(f"p{body}@example.com"), body=str(body)))
    numbers = one.read_receipts().collect()["sequence"].sort().to_list()
    assert numbers == list(range(7))

    other.replace(one.read_receipts().filter(pl.col("sequence") > 2))
    one.append(STAMP.intents(people("q@example.com"), body="q"))
    other.append(STAMP.intents(people("r@example.com"), body="r"))
    assert one.read_receipts().collect()["sequence"].sort().to_list() == [3, 4, 5, 6, 7, 8]


def test_a_ledger_that_is_removed_is_a_new_one(tmp_path: Path) -> None:
    """After it was taken away nothing of it is left, and taking it away again is no mistake."""
    ledger = begun(tmp_path)
    ledger.remove()
    ledger.remove()

    assert not (tmp_path / "list").exists()
    assert ledger.read_receipts().collect().is_empty()
    ledger.append(STAMP.intents(people("a@example.com"), body="1"))
    assert ledger.read_receipts().collect()["sequence"].to_list() == [0]


def test_a_storage_that_nobody_knows_is_an_error() -> None:
    """An address that the library cannot open is told as what it is, not as an empty ledger."""
    with pytest.raises(LedgerError, match="memory://storage/list cannot be read"):
        DeltaLedger(UPath("memory://storage/list")).read_receipts()


def test_repr_names_the_folder_alone(tmp_path: Path) -> None:
    """A ledger that is printed shows where it is, and nobody."""
    assert repr(begun(tmp_path)) == f"DeltaLedger('{tmp_path}/list')"

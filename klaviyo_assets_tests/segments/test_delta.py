"""Delta tables: which version is read, by what a refresh is known, and what is no table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from klaviyo_assets.errors import SourceMissing, SourceUnreadable
from klaviyo_assets.exports import DeltaSource
from klaviyo_assets.segments import DeltaReader
from klaviyo_assets_tests.segments.written import write

TABLE = pl.DataFrame({"Id": ["a", "b"], "EMail": ["ada@example.com", None], "Points": [1, 2]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table of one version."""
    TABLE.write_delta(str(tmp_path / "vip"))
    return tmp_path / "vip"


def reader(folder: Path) -> DeltaReader:
    """The reader of the table in that folder."""
    return DeltaReader(DeltaSource(type="delta", path=folder.name), folder.parent)


def test_deleted_rows_are_nobody(folder: Path) -> None:
    """What the log took away is not read, though its files are still there."""
    DeltaTable(str(folder)).delete("Id = 'a'")

    assert reader(folder).read_customers().collect()["Id"].to_list() == ["b"]
    assert len(list(folder.glob("*.parquet"))) > 1


def test_version_is_kept(folder: Path) -> None:
    """Customers are those of the version that was the newest when they were read, whatever is committed since."""
    customers = reader(folder).read_customers()

    TABLE.head(1).write_delta(str(folder), mode="overwrite")

    assert customers.collect()["Id"].to_list() == ["a", "b"]


def test_partitions_are_columns(tmp_path: Path) -> None:
    """A column that the table is partitioned by stands in no file, and comes out all the same."""
    TABLE.write_delta(str(tmp_path / "vip"), delta_write_options={"partition_by": "Points"})

    customers = reader(tmp_path / "vip").read_customers().sort("Id").collect()

    assert customers.select(TABLE.columns).equals(TABLE)


def _replace(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    TABLE.write_delta(str(folder))


CHANGES: Mapping[str, tuple[Callable[[Path], object], bool]] = {
    "nothing": (lambda folder: None, False),
    "a file that the log does not name": (lambda folder: write(folder / "x.parquet", b""), False),
    "rows more": (lambda folder: TABLE.write_delta(str(folder), mode="append"), True),
    "the same rows again": (lambda folder: TABLE.write_delta(str(folder), mode="overwrite"), True),
    "rows less": (lambda folder: DeltaTable(str(folder)).delete("Id = 'a'"), True),
    "another table, of the same version": (_replace, True),
}


@pytest.mark.parametrize(("change", "changes"), CHANGES.values(), ids=CHANGES.keys())
def test_mark(change: Callable[[Path], object], changes: bool, folder: Path) -> None:
    """The mark changes with each version of the table, and with the table."""
    before = reader(folder).read_refresh_mark()

    change(folder)

    assert (reader(folder).read_refresh_mark() != before) == changes


def test_no_table(tmp_path: Path) -> None:
    """A folder of plain files is told to be none, and a folder that is not there to be missing."""
    write(tmp_path / "files/a.parquet", b"")

    for method in (reader(tmp_path / "files").read_customers, reader(tmp_path / "files").read_refresh_mark):
        with pytest.raises(SourceUnreadable, match=r"files is not a Delta table, expected a folder with _delta_log"):
            method()
    with pytest.raises(SourceMissing, match=r"Nothing is found at nowhere .*expected the folder of a Delta table"):
        reader(tmp_path / "nowhere").read_customers()


def test_damaged_log(folder: Path) -> None:
    """A log that is not whole is told as such, and quotes nobody."""
    (log,) = (folder / "_delta_log").glob("*.json")
    log.write_text(log.read_text()[:-200])

    for method in (reader(folder).read_customers, reader(folder).read_refresh_mark):
        with pytest.raises(SourceUnreadable, match=r"vip cannot be read: its log is damaged") as failure:
            method()
        assert "example.com" not in str(failure.value)
        assert failure.value.__cause__ is None

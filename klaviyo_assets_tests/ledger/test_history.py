"""The history of transfers as a table: what is read back, by whom, and who may write at once."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable
from upath import UPath

from klaviyo_assets.errors import LedgerError
from klaviyo_assets.ledger import TRANSFERS, History
from klaviyo_assets.ledger import history as history_module
from klaviyo_assets.ledger.tables import write_rows
from klaviyo_assets_tests.frames_made import NOON, made


def rows(*events: tuple[str, str], **facts: Any) -> pl.DataFrame:
    """Rows of TRANSFERS, from transfer and event."""
    named = [{"transfer": transfer, "event": event} for transfer, event in events]
    return made(TRANSFERS, named, **{"started_at": NOON, "export": "vip", **facts})


def test_a_new_history_is_empty(tmp_path: Path) -> None:
    """Before anything was transferred there are no transfers, of the right columns; reading makes no table."""
    history = History(UPath(tmp_path))

    assert history.read_transfers().collect_schema() == TRANSFERS
    assert list(tmp_path.iterdir()) == []


def test_a_transfer_is_its_end(tmp_path: Path) -> None:
    """A transfer is read once: as it ended, or as it began where no end was recorded; the oldest first."""
    history = History(UPath(tmp_path))
    history.append(rows(("later", "ended"), outcome="done", started_at=NOON + timedelta(hours=1)))
    history.append(rows(("killed", "began")))
    history.append(rows(("first", "began"), started_at=NOON - timedelta(hours=1)))
    history.append(rows(("first", "ended"), outcome="refused", started_at=NOON - timedelta(hours=1)))
    history.append(rows(("later", "began"), started_at=NOON + timedelta(hours=1)))

    read = history.read_transfers().select("transfer", "outcome").collect()
    assert read.rows() == [("first", "refused"), ("killed", None), ("later", "done")]


def test_anybody_with_polars_reads_it(tmp_path: Path) -> None:
    """The table is where it is promised to be, and each row that was written is a row of it."""
    history = History(UPath(tmp_path))
    history.append(rows(("a", "began")))
    history.append(rows(("a", "ended"), outcome="done", added=3))

    table = pl.scan_delta(str(tmp_path / "history")).sort("event").select("event", "added").collect()
    assert table.rows() == [("began", None), ("ended", 3)]


@pytest.mark.parametrize("attempt", range(3))
def test_several_begin_it_at_once(tmp_path: Path, attempt: int) -> None:
    """Deliveries that write into a history that is not there yet lose no row."""
    names = [str(number) for number in range(6)]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: History(UPath(tmp_path)).append(rows((name, "began"))), names))

    assert sorted(History(UPath(tmp_path)).read_transfers().collect()["transfer"]) == names


def test_many_files_become_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tidying joins many small files into one, and loses no row; few files are left as they are."""
    history = History(UPath(tmp_path))
    for number in range(4):
        history.append(rows((str(number), "ended"), outcome="done"))
    history.tidy()
    assert file_count(history) == 4
    monkeypatch.setattr("klaviyo_assets.ledger.history._MANY_FILES", 3)
    history.tidy()

    assert file_count(history) == 1
    assert history.read_transfers().collect()["transfer"].to_list() == ["0", "1", "2", "3"]
    assert_private(tmp_path / "history")


def test_it_is_for_its_owner(tmp_path: Path) -> None:
    """Nobody else reads the history, and Delta's log, with its least and greatest values, names nobody."""
    history = History(UPath(tmp_path))
    history.append(rows(("a", "began"), agreed_by="marker@example.com", triggered_by="marker@example.com"))

    assert_private(tmp_path / "history")
    log = "".join(path.read_text() for path in tmp_path.rglob("_delta_log/*.json"))
    assert "numRecords" in log
    assert "marker" not in log
    assert repr(history) == f"History('{tmp_path}/history')"


def test_what_cannot_be_read_or_written_is_told(tmp_path: Path) -> None:
    """A history that is damaged is an error that says where it is and what to do."""
    history = History(UPath(tmp_path))
    history.append(rows(("a", "began")))
    next(tmp_path.rglob("_delta_log/*.json")).write_text("nonsense")

    with pytest.raises(LedgerError, match=r"history cannot be read .* move it away"):
        history.read_transfers()
    with pytest.raises(LedgerError, match=r"history cannot be written .* move it away"):
        history.append(rows(("b", "began")))


def file_count(history: History) -> int:
    """How many files the table is made of now."""
    return len(DeltaTable(str(history.folder)).file_uris())


def assert_private(folder: Path) -> None:
    """Fails where anybody but the owner may do anything with what is in the folder."""
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))]
    assert not any(mode & 0o077 for mode in modes)


def test_a_person_is_taken_out_of_it(tmp_path: Path) -> None:
    """Whose name stands with a transfer is taken out of all versions, in any casing; the transfers stay."""
    history = History(UPath(tmp_path))
    history.append(rows(("a", "began"), triggered_by="Marker@Example.com", agreed_by="ada@example.com"))
    history.append(rows(("b", "ended"), triggered_by="a schedule", agreed_by="marker@example.com"))

    assert history.erase(["marker@example.com"], now=datetime.now(UTC)) == 2
    read = history.read_transfers().select("transfer", "triggered_by", "agreed_by").collect()
    assert read.rows() == [("a", None, "ada@example.com"), ("b", "a schedule", None)]
    files = [path for path in (tmp_path / "history").rglob("*") if path.is_file()]
    assert not any(b"arker" in path.read_bytes() for path in files)
    assert history.erase(["marker@example.com"], now=datetime.now(UTC)) == 0


def test_what_begins_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that begins while somebody is taken out, or is about to, is in the history afterwards."""
    history, file = History(UPath(tmp_path)), tmp_path / "history" / "part-00000.parquet"
    history.append(rows(("a", "began"), agreed_by="marker@example.com"))

    def write_after_another(*args: Any, **options: Any) -> None:
        with monkeypatch.context() as undisturbed:
            undisturbed.setattr(history_module, "write_rows", write_rows)
            history.append(rows(("b", "began")))
        file.write_bytes(b"of a run that has not committed yet")
        write_rows(*args, **options)

    monkeypatch.setattr(history_module, "write_rows", write_after_another)
    assert history.erase(["marker@example.com"], now=datetime.now(UTC)) == 1
    assert set(history.read_rows()["transfer"]) == {"a", "b"}
    assert file.exists()

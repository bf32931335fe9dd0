"""What changes a refresh mark, and what does not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from klaviyo_assets.exports import CustomerInsightsSource, FileSource
from klaviyo_assets.segments import open_source
from klaviyo_assets.segments.refresh_mark import mark_of
from klaviyo_assets_tests.segments.written import BLOB, csv_bytes, entity, partition, write, write_model

ATTRIBUTES = {"Id": "string"}
FILES = ("data/a.csv", "data/b.csv")
DATED = f"{BLOB}/Vip/2026/01/02/0605/Vip_1.csv"
TIME = 1_700_000_000_000_000_000  # ns


def test_order_does_not_matter() -> None:
    """A mark is that of its facts, in whatever order a store lists them; each of them counts."""
    facts = [("b", "1"), ("a", "2")]

    assert mark_of(facts) == mark_of(reversed(facts))
    assert mark_of(facts) != mark_of(facts[:1])
    assert mark_of([("ab", "")]) != mark_of([("a", "b")])


def _touch(path: Path, time: int) -> None:
    os.utime(path, ns=(time, time))


def _write_files(root: Path) -> None:
    for name in FILES:
        _touch(write(root / name, b"Id\n1\n"), TIME)


def _mark_files(root: Path) -> str:
    return open_source(FileSource(type="csv", path="data"), root=root).read_refresh_mark()


def _add(root: Path) -> None:
    write(root / "data/c.csv", b"Id\n2\n")


FILE_CHANGES: Mapping[str, tuple[Callable[[Path], object], bool]] = {
    "nothing": (lambda root: None, False),
    "time by a nanosecond": (lambda root: _touch(root / "data/a.csv", TIME + 1), True),
    "older time": (lambda root: _touch(root / "data/b.csv", TIME - 1), True),
    "another size": (lambda root: _touch(write(root / "data/a.csv", b"Id\n12\n"), TIME), True),
    "a file more": (_add, True),
    "a file less": (lambda root: (root / "data/a.csv").unlink(), True),
    "another name": (lambda root: (root / "data/a.csv").rename(root / "data/c.csv"), True),
    "a hidden file": (lambda root: write(root / "data/_SUCCESS", b""), False),
    "a file of another kind": (lambda root: write(root / "data/readme.txt", b"x"), False),
}


@pytest.mark.parametrize(("change", "changes"), FILE_CHANGES.values(), ids=FILE_CHANGES.keys())
def test_files(change: Callable[[Path], object], changes: bool, tmp_path: Path) -> None:
    """The mark of files changes with their paths, sizes and times, and with nothing else."""
    _write_files(tmp_path)
    before = _mark_files(tmp_path)

    change(tmp_path)

    assert (_mark_files(tmp_path) != before) == changes


def _mark_entity(root: Path) -> str:
    source = CustomerInsightsSource(type="customer_insights", path="feed", entity="Vip")
    return open_source(source, root=root).read_refresh_mark()


def _write_entity(root: Path, *partitions: Mapping[str, Any], **more: Any) -> None:
    write_model(root / "feed", entity(ATTRIBUTES, partitions), **more)


def _describe(model: Path) -> None:
    described = json.loads(model.read_bytes())
    described["modifiedTime"] = "2030-01-01T00:00:00Z"
    described["description"] = "changed"
    model.write_text(json.dumps(described, indent=2))


MODEL_CHANGES: Mapping[str, tuple[Callable[[Path], object], bool]] = {
    "nothing": (lambda root: None, False),
    "the definition": (lambda root: _describe(root / "feed/model.json"), False),
    "time of refresh": (lambda root: _write_entity(root, partition(DATED, refresh_time="2026-01-03T06:05:40Z")), True),
    "a new dated folder": (lambda root: _write_entity(root, partition(DATED.replace("01/02", "01/03"))), True),
    "a partition more": (lambda root: _write_entity(root, partition(DATED), partition(f"{DATED}2")), True),
    "no rows any more": (lambda root: _write_entity(root, partition(None)), True),
    "a signature": (lambda root: _write_entity(root, partition(f"{DATED}?sv=1&sig=SECRET")), False),
}


@pytest.mark.parametrize(("change", "changes"), MODEL_CHANGES.values(), ids=MODEL_CHANGES.keys())
def test_customer_insights(change: Callable[[Path], object], changes: bool, tmp_path: Path) -> None:
    """The mark of an entity changes with its partitions' locations and times of refresh, not with the definition."""
    _write_entity(tmp_path, partition(DATED))
    before = _mark_entity(tmp_path)

    change(tmp_path)

    assert (_mark_entity(tmp_path) != before) == changes


def test_time_of_refresh_is_missing(tmp_path: Path) -> None:
    """Without a time of refresh the dated folder counts, and the file's own time does not."""
    _write_entity(tmp_path, partition(DATED, refresh_time=None))
    file = write(tmp_path / "feed/Vip/2026/01/02/0605/Vip_1.csv", csv_bytes(None, [["1"]]))
    before = _mark_entity(tmp_path)

    _touch(file, TIME)
    assert _mark_entity(tmp_path) == before

    _write_entity(tmp_path, partition(DATED.replace("0605", "0705"), refresh_time=None))
    assert _mark_entity(tmp_path) != before


def test_time_of_refresh_and_date_are_missing(tmp_path: Path) -> None:
    """Without both the file's size and time count."""
    _write_entity(tmp_path, partition("Vip_1.csv", refresh_time=None))
    file = write(tmp_path / "feed/Vip_1.csv", csv_bytes(None, [["1"]]))
    before = _mark_entity(tmp_path)

    _touch(file, TIME)

    assert _mark_entity(tmp_path) != before


def test_partitions_are_missing(tmp_path: Path) -> None:
    """Without partitions in model.json the newest dated folder counts."""
    _write_entity(tmp_path)
    write(tmp_path / "feed/Vip/2026/01/02/0605/Vip_1.csv", csv_bytes(None, [["1"]]))
    before = _mark_entity(tmp_path)

    _touch(write(tmp_path / "feed/Vip/2026/01/01/0605/Vip_1.csv", csv_bytes(None, [["1"]])), TIME)
    assert _mark_entity(tmp_path) == before

    write(tmp_path / "feed/Vip/2026/01/03/0605/Vip_1.csv", csv_bytes(None, [["1"]]))
    assert _mark_entity(tmp_path) != before

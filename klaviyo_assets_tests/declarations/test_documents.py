"""Files become documents: where each key stands, and what keeps a file from being read."""

from __future__ import annotations

from pathlib import Path

import pytest

from klaviyo_assets.orchestration.declarations.documents import find_document, read_documents

TWO = """\
# a comment
type: one
attributes:
  name: vip
  segments:
  - a
  - b: [c,
        d]
---
type: two
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of two documents."""
    file = tmp_path / "defs.yaml"
    file.write_text(TWO, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ((), 2, 1),
        (("type",), 2, 1),
        (("attributes",), 3, 1),
        (("attributes", "name"), 4, 3),
        (("attributes", "segments", 0), 6, 5),
        (("attributes", "segments", 1, "b"), 7, 5),
        (("attributes", "segments", 1, "b", 1), 8, 9),
        (("attributes", "limits", "max_profiles"), 3, 1),
    ],
)
def test_each_key_has_its_place(
    file: Path, monkeypatch: pytest.MonkeyPatch, path: tuple[str | int, ...], line: int, column: int
) -> None:
    """A key or an item is found at its line and column; what is not there, at what it would stand in."""
    monkeypatch.chdir(file.parent)
    first, _ = read_documents(file)

    assert f"defs.yaml:{line}:{column}" == str(first.find(path))


def test_a_document_is_found_by_its_line(file: Path) -> None:
    """What Dagster has read is found again, in both documents; no line without a beginning finds one."""
    found = [find_document(file, line) for line in (2, 10)]

    assert [document.contents["type"] for document in found if document] == ["one", "two"]
    assert find_document(file, 3) is None


def test_a_changed_file_is_read_anew(file: Path) -> None:
    """What was read before is not taken for what stands there now."""
    find_document(file, 2)
    file.write_text("\n" + TWO.replace("one", "three"), encoding="utf-8")
    document = find_document(file, 3)

    assert document is not None
    assert document.contents["type"] == "three"


def test_a_day_stays_text(tmp_path: Path) -> None:
    """As for Dagster, a day is text and no date."""
    (tmp_path / "defs.yaml").write_text("day: 2026-11-23\n", encoding="utf-8")
    (document,) = read_documents(tmp_path / "defs.yaml")

    assert document.contents == {"day": "2026-11-23"}


def test_other_bytes_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in another encoding is one mistake, at its beginning."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "defs.yaml").write_bytes("name: Liepāja\n".encode("cp1257"))
    (document,) = read_documents(tmp_path / "defs.yaml")

    assert list(map(str, document.mistakes)) == [
        "defs.yaml:1:1: found bytes that are not UTF-8 (at byte 10), expected UTF-8; save the file as UTF-8"
    ]

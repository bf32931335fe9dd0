"""Files that nobody but their owner reads, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from upath import UPath

from klaviyo_assets.ledger import Pause, is_local, list_files, make_folder, make_private
from klaviyo_assets.ledger.private import create_text, replace_text


@pytest.fixture(autouse=True)
def open_to_all() -> Iterator[None]:
    """A machine where new files are everybody's."""
    mask = os.umask(0)
    yield
    os.umask(mask)


def mode(path: Path) -> str:
    """The permissions of a path."""
    return oct(path.stat().st_mode & 0o777)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/data", True), ("file:///data", True), ("local:///data", True), ("memory://data", False)],
)
def test_what_is_local(path: str, expected: bool) -> None:
    """A folder of this machine has permissions of its own, an object store has not."""
    assert is_local(UPath(path)) is expected


@pytest.mark.parametrize("write", [create_text, replace_text], ids=["created", "replaced"])
def test_files_and_folders_are_their_owners(tmp_path: Path, write: Callable[[UPath, str], None]) -> None:
    """The file and every folder that was made for it are closed; folders that were there stay as they are."""
    tmp_path.chmod(0o755)
    write(UPath(tmp_path) / "a" / "b" / "file", "text")

    assert [mode(tmp_path / name) for name in ("", "a", "a/b", "a/b/file")] == ["0o755", "0o700", "0o700", "0o600"]
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file"]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """The new text stands in a new file that took the old one's place."""
    path = UPath(tmp_path) / "file"
    replace_text(path, "a long text")
    before = Path(path.path).stat().st_ino
    replace_text(path, "ä")

    assert path.read_text(encoding="utf-8") == "ä"
    assert Path(path.path).stat().st_ino != before


@pytest.mark.parametrize("root", ["", "memory://private-of-a-test"], ids=["folder", "object-store"])
def test_a_file_is_created_once(tmp_path: Path, root: str) -> None:
    """Who comes second fails, and what the first one wrote stays, with nothing beside it."""
    path = (UPath(root) if root else UPath(tmp_path)) / "folder" / "file"
    create_text(path, "first")
    with pytest.raises(FileExistsError):
        create_text(path, "second")
    assert path.read_text() == "first"

    replace_text(path, "third")
    assert path.read_text() == "third"
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_what_a_library_left_open_is_closed(tmp_path: Path) -> None:
    """Everything in a folder is taken from everybody else, and its owner keeps what he has."""
    (tmp_path / "a").mkdir(mode=0o755)
    for name, rights in (("a/open", 0o666), ("a/closed", 0o600), ("a/run", 0o755), ("a/read", 0o444)):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(rights)
    make_private(UPath(tmp_path))

    names = ("", "a", "a/open", "a/closed", "a/run", "a/read")
    assert [mode(tmp_path / name) for name in names] == ["0o700", "0o700", "0o600", "0o600", "0o700", "0o400"]


def test_an_object_store_is_left_alone() -> None:
    """A folder there is made, and no permissions are asked for."""
    folder = UPath("memory://private-of-a-test/made")
    make_folder(folder)
    make_private(folder)

    assert folder.exists()


def test_files_are_listed_as_they_are_now(tmp_path: Path) -> None:
    """All files below a folder are found, hidden ones too; where there is no folder, there is none."""
    folder = UPath(tmp_path) / "paused"
    assert list_files(folder) == []
    for name in ("b", ".hidden", "deep/a"):
        replace_text(folder / name, "")

    assert [str(each.relative_to(folder)) for each in list_files(folder)] == [".hidden", "b", "deep/a"]


def test_what_cannot_be_listed_is_not_empty(tmp_path: Path) -> None:
    """Whoever looks for a mark that forbids something is told that it cannot be looked for."""
    (tmp_path / "paused").write_text("no folder")
    with pytest.raises(NotADirectoryError):
        list_files(UPath(tmp_path) / "paused")
    with pytest.raises(NotADirectoryError):
        Pause(UPath(tmp_path)).check("contoso")

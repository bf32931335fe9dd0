"""Files and folders that nobody but their owner reads: what is stored here is about people.

On an object store its own permissions hold, and nothing is done here but writing. What is written belongs elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from upath import UPath

_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_OTHERS: Final = 0o077


def is_local(path: UPath) -> bool:
    """Whether the path is a folder of this machine."""
    return path.protocol in ("", "file", "local")


def make_folder(folder: UPath) -> None:
    """The folder, and those above it that are missing, for their owner's eyes only."""
    if not is_local(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return
    path = Path(folder.path)
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=_FOLDER_MODE, exist_ok=True)


def list_files(folder: UPath) -> list[UPath]:
    """All files in the folder and below it as they are now, hidden ones too; none where there is no folder.

    Raises:
        OSError: the folder cannot be read; it is not taken for an empty one.
    """
    if is_local(folder):
        root = Path(folder.path)
        return sorted(folder / str(found.relative_to(root)) for found in _walk(root))
    # A store's file system is one for the whole process, and remembers what it listed for good.
    folder.fs.invalidate_cache()
    prefix = str(folder.path).rstrip("/")
    return sorted(folder / str(found)[len(prefix) :].lstrip("/") for found in folder.fs.find(folder.path))


def list_folders(folder: UPath) -> list[UPath]:
    """The folders right in the folder, as they are now; none where there is no folder."""
    folder.fs.invalidate_cache()
    return sorted(each for each in folder.iterdir() if each.is_dir()) if folder.exists() else []


def make_private(folder: UPath, *, but: set[str] | None = None) -> None:
    """Take from everybody else what a library let them see of a folder and what is in it.

    Args:
        folder: a folder of this machine; on an object store nothing is done.
        but: what is private already and need not be looked at; what is made private now is added.
    """
    if not is_local(folder):
        return
    found = {folder.path}
    for parent, folders, files in os.walk(folder.path):
        found.update(os.path.join(parent, name) for name in (*folders, *files))  # noqa: PTH118  there may be thousands
    for path in found - (but or set()):
        # Another process may take a file away that it wrote for a moment.
        with suppress(FileNotFoundError):
            mode = os.stat(path).st_mode  # noqa: PTH116
            if mode & _OTHERS:
                os.chmod(path, mode & ~_OTHERS)  # noqa: PTH101
    if but is not None:
        but |= found


def replace_text(path: UPath, text: str) -> None:
    """The file with this text, whole or as it was before."""
    make_folder(path.parent)
    if not is_local(path):
        path.write_text(text)
        return
    unfinished = _write_beside(Path(path.path), text)
    unfinished.replace(path.path)


def create_text(path: UPath, text: str) -> None:
    """The file with this text, where there is none yet; of several who try at once, one succeeds.

    Raises:
        FileExistsError: there is one.
    """
    make_folder(path.parent)
    if not is_local(path):
        path.fs.pipe_file(path.path, text.encode(), mode="create")
        return
    unfinished = _write_beside(Path(path.path), text)
    try:
        # Unlike opening the file itself, a link appears with all that is in it.
        os.link(unfinished, path.path)
    finally:
        unfinished.unlink()


def _walk(root: Path) -> Iterator[Path]:
    """The files below a folder of this machine; fsspec, and `rglob`, pass over what they cannot read."""

    def fail(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # never there, or taken away just now
            raise error

    for folder, _, names in os.walk(root, onerror=fail):
        yield from (Path(folder) / name for name in names)


def _write_beside(path: Path, text: str) -> Path:
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _FILE_MODE)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  a descriptor, not a path
        file.write(text)
    return unfinished

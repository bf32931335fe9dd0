"""All that a project and its Dagster keep on disk, laid open to be searched: databases by the cell, and unpacked.

What must not be in it belongs in the tests.
"""

from __future__ import annotations

import sqlite3
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import polars as pl


def find_kept(markers: Iterable[str], home: Path) -> set[str]:
    """Where below Dagster's home a marker stands: names of files, and `table.column` of databases."""
    sought = [marker.encode() for marker in markers]
    return {where for where, what in _kept(home) if any(each in what for each in sought)}


def find_names(markers: Iterable[str], root: Path) -> set[str]:
    """Names of files and folders that hold a marker."""
    sought = [*markers, "@", "%40"]
    return {path.name for path in root.rglob("*") if any(each in path.name for each in sought)}


def find_stored(marker: str, storage: Path) -> set[str]:
    """Stored files that hold the marker: their bytes, and what is packed in Parquet."""
    return {path.name for path in storage.rglob("*") if path.is_file() and marker.encode() in _unpacked(path)}


def find_readable(root: Path) -> set[str]:
    """Files and folders below a folder, and itself, that others than their owner may read, write or enter."""
    others = stat.S_IRWXG | stat.S_IRWXO
    return {str(path.relative_to(root)) for path in (root, *root.rglob("*")) if path.stat().st_mode & others}


def _kept(home: Path) -> Iterator[tuple[str, bytes]]:
    for path in home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            yield path.name, content
            if content.startswith(b"SQLite format 3\0"):
                yield from _cells(path)


def _cells(database: Path) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            rows = connection.execute(f'select * from "{table}"')
            names = [f"{table}.{column[0]}" for column in rows.description]
            for row in rows:
                yield from ((name, _opened(cell)) for name, cell in zip(names, row, strict=True))


def _opened(cell: object) -> bytes:
    """A cell's bytes; those of a snapshot unpacked."""
    if not isinstance(cell, bytes):
        return str(cell).encode()
    try:
        return zlib.decompress(cell)
    except zlib.error:
        return cell


def _unpacked(path: Path) -> bytes:
    if path.suffix != ".parquet":
        return path.read_bytes()
    try:
        return path.read_bytes() + pl.read_parquet(path).write_ndjson().encode()
    except pl.exceptions.PolarsError:
        return path.read_bytes()

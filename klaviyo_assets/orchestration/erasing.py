"""Erases a person's rows from stored frames: segments as they were read, profiles, rejections and refusals.

Whose a row is, is told by the address that it is about. Rows of other people that only mention the address are counted,
and stay: without them others would be taken for leavers. Ledgers and the history erase by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl
import polars.selectors as cs
from upath import UPath

from klaviyo_assets.exports import Export
from klaviyo_assets.ledger import list_files
from klaviyo_assets.mapping.normalise import trim
from klaviyo_assets.orchestration.storage import replace_file, scan_file
from klaviyo_assets.segments import reading

_FOLDERS: Final = ("segments", "klaviyo")  # what else lies in the same bucket may be anybody's
_WRITTEN_WITHIN: Final = timedelta(hours=1)  # an unfinished file, or whoever wrote it was killed


@dataclass(frozen=True)
class Found:
    """Rows at one place of the storage."""

    place: str
    row_count: int


def erase_rows(emails: Sequence[str], *, storage: UPath, exports: Sequence[Export]) -> list[Found]:
    """Take a person's rows out of all stored frames: where, and how many.

    Args:
        emails: the addresses of the person.
        storage: where everything is.
        exports: those that are declared; they tell in which column of a segment the address is.

    Raises:
        SegmentError: a stored frame cannot be read.
    """
    frames = [(path, place_within(storage, path)) for path in _stored(storage)]
    return [Found(place, _erase_from(path, place, emails, exports)) for path, place in frames]


def count_mentions(emails: Sequence[str], *, storage: UPath) -> list[Found]:
    """Where stored frames mention one of the addresses, and in how many rows.

    Raises:
        SegmentError: a stored frame cannot be read.
    """
    return [Found(place_within(storage, path), _mentions_in(path, emails)) for path in _stored(storage)]


def mentions(frame: pl.LazyFrame, emails: Sequence[str]) -> int:
    """How many rows hold one of the addresses, alone or within a text, in any casing."""
    address = "|".join(pl.escape_regex(email) for email in emails)
    pattern = rf"(?i)(?:^|[^a-z0-9._%+-])(?:{address})(?:$|[^a-z0-9.-]|\.(?:$|[^a-z0-9]))"
    found = [name.cast(pl.String).str.contains(pattern) for name in _columns(frame, _TEXT)]
    found += [pl.struct(name).struct.json_encode().str.contains(pattern) for name in _columns(frame, cs.nested())]
    count: int = frame.select(pl.any_horizontal(pl.lit(False), *found).sum()).collect(engine="streaming").item()
    return count


def remove_unfinished(storage: UPath, *, now: datetime) -> list[str]:
    """Take away what killed processes left of files that they wrote: the places of those too young to know."""
    unfinished = [path for path in _files(storage) if path.name.startswith(".")]
    young = [path for path in unfinished if path.fs.modified(path.path) > now - _WRITTEN_WITHIN]
    for path in set(unfinished) - set(young):
        path.unlink(missing_ok=True)
    return [place_within(storage, path) for path in young]


def place_within(storage: UPath, path: UPath) -> str:
    """The path from the storage on."""
    return str(path.path)[len(str(storage.path).rstrip("/")) :].lstrip("/")


def _erase_from(path: UPath, place: str, emails: Sequence[str], exports: Sequence[Export]) -> int:
    with reading(f"What is stored as {place}"):
        frame = scan_file(path)
        columns = _address_columns(frame, place.removesuffix(".parquet"), exports)
        texts = (trim(column.cast(pl.String)).str.to_lowercase() for column in columns)
        own = pl.any_horizontal(pl.lit(False), *(text.is_in(list(emails)).fill_null(False) for text in texts))
        count: int = frame.select(own.sum()).collect(engine="streaming").item()
        if count:
            replace_file(frame.filter(~own), path)
        return count


def _address_columns(frame: pl.LazyFrame, key: str, exports: Sequence[Export]) -> list[pl.Expr]:
    """The columns that say whom a row is about; where nobody says which they are, all that hold text."""
    declared = (
        {"email"}
        if key.startswith("klaviyo/")
        # A partition of a segment lies below it.
        else {each.match.email for each in exports for name in each.segments if f"{key}/".startswith(f"{name}/")}
    )
    return _columns(frame, _TEXT & cs.by_name(*declared, require_all=False) if declared else _TEXT)


def _columns(frame: pl.LazyFrame, selector: cs.Selector) -> list[pl.Expr]:
    # Not `pl.col`, which reads a name like "*" or "^a.*$" as a pattern.
    return [cs.by_name(name).as_expr() for name in cs.expand_selector(frame, selector)]


def _mentions_in(path: UPath, emails: Sequence[str]) -> int:
    with reading(f"What is stored at {path.name}"):
        return mentions(scan_file(path), emails)


def _stored(storage: UPath) -> Iterator[UPath]:
    """All stored frames: each is one file."""
    return (path for path in _files(storage) if path.suffix == ".parquet" and not path.name.startswith("."))


def _files(storage: UPath) -> list[UPath]:
    return [path for folder in _FOLDERS for path in list_files(storage / folder)]


_TEXT: Final = cs.string() | cs.categorical() | cs.enum()

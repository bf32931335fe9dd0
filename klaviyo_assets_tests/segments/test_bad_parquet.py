"""Bytes that are no Parquet, and Parquet files that do not go together: each has one clear end."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from klaviyo_assets.exports import FileSource
from klaviyo_assets_tests.segments.told import SECRET, told


def parquet(*columns: pl.Series) -> bytes:
    """A Parquet file of these columns."""
    written = io.BytesIO()
    pl.DataFrame(columns).write_parquet(written)
    return written.getvalue()


GOOD = parquet(pl.Series("email", [f"{number}@secret.example.com" for number in range(2000)]))
SIZE = len(GOOD)
CSV = f"id,email\n1,{SECRET}\n".encode()
NOT_PARQUET = "it is not Parquet, or is damaged or half written; write it anew."

# name of the case: the file, what is told of it
FILES: Mapping[str, tuple[bytes, str]] = {
    "its first half": (GOOD[: SIZE // 2], NOT_PARQUET),
    "its last byte cut": (GOOD[:-1], NOT_PARQUET),
    "its magic cut": (GOOD[:-4], NOT_PARQUET),
    "its footer's length cut": (GOOD[:-8], NOT_PARQUET),
    "its footer alone": (GOOD[-400:], NOT_PARQUET),
    "magic alone": (b"PAR1", NOT_PARQUET),
    "magic twice": (b"PAR1PAR1", NOT_PARQUET),
    "magic around nothing": (b"PAR1\0\0\0\0PAR1", NOT_PARQUET),
    "footer without length": (GOOD[:-8] + bytes(4) + b"PAR1", NOT_PARQUET),
    "footer that is too long": (GOOD[:-8] + b"\xff\xff\xff\x7fPAR1", NOT_PARQUET),
    "footer of negative length": (GOOD[:-8] + b"\xff\xff\xff\xffPAR1", NOT_PARQUET),
    "footer that is too short": (GOOD[:-8] + b"\x02\0\0\0PAR1", NOT_PARQUET),
    "footer of zeros": (GOOD[:-300] + bytes(292) + GOOD[-8:], NOT_PARQUET),
    "footer of ones": (GOOD[:-300] + b"\xff" * 292 + GOOD[-8:], NOT_PARQUET),
    "encrypted": (GOOD[:-4] + b"PARE", NOT_PARQUET),
    "pages of zeros": (GOOD[:4] + bytes(SIZE - 1000) + GOOD[SIZE - 996 :], NOT_PARQUET),
    "pages of ones": (GOOD[:4] + b"\xff" * (SIZE - 1000) + GOOD[SIZE - 996 :], NOT_PARQUET),
    "text in front": (b"secret" + GOOD, NOT_PARQUET),
    "text behind": (GOOD + b"secret", NOT_PARQUET),
    "in gzip": (gzip.compress(GOOD), NOT_PARQUET),
    "in zip": (b"PK\x03\x04" + GOOD + b"PK\x05\x06" + bytes(18), NOT_PARQUET),
    "CSV": (CSV, NOT_PARQUET),
    "CSV in UTF-16": (CSV.decode().encode("utf-16"), NOT_PARQUET),
    "JSON": (b'{"email": "secret"}\n', NOT_PARQUET),
    "ORC": (b"ORC" + bytes(40) + b"\x03ORC\x17", NOT_PARQUET),
    "Arrow": (b"ARROW1\0\0" + bytes(64) + b"ARROW1", NOT_PARQUET),
    "web page": (b"<html>secret" + bytes(100), NOT_PARQUET),
    "pointer to a large file": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", NOT_PARQUET),
    "few bytes": (b"x", NOT_PARQUET),
    "NUL bytes": (bytes(1000), NOT_PARQUET),
    "every byte": (bytes(range(256)) * 4, NOT_PARQUET),
}

ENUM = pl.Enum([SECRET])

# name of the case: the first file's column, the second's, what is told
TOGETHER: Mapping[str, tuple[pl.Series, pl.Series, str]] = {
    "Enum and number": (
        pl.Series("v", [SECRET], dtype=ENUM),
        pl.Series("v", [1]),
        "b.parquet holds column 'v' as Int64, expected Enum as in",
    ),
    "list of Enum and text": (
        pl.Series("v", [[SECRET]], dtype=pl.List(ENUM)),
        pl.Series("v", ["secret"]),
        "as String, expected List(Enum) as in",
    ),
    "fields that are addresses": (pl.Series("v", [1]), pl.Series("v", [{SECRET: 1}]), "as Struct, expected Int64 as"),
    "fields that are phone numbers": (
        pl.Series("v", [{"+371 2000": "secret"}]),
        pl.Series("v", ["secret"]),
        "expected Struct as in",
    ),
    "fields of other types": (
        pl.Series("v", [{"a": "secret"}]),
        pl.Series("v", [{"a": 1}]),
        "as Struct({'a': Int64}), expected Struct({'a': String}) as in",
    ),
    "an address for a name": (
        pl.Series("v", [1]),
        pl.Series(SECRET, [1]),
        "it lacks 1 (a name looks like a",
    ),
    "an address for the first's name": (
        pl.Series(SECRET, [1]),
        pl.Series("secret", [1]),
        "only it has 1 (a name looks like a customer's",
    ),
    "a number for a name": (pl.Series("secret", [1]), pl.Series("4711", [1]), "it lacks 1 (a name looks like"),
}


@pytest.mark.parametrize(("data", "says"), FILES.values(), ids=FILES.keys())
def test_a_file_that_is_no_parquet(data: bytes, says: str, tmp_path: Path) -> None:
    """It is told that it is none, or damaged, without a customer's values."""
    assert says in told(FileSource(type="parquet", path="a.parquet"), tmp_path, {"a.parquet": data})


@pytest.mark.parametrize(("one", "other", "says"), TOGETHER.values(), ids=TOGETHER.keys())
def test_files_that_do_not_go_together(one: pl.Series, other: pl.Series, says: str, tmp_path: Path) -> None:
    """Types and names are told, but for those that are made of values."""
    files = {"a.parquet": parquet(one), "b.parquet": parquet(other)}

    assert says in told(FileSource(type="parquet", path="*.parquet"), tmp_path, files)

"""Files that are not what was declared: each has one clear end, and none of them a value in its message."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from klaviyo_assets.errors import SourceMissing, SourceUnreadable
from klaviyo_assets.exports import FileSource
from klaviyo_assets.segments import SegmentReader, open_source, reading
from klaviyo_assets_tests.segments.written import write

Format = Literal["parquet", "csv", "ndjson"]

SECRET = "ada@secret.example.com"
CSV = f"id,email\n1,{SECRET}\n".encode()
NDJSON = b'{"id": 1, "email": "%s"}\n' % SECRET.encode()

# name of the case: declared format and path, files, what the message says
BAD: Mapping[str, tuple[Format, str, Mapping[str, bytes], str]] = {
    "csv: empty file": ("csv", "a.csv", {"a.csv": b""}, "a.csv is empty, expected a header"),
    "csv: byte order mark alone": ("csv", "a.csv", {"a.csv": b"\xef\xbb\xbf"}, "a.csv is empty"),
    "csv: only blank lines": ("csv", "a.csv", {"a.csv": b"\r\n\r\n"}, "a.csv is empty"),
    "csv: gzip of nothing": ("csv", "a.csv.gz", {"a.csv.gz": gzip.compress(b"")}, "a.csv.gz is empty"),
    "csv: no header": ("csv", "a.csv", {"a.csv": f"1,{SECRET}\n2,b@example.com\n".encode()}, "has no header"),
    "csv: row too long": (
        "csv",
        "a.csv",
        {"a.csv": CSV + b"2,x,y\n"},
        "row ending in line 3: found 3 values, expected 2",
    ),
    "csv: row too short": (
        "csv",
        "a.csv",
        {"a.csv": CSV + b"2\n3,x\n"},
        "row ending in line 3: found 1 values, expected 2",
    ),
    "csv: row too short after a line break in quotes": (
        "csv",
        "a.csv",
        {"a.csv": CSV + b'2,"x\n\n,y"\n3\n'},
        "row ending in line 6: found 1 values",
    ),
    "csv: row too long with blank lines": ("csv", "a.csv", {"a.csv": CSV + b"\n\n2,3,4\n"}, "line 5: found 3 values"),
    "csv: row on two lines too short": ("csv", "a.csv", {"a.csv": CSV + b'"2\n3"\n4,x\n'}, "line 4: found 1 values"),
    "csv: row too short, and one too long": ("csv", "a.csv", {"a.csv": CSV + b"2\n3,x,y\n"}, "line 3: found 1 values"),
    "csv: other separator in a row": ("csv", "a.csv", {"a.csv": CSV + b"2;x\n"}, "line 3: found 1 values, expected 2"),
    "csv: one column, two values": (
        "csv",
        "a.csv",
        {"a.csv": b"email\na\nb,c\n"},
        "line 3: found 2 values, expected 1",
    ),
    "csv: quote never closed": (
        "csv",
        "a.csv",
        {"a.csv": CSV + b'2,"x\n3,y\n'},
        "row beginning in line 3: a quote is never",
    ),
    "csv: first quote never closed": (
        "csv",
        "a.csv",
        {"a.csv": b'id,email\n"1,x\n2,y\n'},
        "row beginning in line 2: a quote",
    ),
    "csv: characters after a quote": (
        "csv",
        "a.csv",
        {"a.csv": CSV + b'"2"3,x\n'},
        "line 3: a quote stands inside a value",
    ),
    "csv: line break in a value that does not begin with its quote": (
        "csv",
        "a.csv",
        {"a.csv": CSV + b'2 "x\ny",z\n'},
        "line 3: a quote stands inside a value",
    ),
    "csv: quotes that belong to two values": (
        "csv",
        "a.csv",
        {"a.csv": CSV + b'2","\n'},
        "line 3: a quote stands inside a value",
    ),
    "csv: not UTF-8": (
        "csv",
        "a.csv",
        {"a.csv": CSV + b"2,M\xfcller\n"},
        "a.csv, line 3: found bytes that are not UTF-8",
    ),
    "csv: UTF-8 cut at the end": (
        "csv",
        "a.csv",
        {"a.csv": CSV + b"2,M\xc3"},
        "line 3: found bytes that are not UTF-8",
    ),
    "csv: header not UTF-8": ("csv", "a.csv", {"a.csv": b"id,stra\xdfe\n1,2\n"}, "does not begin as UTF-8"),
    "csv: UTF-16": ("csv", "a.csv", {"a.csv": CSV.decode().encode("utf-16")}, "does not begin as UTF-8"),
    "csv: UTF-16 without mark": (
        "csv",
        "a.csv",
        {"a.csv": CSV.decode().encode("utf-16-le")},
        "does not begin as UTF-8",
    ),
    "csv: is Parquet": ("csv", "a.csv", {"a.csv": b"PAR1\x15\x04\x15\xfe\x00PAR1"}, "does not begin as UTF-8"),
    "csv: carriage returns": ("csv", "a.csv", {"a.csv": CSV.replace(b"\n", b"\r")}, "carriage return alone"),
    "csv: same header twice": (
        "csv",
        "a.csv",
        {"a.csv": b"id,email,id\n1,x,2\n"},
        "share a name: those in places 1, 3, expected",
    ),
    "csv: same header but for blanks": (
        "csv",
        "a.csv",
        {"a.csv": b"id, id\n1,x\n"},
        "share a name: those in places 1, 2",
    ),
    "csv: gzip cut": ("csv", "a.csv.gz", {"a.csv.gz": gzip.compress(CSV * 9)[:-9]}, "compressed and damaged"),
    "csv: other columns": (
        "csv",
        "*.csv",
        {"a.csv": CSV, "b.csv": b"id,mail\n1,x\n"},
        "b.csv has other columns than a.csv: it lacks 'email'; only it has 'mail'",
    ),
    "csv: fewer columns": (
        "csv",
        "*.csv",
        {"a.csv": CSV, "b.csv": b"id\n1\n"},
        "b.csv has other columns than a.csv: it lacks",
    ),
    "csv: more columns": (
        "csv",
        "*.csv",
        {"a.csv": CSV, "b.csv": b"id,email,x\n"},
        "b.csv has other columns than a.csv: only it has 'x'",
    ),
    "csv: second file wrong": ("csv", ".", {"a.csv": CSV, "b.csv": CSV + b"2\n"}, "b.csv, row ending in line 3"),
    "ndjson: empty file": ("ndjson", "a.jsonl", {"a.jsonl": b""}, "a.jsonl is empty"),
    "ndjson: cut line": (
        "ndjson",
        "a.jsonl",
        {"a.jsonl": NDJSON + NDJSON[:-9]},
        "a.jsonl, line 2: this is not a JSON object",
    ),
    "ndjson: array": ("ndjson", "a.jsonl", {"a.jsonl": b"[" + NDJSON[:-1] + b"]"}, "line 1: this is not a JSON object"),
    "ndjson: text": ("ndjson", "a.jsonl", {"a.jsonl": NDJSON + b"\n" + CSV}, "line 3: this is not a JSON object"),
    "ndjson: over several lines": (
        "ndjson",
        "a.jsonl",
        {"a.jsonl": b'{\n"id": 1\n}\n'},
        "line 1: this is not a JSON object",
    ),
    "ndjson: byte order mark": (
        "ndjson",
        "a.jsonl",
        {"a.jsonl": b"\xef\xbb\xbf" + NDJSON},
        "line 1: this is not a JSON object",
    ),
    "ndjson: bad object": (
        "ndjson",
        "a.jsonl",
        {"a.jsonl": b'{"email": "%s",}\n' % SECRET.encode()},
        "a line is not a JSON object",
    ),
    "ndjson: not UTF-8": ("ndjson", "a.jsonl", {"a.jsonl": b'{"id": "\xff"}\n'}, "not UTF-8"),
    "ndjson: object and value": (
        "ndjson",
        "a.jsonl",
        {"a.jsonl": b'{"id": 1}\n{"id": {"x": 1}}\n'},
        "an object in one line",
    ),
    "ndjson: other fields": (
        "ndjson",
        "*",
        {"a.jsonl": NDJSON, "b.jsonl": b'{"id": 2}\n'},
        "b.jsonl has other columns than a.jsonl: it lacks 'email'",
    ),
    "parquet: empty file": ("parquet", "a.parquet", {"a.parquet": b""}, "not Parquet, or is damaged"),
    "parquet: is CSV": ("parquet", "a.parquet", {"a.parquet": CSV * 9}, "not Parquet, or is damaged"),
    "a Delta table": ("parquet", "t", {"t/_delta_log/0.json": b"{}", "t/a.parquet": b""}, "t is a Delta table"),
    "a glob in a Delta table": (
        "parquet",
        "t/**/*.parquet",
        {"t/_delta_log/0.json": b"{}", "t/a.parquet": b""},
        "t is a Delta table",
    ),
    "unknown store": ("csv", "ftpx://h/a.csv", {}, "ftpx:// needs a package that is not installed"),
}


MISSING: Mapping[str, tuple[Format, str, Mapping[str, bytes], str]] = {
    "file": ("csv", "data/a.csv", {}, "found at data/a.csv (looked in {root}/data/a.csv), expected a file, a folder"),
    "glob": ("csv", "data/*.csv", {"data/a.txt": b""}, "found at data/*.csv (looked in {root}/data/*.csv)"),
    "folder of other files": ("parquet", "data", {"data/a.csv": b""}, "expected files ending in .parquet, .pq"),
    "folder of hidden and temporary files": (
        "csv",
        "data",
        {
            "data/_a.csv": CSV,
            "data/.b.csv": CSV,
            "data/~$c.csv": CSV,
            "data/_temporary/d.csv": CSV,
            "data/e.csv.tmp": CSV,
        },
        "expected files ending in .csv",
    ),
    "absolute": ("csv", "/nowhere/a.csv", {}, "found at /nowhere/a.csv, expected"),
}


@pytest.mark.parametrize(("format_", "path", "files", "says"), BAD.values(), ids=BAD.keys())
def test_unreadable(format_: Format, path: str, files: Mapping[str, bytes], says: str, tmp_path: Path) -> None:
    """It is told which file it is, and what is wrong there, without a customer's values."""
    reader = _written(format_, path, files, tmp_path)

    with pytest.raises(SourceUnreadable) as failure, reading("the source"):
        reader.read_customers().collect()

    assert says in str(failure.value)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize(("format_", "path", "files", "says"), MISSING.values(), ids=MISSING.keys())
def test_missing(format_: Format, path: str, files: Mapping[str, bytes], says: str, tmp_path: Path) -> None:
    """It is told what was looked for, and where."""
    reader = _written(format_, path, files, tmp_path)

    with pytest.raises(SourceMissing) as failure:
        reader.read_customers()

    assert says.format(root=tmp_path) in str(failure.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [(pl.Int64, pl.String), (pl.Int64, pl.Date), (pl.Date, pl.String), (pl.Boolean, pl.Int8), (pl.Int64, pl.Float64)],
    ids=str,
)
def test_types_that_cannot_be_united(one: type[pl.DataType], other: type[pl.DataType], tmp_path: Path) -> None:
    """Parquet files whose column has another type are not united by changing values without a word."""
    pl.DataFrame(schema={"id": one}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame(schema={"id": other}).write_parquet(tmp_path / "b.parquet")

    with pytest.raises(
        SourceUnreadable, match=rf"b.parquet holds column 'id' as {other}, expected {one} as in .*a.par"
    ):
        open_source(FileSource(type="parquet", path=str(tmp_path)), root=tmp_path).read_customers()


def test_damaged_page(tmp_path: Path) -> None:
    """A Parquet file that is damaged behind its footer opens, and ends as SourceUnreadable under `reading`."""
    path = tmp_path / "a.parquet"
    pl.DataFrame({"email": [f"{n}@secret.example.com" for n in range(5_000)]}).write_parquet(path)
    data = path.read_bytes()
    path.write_bytes(data[:100] + bytes(500) + data[600:])
    customers = open_source(FileSource(type="parquet", path="a.parquet"), root=tmp_path).read_customers()

    with pytest.raises(SourceUnreadable, match=r"^segments/vip cannot be read: it is not Parquet, or is damaged"):
        _sink(customers, tmp_path)


def test_file_gone_before_it_is_collected(tmp_path: Path) -> None:
    """A file that is taken away between reading and collecting is told of, too."""
    path = write(tmp_path / "a.csv", CSV)
    customers = open_source(FileSource(type="csv", path="a.csv"), root=tmp_path).read_customers()
    path.unlink()

    with pytest.raises(SourceUnreadable, match="a file that was listed is gone"):
        _sink(customers, tmp_path)


def test_file_changed_before_it_is_collected(tmp_path: Path) -> None:
    """A value that no longer fits the type that was found is an error, never a null."""
    path = write(tmp_path / "a.csv", b"id,points\n1,10\n")
    customers = open_source(FileSource(type="csv", path="a.csv"), root=tmp_path).read_customers()
    path.write_bytes(b"id,points\n1,secret\n")

    with pytest.raises(SourceUnreadable, match="changed while it was read") as failure:
        _sink(customers, tmp_path)

    assert "secret" not in str(failure.value)


def _written(format_: Format, path: str, files: Mapping[str, bytes], root: Path) -> SegmentReader:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return open_source(FileSource(type=format_, path=path), root=root)


def _sink(customers: pl.LazyFrame, folder: Path) -> None:
    with reading("segments/vip"):
        customers.sink_parquet(folder / "out.parquet")

"""Files of one format as a segment, and the two formats that Polars reads without our help: Parquet and ndjson.

CSV needs more care and has its own room, `csv_files.py`. Where the files are is the business of `places.py`.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import polars.selectors as cs

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.exports import FileSource
from klaviyo_assets.segments.csv_files import scan_csv_files
from klaviyo_assets.segments.places import SourceFile, find_files
from klaviyo_assets.segments.refresh_mark import mark_of
from klaviyo_assets.segments.same_columns import check_same_columns, check_same_types
from klaviyo_assets.segments.unreadable import reading

_ENDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "parquet": (".parquet", ".pq"),
    "csv": (".csv", ".tsv", ".csv.gz", ".tsv.gz"),
    "ndjson": (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz"),
}


@dataclass(frozen=True)
class FilesReader:
    """Reads the files of a `FileSource`: the union of their rows, file after file in the order of their paths."""

    source: FileSource
    root: Path

    def read_customers(self) -> pl.LazyFrame:
        """See `SegmentReader`: the rows of all files; columns stand as in the first."""
        files = self._find_files()
        with reading(self._name(files)):
            return _SCANS[self.source.type](files)

    def read_refresh_mark(self) -> str:
        """See `SegmentReader`: a digest of each file's path, size, and time of change or ETag."""
        files = self._find_files()
        with reading(self._name(files)):
            return mark_of((file.name, file.read_version()) for file in files)

    def _find_files(self) -> tuple[SourceFile, ...]:
        return find_files(self.source.path, root=self.root, endings=_ENDINGS[self.source.type])

    @staticmethod
    def _name(files: Sequence[SourceFile]) -> str:
        return files[0].name if len(files) == 1 else f"{files[0].name} or one of {len(files) - 1} files after it"


def _scan_parquet_files(files: Sequence[SourceFile]) -> pl.LazyFrame:
    scans, schemas = [], []
    for file in files:
        with reading(file.name):
            scan = pl.scan_parquet(file.url, glob=False)
            schemas.append(scan.collect_schema())
        scans.append(scan)
    check_same_columns(files, schemas)
    check_same_types(files, schemas)
    return pl.concat([scan.select(cs.by_name(*schemas[0])) for scan in scans], how="vertical_relaxed")


def _scan_ndjson_files(files: Sequence[SourceFile]) -> pl.LazyFrame:
    # Spark leaves empty part files; they hold nobody, and no columns either.
    filled = [file for file in files if file.path.stat().st_size]
    if not filled:
        raise _empty(files[0])
    schemas = [_infer_ndjson(file) for file in filled]
    check_same_columns(filled, schemas)
    # Every file is read with one schema, so that a field that one file leaves empty has its type from another.
    frames = [pl.LazyFrame(schema=schema).select(cs.by_name(*schemas[0])) for schema in schemas]
    united = pl.concat(frames, how="vertical_relaxed").collect_schema()
    return pl.scan_ndjson([glob.escape(file.url) for file in filled], schema=united)


def _infer_ndjson(file: SourceFile) -> pl.Schema:
    """The fields of one file, from all its lines: a field may come late."""
    with reading(file.name):
        try:
            return pl.scan_ndjson(glob.escape(file.url), infer_schema_length=None).collect_schema()
        except pl.exceptions.PolarsError:
            _refuse_other_lines(file)
            raise


def _empty(file: SourceFile) -> SourceUnreadable:
    return SourceUnreadable(f"{file.name} is empty, expected one JSON object a line; write at least one customer.")


def _refuse_other_lines(file: SourceFile) -> None:
    """Name the first line that does not look like an object, if there is one; nor does a file without any."""
    line = pl.col("line").str.strip_chars()
    lines = pl.scan_lines(file.url, glob=False, row_index_name="row", row_index_offset=1).filter(line != "")
    if lines.head(1).collect().is_empty():
        raise _empty(file) from None
    is_object = line.str.starts_with("{") & line.str.ends_with("}")
    row = lines.filter(~is_object).select("row").head(1).collect()
    if row.height:
        raise SourceUnreadable(
            f"{file.name}, line {row.item()}: this is not a JSON object; expected one object a line, in UTF-8 "
            f"without a byte order mark."
        ) from None


_SCANS: Final[Mapping[str, Callable[[Sequence[SourceFile]], pl.LazyFrame]]] = {
    "parquet": _scan_parquet_files,
    "csv": scan_csv_files,
    "ndjson": _scan_ndjson_files,
}

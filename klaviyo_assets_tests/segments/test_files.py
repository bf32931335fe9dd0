"""Parquet and ndjson: values as they are, and several files as one segment."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from klaviyo_assets.exports import FileSource
from klaviyo_assets.segments import open_source
from klaviyo_assets_tests.segments.written import ndjson_bytes, write


def test_parquet_is_read_as_it_is(tmp_path: Path) -> None:
    """No type of a Parquet file is changed."""
    people = pl.DataFrame(
        {
            "email": ["ada@example.com", ""],
            "tags": [["a", "b"], []],
            "address": [{"city": "Riga", "zip": "LV-1050"}, {"city": None, "zip": None}],
            "value": [Decimal("1.50"), None],
            "born": [date(1990, 12, 1), None],
            "score": [float("nan"), float("inf")],
        }
    )
    people.write_parquet(tmp_path / "a.parquet")

    customers = open_source(FileSource(type="parquet", path="a.parquet"), root=tmp_path).read_customers()

    assert_frame_equal(customers.collect(), people)


def test_parquet_files_are_united_by_name(tmp_path: Path) -> None:
    """Columns may stand in another order, and whole numbers have other sizes, or none be there."""
    pl.DataFrame({"id": [1], "x": ["a"]}, schema={"id": pl.Int32, "x": pl.String}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"x": [None], "id": [2**40]}, schema={"x": pl.Null, "id": pl.Int64}).write_parquet(
        tmp_path / "2.parquet"
    )

    customers = open_source(FileSource(type="parquet", path="*.parquet"), root=tmp_path).read_customers().collect()

    assert customers.schema == {"id": pl.Int64, "x": pl.String}
    assert customers.rows() == [(1, "a"), (2**40, None)]


def test_names_like_patterns(tmp_path: Path) -> None:
    """A column's name is never taken for a pattern."""
    pl.DataFrame({"^.*$": [1], "x": ["a"]}).write_parquet(tmp_path / "a.parquet")
    write(tmp_path / "a.jsonl", b'{"^.*$": 1, "x": "a"}\n')

    for source in (FileSource(type="parquet", path="*.parquet"), FileSource(type="ndjson", path="*.jsonl")):
        assert open_source(source, root=tmp_path).read_customers().collect().rows() == [(1, "a")]


def test_ndjson_nests(tmp_path: Path) -> None:
    """Objects become structs, and a field that comes late is a column like others."""
    rows = [{"id": number, "at": {"city": "Rīga"}} for number in range(3_000)]
    write(tmp_path / "a.jsonl", ndjson_bytes([*rows, {"id": 3_000, "late": [1.5]}]))

    customers = open_source(FileSource(type="ndjson", path="a.jsonl"), root=tmp_path).read_customers().collect()

    assert customers.schema == {"id": pl.Int64, "at": pl.Struct({"city": pl.String}), "late": pl.List(pl.Float64)}
    assert customers.row(0) == (0, {"city": "Rīga"}, None)
    assert customers.row(-1) == (3_000, None, [1.5])


def test_ndjson_files_share_their_types(tmp_path: Path) -> None:
    """A field that one file leaves empty has its type from the others; empty part files and compressed ones belong."""
    write(tmp_path / "a.jsonl", b"")
    write(tmp_path / "b.jsonl.gz", b'{"id": 1, "x": null}\n\n')
    write(tmp_path / "c.ndjson", b'{"x": 2.5, "id": 2}\n')

    customers = open_source(FileSource(type="ndjson", path="."), root=tmp_path).read_customers().collect()

    assert customers.schema == {"id": pl.Int64, "x": pl.Float64}
    assert customers.rows() == [(1, None), (2, 2.5)]


def test_names_with_characters_of_globs(tmp_path: Path) -> None:
    """A file whose own name holds brackets or stars is that file."""
    for name, format_ in (("a[1].csv", "csv"), ("a[1].jsonl", "ndjson"), ("a[*].parquet", "parquet")):
        source = FileSource.model_validate({"type": format_, "path": name})
        if format_ == "parquet":
            pl.DataFrame({"id": [1]}).write_parquet(tmp_path / name)
        else:
            write(tmp_path / name, b"id\n1\n" if format_ == "csv" else b'{"id": 1}\n')

        assert open_source(source, root=tmp_path).read_customers().collect().rows() == [(1,)]

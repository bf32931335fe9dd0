"""What every reader promises, held against each of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from klaviyo_assets.errors import SourceMissing, SourceUnreadable
from klaviyo_assets.exports import CustomerInsightsSource, DeltaSource, FileSource, SqlSource
from klaviyo_assets.segments import SegmentReader, open_source, reading
from klaviyo_assets_tests.segments.databases import write_duckdb, write_postgresql, write_sqlite
from klaviyo_assets_tests.segments.written import (
    BLOB,
    csv_bytes,
    entity,
    ndjson_bytes,
    partition,
    write,
    write_model,
)

COLUMNS = ["CustomerId", "EMail", "Points"]
FIRST: list[tuple[str, str | None, int]] = [
    ("c1", "ada@example.com", 12),
    ("c2", 'zoë "z", müller@exämple.org', -3),
    ("c3", None, 0),
]
SECOND: list[tuple[str, str | None, int]] = [*FIRST[1:], ("c4", "new@example.net", 7)]

People = Sequence[tuple[str, str | None, int]]


@dataclass(frozen=True)
class Kind:
    """A kind of source: how it is declared under the root, and how a refresh writes it."""

    source: FileSource | DeltaSource | SqlSource | CustomerInsightsSource
    refresh: Callable[[Path, People], object]

    def open(self, root: Path) -> SegmentReader:
        """The reader, for a source under that root."""
        return open_source(self.source, root=root)


def _frame(people: People) -> pl.DataFrame:
    return pl.DataFrame(people, schema=dict(zip(COLUMNS, (pl.String, pl.String, pl.Int64), strict=True)), orient="row")


def _texts(people: People) -> list[list[str | None]]:
    return [[key, email, str(points)] for key, email, points in people]


def _records(people: People) -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, person, strict=True)) for person in people]


def _write_csv(name: str, **layout: Any) -> Callable[[Path, People], object]:
    return lambda root, people: write(root / name, csv_bytes(COLUMNS, _texts(people), **layout))


def _write_ndjson(root: Path, people: People) -> None:
    write(root / "people.ndjson", ndjson_bytes(_records(people)))


def _write_parquet(root: Path, people: People) -> None:
    _frame(people).write_parquet(root / "people.parquet")


def _write_folder(root: Path, people: People) -> None:
    write(root / "parts/a/1.csv", csv_bytes(COLUMNS, _texts(people[:1])))
    write(root / "parts/b/2.csv.gz", csv_bytes(COLUMNS, _texts(people[1:]), separator=";"))


def _write_parts(root: Path, people: People) -> None:
    (root / "parts").mkdir(exist_ok=True)
    _frame(people[:2]).write_parquet(root / "parts/1.parquet")
    _frame(people[2:]).write_parquet(root / "parts/2.parquet")


def _write_delta(root: Path, people: People) -> None:
    _frame(people).write_delta(str(root / "table"), mode="overwrite")


def _write_entity(root: Path, people: People) -> None:
    # As Customer Insights does: a new dated folder for each refresh, and model.json points to it.
    stamp = f"2026/01/0{1 + len(list(root.glob('feed/Vip/2026/01/*')))}/0605"
    parts = {f"Vip/{stamp}/Vip_1.csv": people[:1], f"Vip/{stamp}/Vip_2.csv": people[1:]}
    for name, some in parts.items():
        write(root / "feed" / name, csv_bytes(None, _texts(some), quote_all=True))
    attributes = {"CustomerId": "string", "EMail": "string", "Points": "int64"}
    write_model(root / "feed", entity(attributes, [partition(f"{BLOB}/{name}") for name in parts]))


SQL = SqlSource(type="sql", database_env="CRM_URL", query="select * from people")
URLS = {"sqlite": "sqlite:///people.db", "duckdb": "duckdb:///people.duckdb"}  # as the environment holds them
KINDS = {
    "parquet": Kind(FileSource(type="parquet", path="people.parquet"), _write_parquet),
    "parquet glob": Kind(FileSource(type="parquet", path="parts/*.parquet"), _write_parts),
    "csv": Kind(FileSource(type="csv", path="people.csv"), _write_csv("people.csv")),
    "csv quoted": Kind(FileSource(type="csv", path="people.csv"), _write_csv("people.csv", quote_all=True)),
    "csv gzip": Kind(FileSource(type="csv", path="people.csv.gz"), _write_csv("people.csv.gz")),
    "csv tab": Kind(FileSource(type="csv", path="p.tsv"), _write_csv("p.tsv", separator="\t", line_end="\n")),
    "csv folder": Kind(FileSource(type="csv", path="parts"), _write_folder),
    "ndjson": Kind(FileSource(type="ndjson", path="people.ndjson"), _write_ndjson),
    "delta": Kind(DeltaSource(type="delta", path="table"), _write_delta),
    "sqlite": Kind(SQL, lambda root, people: write_sqlite(root / "people.db", _frame(people))),
    "duckdb": Kind(SQL, lambda root, people: write_duckdb(root / "people.duckdb", _frame(people))),
    "postgresql": Kind(SQL, lambda root, people: write_postgresql(os.environ["CRM_URL"], _frame(people))),
    "customer insights": Kind(
        CustomerInsightsSource(type="customer_insights", path="feed", entity="Vip"), _write_entity
    ),
}


def _kind(name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Kind:
    kind = KINDS[name]
    if kind.source.type == "sql":
        monkeypatch.setenv("CRM_URL", URLS.get(name) or request.getfixturevalue("postgresql"))
    return kind


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """Each kind in turn."""
    return _kind(request.param, request, monkeypatch)


@pytest.fixture(params=[name for name, kind in KINDS.items() if kind.source.type != "sql"])
def file_kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind that is declared by a path; what a database says instead is in test_sql."""
    return KINDS[request.param]


def test_reads_all_rows_in_order(kind: Kind, tmp_path: Path) -> None:
    """All rows come out, in the source's order, columns and types, with null for what is empty."""
    kind.refresh(tmp_path, FIRST)

    assert_frame_equal(kind.open(tmp_path).read_customers().collect(), _frame(FIRST))


def test_order_is_kept_in_many_rows(kind: Kind, tmp_path: Path) -> None:
    """Rows keep their order where they are many enough to be read in several pieces."""
    people = [(f"c{n:07}", f"p{n}@example.com", n) for n in range(60_000)]
    kind.refresh(tmp_path, people)

    assert_frame_equal(kind.open(tmp_path).read_customers().collect(), _frame(people))


def test_columns_can_be_chosen(kind: Kind, tmp_path: Path) -> None:
    """The frame is lazy: who needs two columns of a filtered part gets them."""
    kind.refresh(tmp_path, FIRST)
    customers = kind.open(tmp_path).read_customers()

    chosen = customers.filter(pl.col("Points") <= 0).select("Points", "CustomerId").collect()

    assert chosen.rows() == [(-3, "c2"), (0, "c3")]


def test_frame_is_streamed(kind: Kind, tmp_path: Path) -> None:
    """No part of the frame's plan needs all rows at once."""
    kind.refresh(tmp_path, FIRST)
    customers = kind.open(tmp_path).read_customers()

    plan = customers.show_graph(engine="streaming", plan_stage="physical", raw_output=True)

    assert plan is not None
    assert "scan" in plan
    assert "columnar-function" not in plan
    assert "in-memory-map" not in plan


@pytest.mark.parametrize(
    "name", sorted(KINDS.keys() - {"ndjson"})
)  # ndjson without a row has no columns: test_bad_files
def test_no_rows(name: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment that nobody belongs to is read as no rows, with its columns."""
    kind = _kind(name, request, monkeypatch)
    kind.refresh(tmp_path, [])

    customers = kind.open(tmp_path).read_customers().collect()

    assert customers.height == 0
    assert customers.columns == COLUMNS


def test_absolute_path(file_kind: Kind, tmp_path: Path) -> None:
    """An absolute path reads the same rows from any root."""
    file_kind.refresh(tmp_path, FIRST)
    assert file_kind.source.type != "sql"
    absolute = file_kind.source.model_copy(update={"path": str(tmp_path / file_kind.source.path)})

    customers = open_source(absolute, root=tmp_path / "elsewhere").read_customers().collect()

    assert_frame_equal(customers, _frame(FIRST))


def test_mark_is_stable(kind: Kind, tmp_path: Path) -> None:
    """As long as nothing is written, each reader of the source gives the same mark."""
    kind.refresh(tmp_path, FIRST)

    marks = {kind.open(tmp_path).read_refresh_mark() for _ in range(3)}

    assert len(marks) == 1
    assert all(len(mark) == 64 for mark in marks)


def test_mark_does_not_depend_on_the_root(kind: Kind, tmp_path: Path) -> None:
    """A project that is moved with its files has the mark that it had."""
    (tmp_path / "one").mkdir()
    kind.refresh(tmp_path / "one", FIRST)
    shutil.copytree(tmp_path / "one", tmp_path / "two", copy_function=shutil.copy2)

    assert kind.open(tmp_path / "one").read_refresh_mark() == kind.open(tmp_path / "two").read_refresh_mark()


def test_mark_changes_with_a_refresh(kind: Kind, tmp_path: Path) -> None:
    """A refresh changes the mark, and the rows that come with it."""
    kind.refresh(tmp_path, FIRST)
    reader = kind.open(tmp_path)
    mark = reader.read_refresh_mark()

    kind.refresh(tmp_path, SECOND)
    # A refresh within the clock's tick, of the same size, would have the same time.
    for path in tmp_path.rglob("*.*"):
        os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1_000_000))

    assert reader.read_refresh_mark() != mark
    assert_frame_equal(reader.read_customers().collect(), _frame(SECOND))


def test_nothing_there(file_kind: Kind, tmp_path: Path) -> None:
    """Where nothing is, both methods say what was looked for, and where."""
    reader = file_kind.open(tmp_path)
    assert file_kind.source.type != "sql"

    with pytest.raises(SourceMissing, match=r"found at .*expected .*; correct the path") as failure:
        reader.read_customers()
    with pytest.raises(SourceMissing):
        reader.read_refresh_mark()

    assert file_kind.source.path in str(failure.value)
    assert str(tmp_path) in str(failure.value)


def test_damage_is_told_without_values(file_kind: Kind, tmp_path: Path) -> None:
    """Every file cut in the middle ends as SourceUnreadable, at read or at collect, and quotes nobody."""
    file_kind.refresh(tmp_path, [(f"c{n}", f"secret{n}@example.com", n) for n in range(5_000)])
    for path in tmp_path.rglob("*.*"):
        if path.is_file() and path.name != "model.json":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 - 1] + b'"\xff\xfe\n')

    with pytest.raises(SourceUnreadable) as failure, reading("the source"):
        file_kind.open(tmp_path).read_customers().collect()

    assert "secret" not in str(failure.value)
    assert "example.com" not in str(failure.value)
    # A traceback shows neither of the two: Polars' message may quote a cell.
    assert failure.value.__cause__ is None
    assert failure.value.__context__ is None or failure.value.__suppress_context__

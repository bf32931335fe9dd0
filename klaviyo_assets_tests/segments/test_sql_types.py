"""What the types of each database become."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.exports import SqlSource
from klaviyo_assets.segments import SqlReader, reading
from klaviyo_assets_tests.segments.databases import run_duckdb, run_postgresql, run_sqlite

NOON = datetime(2026, 1, 2, 12)  # noqa: DTZ001  a timestamp without a time zone is one


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty database of SQLite, which CRM_URL names."""
    monkeypatch.setenv("CRM_URL", "sqlite:///crm.db")
    run_sqlite(tmp_path / "crm.db", "create table t (c)")
    return tmp_path / "crm.db"


@pytest.fixture
def duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty database of DuckDB, which CRM_URL names."""
    monkeypatch.setenv("CRM_URL", "duckdb:///crm.duckdb")
    run_duckdb(tmp_path / "crm.duckdb", "create table t (c int)")
    return tmp_path / "crm.duckdb"


def read(query: str, root: Path) -> pl.DataFrame:
    """What the query gives, streamed."""
    source = SqlSource(type="sql", database_env="CRM_URL", query=query)
    with reading("the source"):
        customers = SqlReader(source, root).read_customers()
        frame = customers.collect(engine="streaming")
    assert customers.collect_schema() == frame.schema
    return frame


# SQL of a value, its type and value as read.
Values = Mapping[str, tuple[pl.DataType, Any]]

POSTGRESQL: Values = {
    "1::smallint": (pl.Int16(), 1),
    "1::bigint": (pl.Int64(), 1),
    "true": (pl.Boolean(), True),
    "1.5::double precision": (pl.Float64(), 1.5),
    "'  Zoë '::text": (pl.String(), "  Zoë "),
    "null": (pl.String(), None),
    "1234.50::numeric(10,2)": (pl.Decimal(38, 2), Decimal("1234.50")),
    "12345678901234567890::numeric(20)": (pl.Decimal(38, 0), Decimal("12345678901234567890")),
    "1.250::numeric": (pl.Decimal(38, 3), Decimal("1.250")),
    "sum(-0.5)": (pl.Decimal(38, 1), Decimal("-0.5")),
    "'NaN'::numeric": (pl.Decimal(38, 0), None),
    "'NaN'::numeric(4,1)": (pl.Decimal(38, 1), None),
    "null::numeric": (pl.Decimal(38, 0), None),
    "'2026-01-02'::date": (pl.Date(), date(2026, 1, 2)),
    "'2026-01-02 12:00'::timestamp": (pl.Datetime("us"), NOON),
    "'2026-01-02 12:00Z'::timestamptz": (pl.Datetime("us", "UTC"), NOON.replace(tzinfo=UTC)),
    "'ab0e8400-e29b-41d4-a716-446655440000'::uuid": (pl.String(), "ab0e8400-e29b-41d4-a716-446655440000"),
    "'{\"a\": 1}'::jsonb": (pl.String(), '{"a": 1}'),
    "'{1,2}'::int[]": (pl.List(pl.Int32()), [1, 2]),
    "'{1.5}'::numeric[]": (pl.String(), "{1.5}"),
    "'gold'::tier": (pl.String(), "gold"),
    "interval '1 day'": (pl.String(), "1 day"),
    "'127.0.0.1'::inet": (pl.String(), "127.0.0.1"),
    "'\\x00'::bytea": (pl.Binary(), b"\0"),
}

DUCKDB: Values = {
    "1::utinyint": (pl.UInt8(), 1),
    "1::bigint": (pl.Int64(), 1),
    "true": (pl.Boolean(), True),
    "1.5::double": (pl.Float64(), 1.5),
    "'  Zoë '": (pl.String(), "  Zoë "),
    "1234.5::decimal(10,2)": (pl.Decimal(10, 2), Decimal("1234.50")),
    "sum(1)": (pl.Decimal(38, 0), Decimal(1)),
    "date '2026-01-02'": (pl.Date(), date(2026, 1, 2)),
    "timestamp '2026-01-02 12:00:00'": (pl.Datetime("us"), NOON),
    "uuid 'ab0e8400-e29b-41d4-a716-446655440000'": (pl.String(), "ab0e8400-e29b-41d4-a716-446655440000"),
    "'gold'::enum('gold', 'blue')": (pl.String(), "gold"),
    "interval 1 day": (pl.String(), "1 day"),
    "{'city': 'Rīga'}": (pl.Struct({"city": pl.String()}), {"city": "Rīga"}),
    "[1, 2]": (pl.List(pl.Int32()), [1, 2]),
}


def _frame(values: Values) -> pl.DataFrame:
    columns = {f"c{n}": pl.Series([value], dtype=dtype) for n, (dtype, value) in enumerate(values.values())}
    return pl.DataFrame(columns)


def _query(values: Values) -> str:
    return "select " + ", ".join(f"{sql} as c{n}" for n, sql in enumerate(values))


def test_postgresql(postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each type of PostgreSQL comes without loss: as Polars' own, or as the text that PostgreSQL writes."""
    monkeypatch.setenv("CRM_URL", postgresql)
    run_postgresql(postgresql, "drop type if exists tier", "create type tier as enum ('gold', 'blue')")

    assert_frame_equal(read(_query(POSTGRESQL), tmp_path), _frame(POSTGRESQL))


def test_duckdb(duckdb: Path) -> None:
    """Each type of DuckDB comes without loss: as Polars' own, or as the text that DuckDB writes."""
    assert_frame_equal(read(_query(DUCKDB), duckdb.parent), _frame(DUCKDB))


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ("1, 2, null", pl.Int64(), [1, 2, None]),
        ("1, 2.5, null", pl.Float64(), [1.0, 2.5, None]),
        ("1, 'a', null, 2.5", pl.String(), ["1", "a", None, "2.5"]),
        ("'ada@example.com', null", pl.String(), ["ada@example.com", None]),
        ("null, null", pl.String(), [None, None]),
    ],
)
def test_sqlite(values: str, dtype: pl.DataType, expected: list[Any], sqlite: Path) -> None:
    """A column of SQLite, where each value has a type of its own, has the narrowest type that holds them all."""
    run_sqlite(sqlite, *(f"insert into t values ({value})" for value in values.split(", ")))

    assert_frame_equal(read("select c from t", sqlite.parent), pl.DataFrame({"c": pl.Series(expected, dtype=dtype)}))


def test_sqlite_values_come_late(sqlite: Path) -> None:
    """A column whose first values are null has the type of those that come after thousands of rows."""
    numbers = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) "
    run_sqlite(sqlite, f"insert into t {numbers} select iif(i > 90000, 'p' || i, null) from n")

    customers = read("select c from t", sqlite.parent)

    assert customers["c"].drop_nulls().len() == 10_000
    assert customers.height == 100_000


def test_sqlite_bytes(sqlite: Path) -> None:
    """Bytes are told, with their column, since they are no text."""
    run_sqlite(sqlite, "insert into t values (x'ff')")

    with pytest.raises(SourceUnreadable, match="Column 'c' of the query holds bytes, expected text or numbers"):
        read("select c from t", sqlite.parent)


@pytest.mark.parametrize("name", ["E Mail", 'a"b', "select", "ä", "a;b", "^a$", "*"])
def test_names_of_columns(name: str, sqlite: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column may be called as it likes, and can be chosen by its name."""
    query = f'select 1 as "{name.replace(chr(34), chr(34) * 2)}", 2 as other'

    for url in ("sqlite:///crm.db", postgresql):
        monkeypatch.setenv("CRM_URL", url)

        assert read(query, sqlite.parent).columns == [name, "other"]


@pytest.mark.parametrize(
    "query", ["select 1 as a;", "select 1 as a -- of all", "\n  select 1 as a ; \n", "select 1 a\n;"]
)
def test_ends_of_queries(query: str, sqlite: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query may end in a semicolon, a comment or white space."""
    for url in ("sqlite:///crm.db", postgresql):
        monkeypatch.setenv("CRM_URL", url)

        assert read(query, sqlite.parent).rows() == [(1,)]


def test_two_columns_of_one_name(postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two columns of one name are told, as a join of all columns gives them."""
    monkeypatch.setenv("CRM_URL", postgresql)

    with pytest.raises(SourceUnreadable, match="gives two columns the name 'id', expected each name once"):
        read("select 1 as id, 2 as id", tmp_path)

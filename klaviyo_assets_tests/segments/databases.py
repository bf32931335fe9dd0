"""Databases as tests fill them: a table `people` with the rows of a frame, made anew, and the readers of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi  # type: ignore[import-untyped]
import duckdb
import polars as pl

from klaviyo_assets.exports import SqlSource
from klaviyo_assets.segments import SqlReader

PEOPLE = pl.DataFrame({"id": [1, 2, 3], "email": ["ada@example.com", "zoe@example.com", None]})
_POSTGRESQL_TYPES = {pl.String(): "text", pl.Int64(): "bigint"}


def run_sqlite(path: Path, *statements: str) -> None:
    """Each statement, on that file."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def run_duckdb(path: Path, *statements: str) -> None:
    """Each statement, on that file."""
    with duckdb.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)


def run_postgresql(url: str, *statements: str) -> None:
    """Each statement, on that server."""
    with adbc_driver_postgresql.dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def write_sqlite(path: Path, people: pl.DataFrame) -> None:
    """The table, in columns without a type."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("drop table if exists people")
        connection.execute(f"create table people ({', '.join(people.columns)})")
        connection.executemany(f"insert into people values ({', '.join('?' * people.width)})", people.rows())
        connection.commit()


def write_duckdb(path: Path, people: pl.DataFrame) -> None:
    """The table, by way of a Parquet file beside it."""
    file = path.with_suffix(".parquet")
    people.write_parquet(file)
    run_duckdb(path, f"create or replace table people as from '{file}'")


def write_postgresql(url: str, people: pl.DataFrame) -> None:
    """The table, with names in the case that they have."""
    columns = ", ".join(f'"{name}" {_POSTGRESQL_TYPES[dtype]}' for name, dtype in people.schema.items())
    rows = ", ".join(f"({', '.join(map(literal, row))})" for row in people.rows())
    inserts = [f"insert into people values {rows}"] if rows else []
    run_postgresql(url, "drop table if exists people", f"create table people ({columns})", *inserts)


def literal(value: Any) -> str:
    """A value as SQL has it."""
    if value is None:
        return "null"
    if isinstance(value, str | date | datetime):
        return "'" + str(value).replace("'", "''") + "'"
    return str(value)


RUNS: dict[str, Callable[..., None]] = {
    "postgresql": run_postgresql,
    "sqlite": lambda url, *statements: run_sqlite(Path(url), *statements),
    "duckdb": lambda url, *statements: run_duckdb(Path(url), *statements),
}


class Crm:
    """A database with people in it, which CRM_URL names."""

    def __init__(self, kind: str, root: Path, url: str) -> None:
        self.kind, self.root, self.url = kind, root, url

    def run(self, *statements: str) -> None:
        """Each statement, as another program would run it."""
        RUNS[self.kind](self.url, *statements)

    def reader(self, query: str = "select * from people", mark_query: str | None = None) -> SqlReader:
        """The reader of a query on it."""
        source = SqlSource(type="sql", database_env="CRM_URL", query=query, refresh_mark_query=mark_query)
        return SqlReader(source, self.root)

"""A query on a database as a segment: the rows that it gives when they are read.

The query runs when the frame is collected or sunk, each time anew, and its batches go through Polars' streaming engine
one by one: so nothing is held or stored twice, and no copy of the customers lies on the disk. Opening the database is
`sql_databases.py`, its types are `sql_columns.py`, its errors `sql_errors.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl
from polars.io.plugins import register_io_source

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.exports import SqlSource
from klaviyo_assets.segments.refresh_mark import mark_of
from klaviyo_assets.segments.sql_columns import ROWS, Columns, ask, find_columns, nested
from klaviyo_assets.segments.sql_databases import Database, find_database
from klaviyo_assets.segments.sql_errors import asking
from klaviyo_assets.segments.unreadable import reading

# Computed by the server, so that no row travels; the order of rows does not matter.
_DIGEST: Final = f"count(*)::text, sum(hashtextextended({ROWS}::text, 0)::numeric)::text"


@dataclass(frozen=True)
class SqlReader:
    """Reads the query of a `SqlSource`."""

    source: SqlSource
    root: Path

    def read_customers(self) -> pl.LazyFrame:
        """See `SegmentReader`: the rows of the query, which runs when the frame is collected."""
        database = self._find_database()
        with asking(database.name), reading(database.name), database.open_cursor() as cursor:
            columns = find_columns(cursor, self.source.query, kind=database.kind)
            schema = columns.read_schema(cursor)
        return register_io_source(partial(_read_rows, database, columns), schema=schema, validate_schema=True)

    def read_refresh_mark(self) -> str:
        """See `SegmentReader`: a digest of the row that `refresh_mark_query` gives.

        Where there is none: of the time of change of the database's file; for a server, of the rows of the query, which
        the server computes.
        """
        database = self._find_database()
        if self.source.refresh_mark_query:
            return mark_of([("row", self._ask_for_mark(database, self.source.refresh_mark_query))])
        if version := database.read_file_version():
            return mark_of([("file", version)])
        with asking(database.name), database.open_cursor() as cursor:
            return mark_of([("rows", str(ask(cursor, f"select {_DIGEST} from {nested(self.source.query)}").row(0)))])

    def _find_database(self) -> Database:
        return find_database(self.source.database_env, root=self.root)

    @staticmethod
    def _ask_for_mark(database: Database, query: str) -> str:
        with asking(database.name), reading(database.name), database.open_cursor() as cursor:
            columns = find_columns(cursor, query, kind=database.kind)
            answer = pl.concat([pl.DataFrame(schema=columns.read_schema(cursor)), *columns.read_rows(cursor)])
        if answer.height != 1:
            raise SourceUnreadable(
                f"{database.name} gives {answer.height} rows for refresh_mark_query, expected one; write it as "
                f"select max(updated_at) from customers."
            )
        return str(answer.row(0))


def _read_rows(
    database: Database,
    columns: Columns,
    names: list[str] | None,
    predicate: pl.Expr | None,
    row_count: int | None,
    batch_size: int | None,
) -> Iterator[pl.DataFrame]:
    """What Polars asks of a source: some columns, rows that meet a predicate, and no more than it needs."""
    with asking(database.name), reading(database.name), database.open_cursor() as cursor:
        for rows in columns.read_rows(cursor, names or None):
            batch = rows if row_count is None else rows.head(row_count)
            yield batch if predicate is None else batch.filter(predicate)
            row_count = None if row_count is None else row_count - batch.height
            if row_count == 0:
                return

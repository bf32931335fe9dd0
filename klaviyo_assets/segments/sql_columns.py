"""The columns of a query, each asked for in a form that becomes a type of Polars without loss.

What a database holds in types that Arrow lacks (UUID, JSON, intervals, enums, addresses of networks) is asked for as
text; PostgreSQL's numeric becomes Decimal. A function for each kind of database; opening one is `sql_databases.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl
import polars.selectors as cs
from arro3.core import RecordBatchReader

from klaviyo_assets.errors import SourceUnreadable

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Cursor

ROWS: Final = "segment_rows"  # the name of the query within ours
_DIGITS: Final = 38  # the most that a Decimal holds
_TYPE_MODIFIER_OFFSET: Final = 4  # PostgreSQL's VARHDRSZ, which it adds to the modifier of numeric(10, 2)

# PostgreSQL's types for which its driver has a type of Arrow; an array's is named with _ before.
_ARROW_TYPES: Final = (
    *("bool", "int2", "int4", "int8", "float4", "float8", "text", "varchar", "bpchar", "bytea"),
    *("date", "time", "timestamp", "timestamptz"),
)
_DUCKDB_ODD_TYPES: Final = ("INTERVAL", "ENUM", "BIT", "TIME WITH", "UNION", "UHUGEINT", "BIGNUM", "VARINT", "JSON")
# SQLite gives each value a type of its own; a column's is the first of these that one of its values has.
_SQLITE_TYPES: Final = {"text": ("cast({} as text)", "''"), "real": ("cast({} as real)", "0.0"), "integer": ("{}", "0")}


@dataclass(frozen=True)
class Columns:
    """What is asked of a query.

    Attributes:
        query: the query, as it stands within ours.
        expressions: each column, and the SQL that gives it.
        decimals: the columns that come as text and are numbers.
        samples: for SQLite, a value of each column's type. They are asked for as the first row, which is cut off, since
            the driver takes a column's type from its first values.
    """

    query: str
    expressions: Mapping[str, str]
    decimals: Mapping[str, pl.Decimal] = field(default_factory=dict)
    samples: Mapping[str, str] = field(default_factory=dict)

    def read_schema(self, cursor: Cursor) -> pl.Schema:
        """The columns' types, without any row."""
        first = ask(cursor, f"select * from {nested(self._select(None))} limit {len(self.samples) and 1}")
        return pl.Schema({**first.schema, **self.decimals})

    def read_rows(self, cursor: Cursor, names: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """The rows of some columns or all, batch by batch; only one is held."""
        numbers = [cs.by_name(name, require_all=False).cast(dtype) for name, dtype in self.decimals.items()]
        to_cut = 1 if self.samples else 0
        cursor.execute(self._select(names))
        # arro3, which deltalake brings, reads the driver's stream without pyarrow.
        for batch in RecordBatchReader.from_arrow(cursor.fetch_arrow()):
            yield pl.DataFrame(batch).slice(to_cut).with_columns(numbers)
            to_cut = 0

    def _select(self, names: Sequence[str] | None) -> str:
        rows = f"select {_listed(self.expressions, names)} from {self.query}"
        return f"select {_listed(self.samples, names)} union all {rows}" if self.samples else rows


def find_columns(cursor: Cursor, query: str, *, kind: str) -> Columns:
    """What to ask for, so that every column of the query has a type of Polars.

    Raises:
        SourceUnreadable: two columns have one name, or one of SQLite's holds bytes.
    """
    rows = nested(query)
    cursor.execute(f"select * from {rows} limit 0")
    schema = RecordBatchReader.from_arrow(cursor.fetch_arrow()).schema
    names = schema.names
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SourceUnreadable(
            f"The query gives two columns the name {twice!r}, expected each name once; name one of them otherwise, "
            f"with as."
        )
    described = {name: schema.field(name).metadata_str for name in names}
    return _FINDERS[kind](cursor, rows, described)


def ask(cursor: Cursor, sql: str) -> pl.DataFrame:
    """The whole answer to a question that has a small one."""
    cursor.execute(sql)
    return pl.DataFrame(RecordBatchReader.from_arrow(cursor.fetch_arrow()))


def nested(query: str) -> str:
    """The query as a part of another one; a semicolon at its end is taken away, and a comment there ends its line."""
    return f"({query.strip().rstrip(';')}\n) as {ROWS}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _listed(expressions: Mapping[str, str], names: Sequence[str] | None) -> str:
    chosen = expressions if names is None else names
    return ", ".join(f"{expressions[name]} as {_quoted(name)}" for name in chosen)


def _find_postgresql(cursor: Cursor, rows: str, described: Mapping[str, Mapping[str, str]]) -> Columns:
    types = {name: about["POSTGRESQL:type"] for name, about in described.items()}
    scales = {
        name: _declared_scale(about.get("POSTGRESQL:typmod", "-1"))
        for name, about in described.items()
        if types[name] == "numeric"
    }
    if open_ones := [name for name, scale in scales.items() if scale is None]:
        greatest = [f"max(scale({_quoted(name)})) as c{n}" for n, name in enumerate(open_ones)]
        scales.update(zip(open_ones, ask(cursor, f"select {', '.join(greatest)} from {rows}").row(0), strict=True))
    expressions = {name: _postgresql_expression(name, types[name]) for name in types}
    decimals = {name: pl.Decimal(_DIGITS, min(scale or 0, _DIGITS)) for name, scale in scales.items()}
    return Columns(rows, expressions, decimals)


def _declared_scale(modifier: str) -> int | None:
    # https://www.postgresql.org/docs/current/catalog-pg-attribute.html: precision and scale share a whole number.
    return None if modifier == "-1" else (int(modifier) - _TYPE_MODIFIER_OFFSET) & 0x7FF


def _postgresql_expression(name: str, type_: str) -> str:
    column = _quoted(name)
    if type_ == "numeric":  # NaN and infinity are no numbers to anybody else
        return f"case when {column}::text ~ '^-?[0-9]' then {column}::text end"
    if type_ == "inet":  # without /32, which ::text adds to the address of one machine
        return f"abbrev({column})"
    return column if type_.removeprefix("_") in _ARROW_TYPES else f"{column}::text"


def _find_duckdb(cursor: Cursor, rows: str, described: Mapping[str, Mapping[str, str]]) -> Columns:
    types = dict(ask(cursor, f"describe select * from {rows}").select("column_name", "column_type").rows())
    return Columns(rows, {name: _duckdb_expression(name, types[name]) for name in described})


def _duckdb_expression(name: str, type_: str) -> str:
    return f"{_quoted(name)}::varchar" if type_.startswith(_DUCKDB_ODD_TYPES) else _quoted(name)


def _find_sqlite(cursor: Cursor, rows: str, described: Mapping[str, Mapping[str, str]]) -> Columns:
    listed = [f"group_concat(distinct typeof({_quoted(name)}))" for name in described]
    answer = ask(cursor, f"select {', '.join(f'{each} as c{n}' for n, each in enumerate(listed))} from {rows}").row(0)
    found = {name: _sqlite_type(name, (types or "").split(",")) for name, types in zip(described, answer, strict=True)}
    return Columns(
        rows,
        {name: _SQLITE_TYPES[type_][0].format(_quoted(name)) for name, type_ in found.items()},
        samples={name: _SQLITE_TYPES[type_][1] for name, type_ in found.items()},
    )


def _sqlite_type(name: str, types: Sequence[str]) -> str:
    if "blob" in types:
        raise SourceUnreadable(
            f"Column {name!r} of the query holds bytes, expected text or numbers; cast it there, or leave it out."
        )
    return next((type_ for type_ in _SQLITE_TYPES if type_ in types), "text")  # nobody's values are text


_FINDERS: Final[Mapping[str, Callable[[Cursor, str, Mapping[str, Mapping[str, str]]], Columns]]] = {
    "postgresql": _find_postgresql,
    "sqlite": _find_sqlite,
    "duckdb": _find_duckdb,
}

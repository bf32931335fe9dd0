"""The databases that a segment can be read from, each through its ADBC driver, which hands over Arrow batches.

Here a URL becomes a database, and a database an open cursor that can only read. What is asked is in `sql.py` and
`sql_columns.py`, what goes wrong in `sql_errors.py`. ADBC, and not connectorx or SQLAlchemy: its batches reach Polars
without a Python object for any row and without the whole result being held, and its drivers are the databases' own.
https://arrow.apache.org/adbc/
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from klaviyo_assets.errors import SourceMissing, SourceUnreadable

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection, Cursor

CONNECT_TIMEOUT_S: Final = 10  # unless the URL says another; libpq alone waits for minutes
_BATCH_ROWS: Final = 65_536  # SQLite's driver alone would take 1024
_WAL_ENDS: Final = ("-wal", ".wal")  # where SQLite and DuckDB write first


@dataclass(frozen=True)
class Database:
    """A database that an environment variable names.

    Attributes:
        kind: postgresql, sqlite or duckdb.
        name: what messages call it.
        address: what its driver is given: a URL, which may hold a password, or the path of a file.
    """

    kind: str
    name: str
    address: str = field(repr=False)

    @contextmanager
    def open_cursor(self) -> Iterator[Cursor]:
        """A cursor that can only read, within one transaction where the database has them."""
        with _CONNECTS[self.kind](self.address) as connection, connection.cursor() as cursor:
            if self.kind == "postgresql":
                cursor.execute("set transaction isolation level repeatable read, read only")
            elif self.kind == "sqlite":
                cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(_BATCH_ROWS)})
            yield cursor

    def read_file_version(self) -> str | None:
        """Size and time of change of the database's file, and of the one that it writes first; None for a server."""
        if self.kind == "postgresql":
            return None
        files = [Path(self.address), *(Path(f"{self.address}{end}") for end in _WAL_ENDS)]
        stats = [file.stat() for file in files if file.is_file()]
        return " ".join(f"{stat.st_size} {stat.st_mtime_ns}" for stat in stats if stat.st_size)


def find_database(variable: str, *, root: Path) -> Database:
    """The database whose URL an environment variable holds; the variable is read now, and nothing is opened yet.

    Args:
        variable: the variable's name.
        root: the folder that the relative path of a database's file starts from.

    Raises:
        SourceMissing: the variable is not set, or there is no file of that name.
        SourceUnreadable: it holds something else than the URL of a database that is known.
    """
    url = os.environ.get(variable, "").strip()
    name = f"The database of {variable}"
    if not url:
        raise SourceMissing(
            f"{name} is not known: the environment variable is not set, expected the database's URL, as "
            f"postgresql://user:password@host/database; set it where Dagster runs."
        )
    scheme, _, rest = url.partition("://")
    kind = {"postgres": "postgresql"}.get(scheme.partition("+")[0], scheme.partition("+")[0])
    if kind == "postgresql" and rest:
        return Database(kind, name, f"postgresql://{_with_timeout(rest)}")
    if kind in ("sqlite", "duckdb") and rest.startswith("/") and len(rest) > 1:
        return Database(kind, name, str(_find_file(rest[1:], variable, root)))
    raise SourceUnreadable(
        f"{name} is of no kind that is known, expected a URL that begins with postgresql://, sqlite:/// or duckdb:///; "
        f"correct the variable, or export the customers to Parquet."
    )


def _with_timeout(rest: str) -> str:
    options = rest.rpartition("@")[2]
    if re.search(r"[?&]connect_timeout=", options):
        return rest
    return f"{rest}{'&' if '?' in options else '?'}connect_timeout={CONNECT_TIMEOUT_S}"


def _find_file(declared: str, variable: str, root: Path) -> Path:
    # A driver would create the file.
    path = root / declared
    if not path.is_file():
        raise SourceMissing(
            f"Nothing is found at {declared} (looked in {path}), expected the database's file that {variable} names; "
            f"correct the path, which is relative to the project's root after three slashes, and absolute after four."
        )
    return path


def _connect_postgresql(url: str) -> Connection:
    connection: Connection = _import("adbc_driver_postgresql.dbapi", extra="sql").connect(url)
    return connection


def _connect_sqlite(path: str) -> Connection:
    connection: Connection = _import("adbc_driver_sqlite.dbapi", extra="sql").connect(f"file:{quote(path)}?mode=ro")
    return connection


def _connect_duckdb(path: str) -> Connection:
    # The driver's own connect takes no options, so it would open the file for writing, and lock it.
    driver = _import("adbc_driver_duckdb", extra="duckdb").driver_path()
    adbc = _import("adbc_driver_manager", extra="duckdb")
    dbapi = _import("adbc_driver_manager.dbapi", extra="duckdb")
    database = adbc.AdbcDatabase(driver=driver, entrypoint="duckdb_adbc_init", path=path, access_mode="READ_ONLY")
    connection: Connection = dbapi.Connection(database, adbc.AdbcConnection(database))
    return connection


_CONNECTS: Final[Mapping[str, Callable[[str], Connection]]] = {
    "postgresql": _connect_postgresql,
    "sqlite": _connect_sqlite,
    "duckdb": _connect_duckdb,
}


def _import(module: str, *, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise SourceUnreadable(
            f"The driver {module.partition('.')[0]} is not installed, expected it for this database; "
            f"pip install 'klaviyo-assets[{extra}]'."
        ) from None

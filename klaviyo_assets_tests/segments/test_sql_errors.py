"""What goes wrong with a database: it is told in one sentence, which shows neither a password nor a customer."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from klaviyo_assets.errors import SegmentError, SourceMissing, SourceUnreadable
from klaviyo_assets.exports import SqlSource
from klaviyo_assets.segments import SqlReader
from klaviyo_assets.segments.sql_databases import find_database
from klaviyo_assets_tests.segments.databases import Crm

WRONG_QUERIES = {
    "select nope from people": "it has no column 'nope', which the query names; correct the query",
    "select * from nope": "it has no table 'nope', which the query names; correct the query",
    "selec * from people": "is no single select that it understands",
    "select 1 as a; select 2 as b": "is no single select that it understands",
    "select id from people where email = 'ada@example.com' and": "is no single select that it understands",
}


@pytest.mark.parametrize("query", WRONG_QUERIES)
def test_wrong_query(query: str, crm: Crm) -> None:
    """A query that cannot run is told before any row is read, by both methods, in words that do not quote it."""
    for method in (crm.reader(query).read_customers, crm.reader(mark_query=query).read_refresh_mark):
        with pytest.raises(SourceUnreadable, match=WRONG_QUERIES[query]) as failure:
            method()
        _check_silent(failure.value)


@pytest.mark.parametrize(
    "query",
    [
        "select cast(email as int) as n from people",
        "select email::int as n, repeat('x', 9) as pad from people, generate_series(1, 3) order by n",
        "select case when n = 400000 then (n || '@example.com')::int else n end from generate_series(1, 400000) n",
        "select 1 / (n - 400000) as n from generate_series(1, 400000) n",
    ],
)
def test_value_does_not_fit(query: str, server: Crm) -> None:
    """A value that a cast refuses ends the reading, however late it comes, and is not told."""
    with pytest.raises(SourceUnreadable, match="a value does not fit what the query makes of it") as failure:
        server.reader(query).read_customers().collect()
    _check_silent(failure.value)


def _wrong(url: str, **parts: str) -> str:
    for old, new in parts.items():
        url = url.replace({"password": "s3cr3t", "user": "owner:", "database": "/postgres"}[old], new)
    return url


URLS: dict[str, tuple[Callable[[str], str], str]] = {
    "password": (lambda url: _wrong(url, password="wr0ng"), "it refuses the user or the password; correct both"),
    "user": (lambda url: _wrong(url, user="nobody:"), "it refuses the user or the password; correct both"),
    "no password": (lambda url: url.replace(":s3cr3t-p%C3%A4ssw%C3%B6rd", ""), "it refuses the user or the password"),
    "database": (lambda url: _wrong(url, database="/nope"), "the server has no database of that name"),
    "port": (lambda url: f"{url.rpartition(':')[0]}:1/postgres", "it does not answer; start it, or correct host"),
    "not a port": (lambda url: f"{url.rpartition(':')[0]}:x/postgres", "the URL is not understood; correct it"),
    "percent": (lambda url: url.replace("%C3", "%ZZ"), "the URL is not understood; correct it"),
    "ssl": (lambda url: f"{url}?sslmode=require", "it refuses the connection; correct sslmode"),
    "other": (lambda url: url.replace("postgresql", "mysql"), "of no kind that is known, expected a URL that begins"),
    "no scheme": (lambda url: url.replace("postgresql://", ""), "of no kind that is known, expected a URL that begins"),
}


@pytest.mark.parametrize(("change", "told"), URLS.values(), ids=URLS.keys())
def test_wrong_url(change: Callable[[str], str], told: str, server: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL that leads nowhere is told by both methods, without its password."""
    monkeypatch.setenv("CRM_URL", change(server.url))

    for method in (server.reader().read_customers, server.reader().read_refresh_mark):
        with pytest.raises(SourceUnreadable, match=f"^The database of CRM_URL .*{told}") as failure:
            method()
        _check_silent(failure.value)


def test_table_goes_away(crm: Crm) -> None:
    """A table that is dropped before the rows are wanted is told as such."""
    customers = crm.reader().read_customers()
    crm.run("drop table people")

    with pytest.raises(SourceUnreadable, match="it has no table 'people'"):
        customers.collect()


def test_server_goes_away(server: Crm) -> None:
    """A server that closes the connection while it is read is told as such."""
    with pytest.raises(SourceUnreadable, match="it does not answer; start it, or correct host and port"):
        server.reader("select pg_terminate_backend(pg_backend_pid()) as n").read_customers().collect()


def test_statement_timeout(server: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that the server ends is told as such."""
    monkeypatch.setenv("CRM_URL", f"{server.url}?options=-c%20statement_timeout%3D50")

    with pytest.raises(SourceUnreadable, match="the server ended the query, which took too long for it"):
        server.reader("select pg_sleep(60)::text as n").read_customers().collect()


def test_permission(server: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that the user may not read is told as such."""
    server.run("drop role if exists reader", "create role reader login password 's3cr3t'")
    monkeypatch.setenv("CRM_URL", f"postgresql://reader:s3cr3t@{server.url.rpartition('@')[2]}")

    with pytest.raises(SourceUnreadable, match="its user may not read what the query names; grant it select on that"):
        server.reader().read_customers()


@pytest.mark.parametrize("value", [None, "", "  "])
def test_variable_is_not_set(value: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that holds nothing is told, with its name and what it should hold."""
    monkeypatch.delenv("CRM_URL", raising=False)
    if value is not None:
        monkeypatch.setenv("CRM_URL", value)
    reader = SqlReader(SqlSource(type="sql", database_env="CRM_URL", query="select 1"), tmp_path)

    for method in (reader.read_customers, reader.read_refresh_mark):
        with pytest.raises(SourceMissing, match=r"CRM_URL is not known: .* not set, expected the database's URL, as "):
            method()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://me@host/crm", "postgresql://me@host/crm?connect_timeout=10"),
        ("postgres://me@host/crm?sslmode=require", "postgresql://me@host/crm?sslmode=require&connect_timeout=10"),
        ("postgresql+psycopg://me:a?b@host", "postgresql://me:a?b@host?connect_timeout=10"),
        ("postgresql://host/crm?connect_timeout=60", "postgresql://host/crm?connect_timeout=60"),
    ],
)
def test_address_of_a_server(url: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer is waited for as long as the URL says, or ten seconds."""
    monkeypatch.setenv("CRM_URL", url)

    assert find_database("CRM_URL", root=Path()).address == address


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_file_is_missing(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database's file that is not there is told, and not made."""
    monkeypatch.setenv("CRM_URL", f"{kind}:///data/crm.db")
    reader = SqlReader(SqlSource(type="sql", database_env="CRM_URL", query="select 1"), tmp_path)

    for method in (reader.read_customers, reader.read_refresh_mark):
        with pytest.raises(
            SourceMissing, match=r"Nothing is found at data/crm.db \(looked in .*\), expected the datab"
        ):
            method()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_file_is_damaged(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no database of the kind is told as such."""
    (tmp_path / "crm.db").write_bytes(b"ada@example.com\n" * 1000)
    monkeypatch.setenv("CRM_URL", f"{kind}:///{tmp_path}/crm.db")
    reader = SqlReader(SqlSource(type="sql", database_env="CRM_URL", query="select 1 as a from x"), tmp_path)

    with pytest.raises(SourceUnreadable, match="its file is not of the declared kind, or damaged; correct the URL"):
        reader.read_customers()


def test_driver_is_not_installed(server: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that is missing is told with the extra that brings it."""
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)

    with pytest.raises(SourceUnreadable, match=r"adbc_driver_postgresql is not installed, .*assets\[sql\]'"):
        server.reader().read_customers()


def test_reprs_hold_no_password(server: Crm) -> None:
    """Neither the reader, the database nor the frame shows the URL."""
    reader = server.reader()
    shown = f"{reader} {reader._find_database()!r} {reader.read_customers().explain()}"

    assert "s3cr3t" not in shown
    assert "owner" not in shown


def _check_silent(error: SegmentError) -> None:
    """Neither the message nor the traceback holds a password, an address, or the driver's own words."""
    told = "".join(traceback.format_exception(error))
    own = [line for line in told.splitlines() if not line.startswith(("  ", "Traceback"))]
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    assert os.environ["CRM_URL"] not in told
    assert not any(word in " ".join(own) for word in ("s3cr3t", "wr0ng", "@", "owner", "libpq"))

"""Queries as segments: when they run, what is asked for, and by what a refresh is known."""

from __future__ import annotations

import polars as pl
import pytest

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.segments import reading
from klaviyo_assets_tests.segments.databases import PEOPLE, Crm


def test_query_runs_when_rows_are_wanted(crm: Crm) -> None:
    """The frame holds no rows: it gives those of the moment at which it is collected."""
    customers = crm.reader("select id from people where id > 1 order by id").read_customers()

    crm.run("delete from people where id = 2")

    assert customers.collect()["id"].to_list() == [3]


def test_no_more_is_asked_than_is_needed(crm: Crm) -> None:
    """A part of the columns, of the rows, or the number of rows alone can be had, and the rest is left alone."""
    customers = crm.reader().read_customers()

    assert customers.head(2).collect().rows() == PEOPLE.rows()[:2]
    assert customers.head(0).collect().rows() == []
    assert customers.select("email").collect().rows() == [(email,) for email in PEOPLE["email"]]
    assert customers.filter(pl.col("id") > 1).select("email").head(1).collect().rows() == [("zoe@example.com",)]
    assert customers.select(pl.len()).collect().item() == 3


def test_a_large_answer_may_be_left(server: Crm) -> None:
    """Who wants the first rows of many gets them, and the server goes on."""
    customers = server.reader(
        "select n as id, repeat('x', 200) as pad from generate_series(1, 500000) n"
    ).read_customers()

    assert customers.head(3).collect()["id"].to_list() == [1, 2, 3]
    assert server.reader().read_customers().collect().height == 3


def test_nothing_is_written(crm: Crm) -> None:
    """A query that would write is refused by the database itself, and changes nothing."""
    for query in ("delete from people", "drop table people", "insert into people values (4, '')"):
        with pytest.raises(SourceUnreadable), reading("the source"):
            crm.reader(query).read_customers().collect()
    assert crm.reader().read_customers().collect().height == 3


def test_cursor_only_reads(crm: Crm) -> None:
    """Whatever is asked, the database is opened so that it cannot be written, or locked for others."""
    with (
        crm.reader()._find_database().open_cursor() as cursor,
        crm.reader()._find_database().open_cursor(),
        pytest.raises(Exception, match=r"(?i)read-?only"),
    ):
        cursor.execute("create table other (n int)")


def test_a_function_that_writes_is_refused(server: Crm) -> None:
    """A select cannot write by way of a function."""
    server.run("create or replace function wipe() returns int language sql as 'delete from people returning 1'")

    with pytest.raises(SourceUnreadable, match="the query would write, expected one that reads; write a select"):
        server.reader("select wipe() as n").read_customers().collect()


@pytest.mark.parametrize(
    ("statement", "changes"),
    [
        ("select 1", False),
        ("insert into people values (4, null)", True),
        ("delete from people where id = 3", True),
        ("update people set email = 'zzz@example.com' where id = 1", True),
    ],
)
@pytest.mark.parametrize(
    "mark_query", [None, "select count(*) as n, max(email) as greatest, sum(id) as s, 1.5 as x from people"]
)
def test_mark(statement: str, changes: bool, mark_query: str | None, crm: Crm) -> None:
    """The mark is what refresh_mark_query gives; without one, what the file's time or the rows give."""
    before = crm.reader(mark_query=mark_query).read_refresh_mark()

    crm.run(statement)

    assert (crm.reader(mark_query=mark_query).read_refresh_mark() != before) == changes


def test_mark_of_a_server_is_that_of_the_query(server: Crm) -> None:
    """Without refresh_mark_query, neither the order of rows nor what the query leaves out changes the mark."""
    before = server.reader("select id from people").read_refresh_mark()

    server.run("update people set email = null")
    assert server.reader("select id from people order by id desc").read_refresh_mark() == before

    server.run("insert into people values (3, null)")
    assert server.reader("select id from people").read_refresh_mark() != before


@pytest.mark.parametrize(("query", "found"), [("select id from people", 3), ("select id from people where id > 9", 0)])
def test_mark_is_one_row(query: str, found: int, crm: Crm) -> None:
    """A refresh_mark_query that gives no row, or several, is told."""
    with pytest.raises(SourceUnreadable, match=f"gives {found} rows for refresh_mark_query, expected one; write it as"):
        crm.reader(mark_query=query).read_refresh_mark()

"""The measurement as a whole, with a few customers: its figures mean nothing here, but every contender must arrive."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from benchmarks.attempt import attempt
from benchmarks.cases import TITLES, Case
from benchmarks.contenders import DAGSTER_RUN, FLOOR, PLAIN_DELIVERY, SDK_SCRIPT, Contender
from benchmarks.report import render_page
from benchmarks.results import Measured, NotMeasured
from benchmarks.run import Bench

COUNT = 20
REMOVE = "DELETE /api/lists/{id}/relationships/profiles"


@pytest.mark.parametrize(
    ("contender", "bodies", "removals"),
    [
        pytest.param(FLOOR, [1, None, 1, 0], [0, None, 0, 1], id="floor"),
        pytest.param(PLAIN_DELIVERY, [1, 0, 1, 0], [0, 0, 0, 1], id="plain delivery"),
        pytest.param(SDK_SCRIPT, [1, 1, 1, None], [0, 0, 0, None], id="SDK"),
    ],
)
def test_contender(contender: Contender, bodies: list[int | None], removals: list[int | None]) -> None:
    """Each brings the list to the segment in each case that it can do, with the requests that are said of it."""
    found = [outcome if isinstance(outcome, Measured) else None for outcome in _attempt(contender)]
    assert [each and each.body_count for each in found] == bodies
    assert [each and each.requests.get(REMOVE, 0) for each in found] == removals
    assert all(each.astray_count == each.throttled_count == 0 for each in found if each)


def test_table_of_a_run() -> None:
    """A run of Dagster has its row in each case, with what it was asked to do, and the page its picture and goals."""
    ours = replace(DAGSTER_RUN, prepares=frozenset())
    results = Bench([ours], limits="off", start_count=1).run([COUNT])
    found = [results.rounds[0].measured(DAGSTER_RUN.name, case) for case in Case]
    assert [each and (each.body_count, each.astray_count) for each in found] == [(1, 0), (0, 0), (1, 0), (0, 0)]
    assert results.ceiling is not None
    assert 0 < results.ceiling.own_work_cpu_s < (results.ceiling.delivery_cpu_s or 0)
    page = render_page(results)
    assert page.count(f"| {DAGSTER_RUN.title} |") == len(TITLES)
    assert all(f"### {title}" in page for title in TITLES.values())


def test_contender_that_fails() -> None:
    """Where its program fails, no other case is tried, and nothing is said that was not measured."""
    nobody = Contender(name="nobody", title="nobody", told="nobody", distributions=())
    first, *later = _attempt(nobody)
    assert first == NotMeasured("failed", has_failed=True)
    assert later == [NotMeasured("not tried, as a case before failed")] * 3


def _attempt(contender: Contender) -> list[Measured | NotMeasured]:
    return list(attempt(contender, sys.executable, COUNT, limits="off").values())

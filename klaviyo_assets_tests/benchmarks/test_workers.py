"""The measurement of several workers: with a few customers, and what is said of figures that are made up."""

from __future__ import annotations

import pytest

from benchmarks.local_klaviyo import BULK_IMPORT, Traffic
from benchmarks.workers import BEGIN, END, Row, Size, measure_workers, render_section, replace_section
from klaviyo_assets_tests.docs.pages import section_of, text_of


def row(worker_count: int, wall_s: float) -> Row:
    """A row in which nothing else matters."""
    return Row(worker_count, wall_s, cpu_s=60, traffic=Traffic({BULK_IMPORT: 80, "GET /api/lists": 9}, 2))


def test_workers() -> None:
    """Each account gets its export, by however many workers, and is asked no more than by one."""
    found = measure_workers(2, Size(account_count=2, customer_count=20, job_duration_s=0.05))
    assert found.traffic.body_count == 2
    assert found.traffic.throttled_count == 0
    assert found.cpu_s > 0


def test_section() -> None:
    """A row tells the time, the rate over all accounts, all requests, and the ratio to the first row."""
    section = render_section([row(1, 400), row(4, 100)], Size(account_count=8, customer_count=100_000))
    last = section.splitlines()[-3]
    assert last == "| 4 | 100 s | 8\u00a0000 | 89 | 2 | 60 s | 4.00 |"


def test_section_takes_the_place_of_the_one_before() -> None:
    """Nothing else of the page changes, and a page without such a section is left alone."""
    before, after = (render_section([row(1, wall_s)], Size()) for wall_s in (400, 300))
    assert replace_section(f"# Scale\n\n{before}\n\nMore.\n", after) == f"# Scale\n\n{after}\n\nMore.\n"
    with pytest.raises(ValueError, match="found 0 sections"):
        replace_section("# Scale\n", after)


def test_page_has_the_section() -> None:
    """What the command writes is under the heading `Workers`, once."""
    assert text_of("scale.md").count(BEGIN) == section_of("scale.md", "Workers").count(END) == 1

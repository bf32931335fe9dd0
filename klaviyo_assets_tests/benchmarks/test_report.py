"""What the page and the picture say of figures."""

from __future__ import annotations

import platform
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.cases import TITLES, Case
from benchmarks.contenders import DAGSTER_RUN, DRT_PEER, FLOOR, SDK_SCRIPT
from benchmarks.picture import bar_width, render_picture
from benchmarks.report import render_page
from benchmarks.results import NotMeasured, Outcome
from benchmarks.wording import told_ratio, told_seconds
from klaviyo_assets_tests.benchmarks.outcomes import measured, results

OURS = DAGSTER_RUN.name


def row(page: str, case: Case, title: str) -> list[str]:
    """The cells of a contender in the table of a case."""
    section = page.partition(f"### {TITLES[case]}\n")[2].partition("\n#")[0]
    [found] = re.finditer(rf"^\| {re.escape(title)} \| (.*) \|$", section, re.MULTILINE)
    return found[1].split(" | ")


@pytest.mark.parametrize(
    ("case", "outcome", "expected"),
    [
        pytest.param(
            Case.FIRST,
            measured(30, 8, 900, requests={"POST /api/lists": 1_200}, throttled=3),
            ["30 s", "1.50", "8.0 s", "900", "1\u00a0200", "3", "equal to the segment"],
            id="measured",
        ),
        pytest.param(
            Case.FIRST,
            replace(measured(400_000, 7_300, 170), sizes=(20, 200)),
            ["≈ 4.6 days", "≈ 20\u00a0000", "≈ 2.0 h", "≥ 170", "≈ 0", "≈ 0", "equal to the segment"],
            id="extrapolated",
        ),
        pytest.param(Case.CHANGED, NotMeasured("failed", True), ["–"] * 6 + ["failed"], id="failed"),
        pytest.param(
            Case.LEFT,
            measured(10, astray=10_000),
            ["10 s", "0.50", "1.0 s", "1", "0", "0", "10\u00a0000 leavers too many"],
            id="leavers still there",
        ),
        pytest.param(
            Case.FIRST,
            measured(10, astray=-7),
            ["10 s", "0.50", "1.0 s", "1", "0", "0", "7 members too few"],
            id="members missing",
        ),
    ],
)
def test_row(case: Case, outcome: Outcome, expected: list[str]) -> None:
    """A contender's row tells its figures beside the floor, or why there are none, and what is wrong with the list."""
    assert row(render_page(results({(OURS, case): outcome})), case, DAGSTER_RUN.title) == expected


def test_who_sends_all_again_is_told_so() -> None:
    """Equal figures are not taken for equal work."""
    page = render_page(results({(SDK_SCRIPT.name, Case.UNCHANGED): measured()}))
    assert row(page, Case.UNCHANGED, SDK_SCRIPT.title)[-1] == "sends all again; equal to the segment"


def test_extrapolation_is_told() -> None:
    """Below the tables stands with how many customers a contender was measured, and with how many requests each."""
    first = replace(measured(requests={"POST /api/profiles": 2_000_000}), sizes=(20, 200))
    page = render_page(results({(DRT_PEER.name, Case.FIRST): first}))
    assert f"≈ {DRT_PEER.title}: measured with 20 and 200 customers, 2 requests a customer" in page
    assert "measured with 20" not in render_page(results())


def test_missed_goal_is_not_hidden() -> None:
    """Each goal has a row with its verdict, and below the rows stands what is in the way of those that were missed."""
    page = render_page(results({(OURS, Case.CHANGED): measured(6, 9)}))
    goals = page.partition("## Goals")[2]
    assert goals.count("| met |") == 8
    assert "| 1 % changed: CPU, of a first delivery | 0.25 × | 1.12 × | **missed** |" in goals
    assert goals.count("\n- 1 % changed: CPU, of a first delivery: ") == goals.count("\n- ") == 1
    assert "in the way" not in render_page(results())


def test_page_tells_nothing_of_the_machine_but_its_size() -> None:
    """Neither its name nor a folder of it."""
    page = render_page(results())
    assert platform.node() not in page
    assert str(Path.home()) not in page
    assert str(Path.cwd()) not in page


def test_picture_shows_every_case_and_contender() -> None:
    """The picture is well formed, and has a bar for whoever has figures, else the reason why not."""
    [found] = results({(SDK_SCRIPT.name, Case.LEFT): NotMeasured("cannot")}).rounds
    texts = [each.text for each in ElementTree.fromstring(render_picture(found)).iter() if each.text]
    assert [texts.count(title) for title in TITLES.values()] == [1, 1, 1, 1]
    assert texts.count(FLOOR.title) == 4
    assert texts.count(DAGSTER_RUN.title) == 4
    assert (texts.count(SDK_SCRIPT.title), texts.count("cannot")) == (2, 1)


@pytest.mark.parametrize(("seconds", "expected"), [(0.01, 2), (0.1, 2), (1, 100), (10, 200), (100, 300)])
def test_bars_are_logarithmic(seconds: float, expected: float) -> None:
    """Ten times as long is so much longer a bar, and the longest fills the width."""
    assert bar_width(seconds, 100, 300) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.123, "0.12 s"),
        (5.96, "6.0 s"),
        (119, "120 s"),
        (120, "2.0 min"),
        (86_400, "24 h"),
        (200_000, "2.3 days"),
        (40_000_000, "460 days"),
    ],
)
def test_seconds(seconds: float, told: str) -> None:
    """A time is told in the unit that suits it."""
    assert told_seconds(seconds) == told


@pytest.mark.parametrize(("ratio", "told"), [(1.077, "1.08"), (12.4, "12"), (11_234, "11\u00a0000")])
def test_ratio(ratio: float, told: str) -> None:
    """A ratio is told as exactly as it means something."""
    assert told_ratio(ratio) == told

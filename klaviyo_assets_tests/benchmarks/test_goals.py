"""Whether a run kept what the project promises of its speed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.cases import Case
from benchmarks.contenders import DAGSTER_RUN, FLOOR, SDK_SCRIPT
from benchmarks.goals import goals
from benchmarks.local_klaviyo import BULK_IMPORT
from benchmarks.results import Ceiling, NotMeasured, Outcome
from klaviyo_assets_tests.benchmarks.outcomes import measured, results

OURS = DAGSTER_RUN.name


def test_goals_that_are_met_just_so() -> None:
    """What is at its limit keeps the promise."""
    assert [goal.is_met for goal in goals(results())] == [True] * 9


@pytest.mark.parametrize(
    ("contender", "case", "outcome", "missed"),
    [
        pytest.param(OURS, Case.FIRST, measured(27.1, 8), {"first delivery: wall"}, id="slow"),
        pytest.param(OURS, Case.FIRST, measured(27, 8.1), {"first delivery: CPU"}, id="much CPU"),
        pytest.param(OURS, Case.FIRST, measured(27, 8, 1_125), {"first delivery: peak"}, id="much memory"),
        pytest.param(OURS, Case.FIRST, measured(27, 7.9), {"1 % changed: CPU"}, id="a cheap first delivery"),
        pytest.param(OURS, Case.CHANGED, measured(6, 2.1), {"1 % changed: CPU"}, id="dear changes"),
        pytest.param(
            OURS,
            Case.CHANGED,
            measured(6, 2, requests={BULK_IMPORT: 4}),
            {"1 % changed: bulk imports"},
            id="many bodies",
        ),
        pytest.param(
            OURS, Case.UNCHANGED, measured(requests={BULK_IMPORT: 1}), {"unchanged: bulk imports"}, id="anything"
        ),
        pytest.param(OURS, Case.LEFT, measured(27.1), {"1 % left: wall"}, id="slow removals"),
        pytest.param(FLOOR.name, Case.LEFT, measured(19.9), {"1 % left: wall"}, id="a lower floor"),
        pytest.param(SDK_SCRIPT.name, Case.FIRST, measured(100, 79), {"first delivery: CPU"}, id="a cheaper script"),
    ],
)
def test_goals_that_are_missed(contender: str, case: Case, outcome: Outcome, missed: set[str]) -> None:
    """What is above its limit is missed, and nothing else."""
    found = [goal.told for goal in goals(results({(contender, case): outcome})) if not goal.is_met]
    assert len(found) == len(missed)
    assert all(told.startswith(tuple(missed)) for told in found)


@pytest.mark.parametrize(
    ("own_work_cpu_s", "delivery_cpu_s", "met"),
    [(1.01, 3.0, [False, True]), (1.0, 3.01, [True, False]), (1.0, None, [True, None])],
)
def test_goals_of_what_can_be_done_without_limits(
    own_work_cpu_s: float, delivery_cpu_s: float | None, met: list[bool | None]
) -> None:
    """They are set for the CPU of each profile, of the own work and of the whole run."""
    found = replace(results(), ceiling=Ceiling(300_000, own_work_cpu_s, delivery_cpu_s))
    assert [goal.is_met for goal in goals(found)][-2:] == met


@pytest.mark.parametrize(
    ("contender", "unknown"),
    [pytest.param(OURS, 7, id="this project"), pytest.param(SDK_SCRIPT.name, 1, id="the script"), (FLOOR.name, 2)],
)
def test_goals_that_nobody_knows(contender: str, unknown: int) -> None:
    """A goal is neither met nor missed where what it needs was not measured."""
    failed = {(contender, case): NotMeasured("failed", has_failed=True) for case in Case}
    assert [goal.is_met for goal in goals(results(failed))].count(None) == unknown

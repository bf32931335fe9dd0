"""Where a delivery's time goes, as its report tells it."""

from __future__ import annotations

import pytest

from klaviyo_assets.report import Phases


class Clock:
    """A clock that somebody else moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_phase_within_another_is_taken_out_of_it() -> None:
    """Every second counts for one phase alone, so that all of them add up to what passed."""
    now = Clock()
    phases = Phases(now)
    with phases.measure("send"):
        now.seconds += 3
        with phases.measure("record"):
            now.seconds += 2
        now.seconds += 1
    now.seconds += 10  # in no phase
    with phases.measure("record"):
        now.seconds += 4

    assert phases.seconds == {"send": 4.0, "record": 6.0}


def test_a_phase_that_fails_counts_too() -> None:
    """What was going on when an error came had its time."""
    now = Clock()
    phases = Phases(now)

    def fail() -> None:
        with phases.measure("send"):
            now.seconds += 3
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert phases.seconds == {"send": 3.0}

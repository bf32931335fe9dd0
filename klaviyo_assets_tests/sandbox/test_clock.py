"""The clock."""

from __future__ import annotations

import time

import pytest

from klaviyo_assets.sandbox import WrongInput
from klaviyo_assets.sandbox.clock import Clock


class RealTime:
    """Real time under a test's hands."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(("speed", "passed"), [(1, 10), (20, 200), (0, 0), (0.5, 5)])
def test_speed(speed: float, passed: float) -> None:
    """So many seconds pass for each real one."""
    real = RealTime()
    clock = Clock(speed=speed, real=real)
    before = clock.now()
    real.seconds += 10

    assert clock.now() - before == pytest.approx(passed)


def test_a_change_of_speed_is_no_jump() -> None:
    """What has passed has passed; only what comes is faster."""
    real = RealTime()
    clock = Clock(real=real)
    before = clock.now()
    real.seconds += 10
    clock.run_at(3)
    assert clock.now() - before == pytest.approx(10)
    real.seconds += 10

    assert clock.now() - before == pytest.approx(40)


def test_it_can_start_at_any_time() -> None:
    """As told, or with the machine's time."""
    assert Clock(start=1e9, speed=0).now() == 1e9
    assert Clock(speed=0).now() == pytest.approx(time.time(), abs=60)


def test_advancing() -> None:
    """It moves forward at once, and never backward."""
    clock = Clock(speed=0)
    before = clock.now()
    clock.advance(3600)

    assert clock.now() - before == pytest.approx(3600)
    with pytest.raises(WrongInput, match=r"advance_s: found -1, expected 0 or more\."):
        clock.advance(-1)


@pytest.mark.parametrize(("speed", "told"), [(1, 60), (20, 3), (0, 60)])
def test_waits_are_told_in_the_caller_s_time(speed: float, told: float) -> None:
    """A stopped clock tells them as they are."""
    assert Clock(speed=speed).real_seconds(60) == told


def test_times_are_whole_microseconds() -> None:
    """No less, so that order is kept, and no more, so that what is told is what is compared."""
    real = RealTime()
    clock = Clock(start=1e9, speed=1 / 3, real=real)
    before = clock.now()
    real.seconds += 6e-6

    assert clock.now() > before
    assert clock.now() == round(clock.now(), 6)

"""The windows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.sandbox.limits import Meter, Tier, headers

TIER = Tier(burst=2, steady=5, daily=7)


def admitted(times: list[float], tier: Tier = TIER, *, throttled_count: bool = False) -> list[bool]:
    """Which of the requests at these times pass."""
    meter = Meter()
    return [meter.spend("q", tier, now=now, throttled_count=throttled_count).admitted for now in times]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 0.5, 0.9], [True, True, False]),
        ([0, 0.5, 1.0], [True, True, True]),
        ([0, 0.9, 1.0, 1.9, 1.95], [True, True, True, True, False]),
        ([0, 1, 2, 3, 4, 5, 59.9, 60], [True] * 5 + [False, False, True]),
        ([0, 60, 120, 180, 240, 300, 360, 420, 86_399, 86_400], [True] * 7 + [False, False, True]),
    ],
    ids=["burst", "next second", "fixed, not sliding", "steady", "daily"],
)
def test_windows(times: list[float], expected: list[bool]) -> None:
    """Each opens with its first request, and is closed a second, a minute or a day later."""
    assert admitted(times) == expected


def test_the_longest_wait_counts() -> None:
    """Where the second and the minute are used up, the minute is what one waits for."""
    meter = Meter()
    for now in (0, 1, 2, 3):
        meter.spend("q", TIER, now=now)
    meter.spend("q", TIER, now=3.5)
    verdict = meter.spend("q", TIER, now=3.75)

    assert (verdict.admitted, verdict.wait_s) == (False, 56.25)


def test_refused_requests_count_only_if_they_are_to() -> None:
    """By default they cost nothing; else a client that hammers is kept out."""
    times = [0.0, 0.1, 0.2, 0.3, 0.4, 1.0, 2.0]

    assert admitted(times) == [True, True, False, False, False, True, True]
    assert admitted(times, throttled_count=True) == [True, True, False, False, False, False, False]


def test_quotas_are_apart() -> None:
    """What one endpoint used up another still has."""
    meter = Meter()
    first = [meter.spend("one", Tier(1, 5), now=0).admitted for _ in range(2)]

    assert (first, meter.spend("other", Tier(1, 5), now=0).admitted) == ([True, False], True)


def test_headers() -> None:
    """The limit is a text; the day is told where there is one."""
    meter = Meter()
    meter.spend("q", TIER, now=0)

    assert headers(TIER, meter.spend("q", TIER, now=0.5)) == {
        "ratelimit-limit": "2, 2;w=1, 5;w=60, 7;w=86400",
        "ratelimit-remaining": "0",
        "ratelimit-reset": "0",
        "ratelimit-remaining-daily": "5",
        "ratelimit-reset-daily": "86399",
    }


@given(st.lists(st.floats(0, 200), min_size=1, max_size=60).map(sorted))
def test_waiting_as_told_is_enough(times: list[float]) -> None:
    """Whatever went before, whoever waits as long as told is admitted."""
    meter = Meter()
    for now in times:
        verdict = meter.spend("q", Tier(2, 5), now=now)
        if not verdict.admitted:
            assert meter.spend("q", Tier(2, 5), now=now + verdict.wait_s + 1e-9).admitted
            return

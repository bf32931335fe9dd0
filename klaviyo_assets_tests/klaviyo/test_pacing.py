"""When a request may leave, and whether it is tried again."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.errors import KeyRejected, KlaviyoError, RateLimited, Unavailable
from klaviyo_assets.klaviyo.pacing import (
    JITTER_S,
    LONGEST_BACKOFF_S,
    MOST_ATTEMPTS,
    MOST_JITTER_S,
    Budget,
    Window,
    parse_windows,
    wait_before_retry,
    windows_of,
)
from klaviyo_assets.klaviyo.wire import M, Tier


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("75, 75;w=1, 750;w=60", (Window(75, 1), Window(750, 60)), id="large-tier"),
        pytest.param(
            "10, 10;w=1, 150;w=60, 150;w=86400", (Window(10, 1), Window(150, 60), Window(150, 86400)), id="daily"
        ),
        pytest.param("", (), id="absent"),
        pytest.param("75", (), id="no-windows"),
        pytest.param("x;w=1, 0;w=1, 5;w=y, 7;w=2", (Window(7, 2),), id="nonsense-is-passed-over"),
    ],
)
def test_parse_windows(header: str, expected: tuple[Window, ...]) -> None:
    """The windows are read as Klaviyo states them, and what is no window is passed over."""
    assert parse_windows(header) == expected


arrivals = st.lists(st.floats(min_value=0, max_value=20), min_size=1, max_size=400).map(sorted)
tiers = st.builds(Tier, burst=st.integers(1, 20), steady=st.integers(1, 100))


@given(arrivals, tiers)
def test_no_window_is_ever_crossed(asked_at: list[float], tier: Tier) -> None:
    """Wherever a window of Klaviyo's begins, no more requests leave in it than it takes."""
    budget = Budget(windows_of(tier))
    left_at = [budget.book(now) for now in asked_at]

    assert all(now <= at for now, at in zip(asked_at, left_at, strict=True))
    for window in windows_of(tier):
        for first, beyond in zip(left_at, left_at[window.count :], strict=False):
            assert beyond - first > window.seconds


@given(st.integers(1, 300))
def test_windows_are_filled(count: int) -> None:
    """A hundred and fifty requests of the middle tier leave within fifteen seconds, the next after a minute."""
    budget = Budget(windows_of(M))
    left_at = [budget.book(0.0) for _ in range(count)]

    assert left_at[min(count, 150) - 1] <= 15
    assert left_at[-1] <= 60.1 * ((count - 1) // 150) + 15


def test_a_closed_budget_waits_until_it_opens() -> None:
    """After Klaviyo said to wait, nothing leaves before that."""
    budget = Budget(windows_of(M))
    budget.close(7.0)

    assert budget.book(1.0) == 7.0


@pytest.mark.parametrize(
    ("refused_count", "apart_s"), [(0, 1 + JITTER_S), (1, 1 + 2 * JITTER_S), (9, 1 + MOST_JITTER_S)]
)
def test_requests_of_which_one_came_too_early_leave_further_apart(refused_count: int, apart_s: float) -> None:
    """On the way they come closer together; how much, refusals tell."""
    budget = Budget((Window(1, 1.0),))
    for _ in range(refused_count):
        budget.close(0.0)

    assert [budget.book(0.0), budget.book(0.0)] == [0.0, pytest.approx(apart_s)]


def test_stated_windows_take_the_place_of_the_documented() -> None:
    """What Klaviyo states itself holds from then on."""
    budget = Budget((Window(1, 1.0),))
    budget.learn((Window(3, 1.0),))
    budget.learn(())

    assert [budget.book(0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert budget.book(0.0) > 1.0


@pytest.mark.parametrize(
    ("error", "attempt", "repeatable", "expected"),
    [
        pytest.param(RateLimited("", retry_after_s=7), 50, False, 7, id="429-always-and-not-sooner"),
        pytest.param(Unavailable(""), 1, True, 0.5, id="first-failure"),
        pytest.param(Unavailable(""), 3, True, 2.0, id="doubled-each-time"),
        pytest.param(Unavailable(""), MOST_ATTEMPTS, True, None, id="enough-attempts"),
        pytest.param(Unavailable(""), 1, False, None, id="not-repeatable"),
        pytest.param(KeyRejected(""), 1, True, None, id="4xx"),
    ],
)
def test_retry(error: KlaviyoError, attempt: int, repeatable: bool, expected: float | None) -> None:
    """Each kind of failure is tried again, or not, after its wait."""
    assert wait_before_retry(error, attempt=attempt, repeatable=repeatable, spread=0.0) == expected


@given(st.integers(1, MOST_ATTEMPTS - 1), st.floats(0, 1))
def test_backoff_is_bounded(attempt: int, spread: float) -> None:
    """No wait between attempts is longer than the longest, or none at all."""
    wait = wait_before_retry(Unavailable(""), attempt=attempt, repeatable=True, spread=spread)

    assert wait is not None
    assert 0 < wait <= LONGEST_BACKOFF_S


def test_waits_grow_with_attempts() -> None:
    """Every attempt waits at least as long as the one before."""
    waits = [
        wait_before_retry(Unavailable(""), attempt=n, repeatable=True, spread=0.5) for n in range(1, MOST_ATTEMPTS)
    ]

    assert all(a is not None and b is not None and a <= b for a, b in itertools.pairwise(waits))

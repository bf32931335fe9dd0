"""What a contender would take with more customers than it was measured with."""

from __future__ import annotations

import pytest

from benchmarks.extrapolation import extrapolate, least_wall_s, line
from benchmarks.local_klaviyo import BULK_IMPORT
from klaviyo_assets_tests.benchmarks.outcomes import measured

ONE, MEMBER = "POST /api/profiles", "POST /api/lists/{id}/relationships/profiles"
SIZES = (20, 200)


@pytest.mark.parametrize(
    ("first", "second", "at", "expected"),
    [
        pytest.param((20, 3.0), (200, 12.0), 200, 12.0, id="where it was measured"),
        pytest.param((20, 3.0), (200, 12.0), 2_000, 102.0, id="farther"),
        pytest.param((20, 0), (200, 0), 2_000, 0, id="nothing"),
        pytest.param((20, 5.0), (200, 4.0), 2_000, 4.0, id="never less than was measured"),
    ],
)
def test_line(first: tuple[float, float], second: tuple[float, float], at: int, expected: float) -> None:
    """Figures go on in a straight line through both measurements, and never fall."""
    assert line(first, second, at=at) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        pytest.param({}, 0, id="none"),
        pytest.param({BULK_IMPORT: 150}, 0, id="one minute's may all leave at once"),
        pytest.param({BULK_IMPORT: 151}, 60, id="one more waits for the next minute"),
        pytest.param({ONE: 1_000_000, MEMBER: 1_000_000}, 60 * 6_666, id="the tightest endpoint decides"),
        pytest.param({"GET /api/unknown": 1_000_000}, 0, id="nothing is known of it"),
    ],
)
def test_limits(requests: dict[str, int], expected: float) -> None:
    """So many requests last at least as long as Klaviyo's limits a minute make them."""
    assert least_wall_s(requests) == expected


@pytest.mark.parametrize(
    ("is_limited", "expected"),
    [pytest.param(True, 60 * 66, id="limited"), pytest.param(False, 1_008, id="not limited")],
)
def test_wall_time(is_limited: bool, expected: float) -> None:
    """Where Klaviyo's limits hold, they decide if they are slower than the straight line."""
    fewer, more = (measured(8 + size / 10, requests={MEMBER: size}) for size in SIZES)
    found = extrapolate(fewer, more, SIZES, 10_000, is_limited=is_limited)
    assert found.took.wall_s == pytest.approx(expected)


def test_everything_else() -> None:
    """CPU, requests, refusals and strays go on in a straight line, memory stays, and the sizes are told."""
    fewer = measured(1, 1.0, 50, requests={ONE: 20, "GET /api/lists": 1}, astray=2)
    more = measured(1, 2.8, 60, requests={ONE: 200, "GET /api/lists": 1}, throttled=9, astray=20)
    found = extrapolate(fewer, more, SIZES, 2_000, is_limited=False)
    assert found.took.cpu_s == pytest.approx(20.8)
    assert found.took.peak_mb == 60
    assert found.requests == {ONE: 2_000, "GET /api/lists": 1}
    assert (found.throttled_count, found.astray_count, found.sizes) == (99, 200, SIZES)

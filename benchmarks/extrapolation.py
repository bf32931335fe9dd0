"""What a contender would take with more customers than it was measured with, from two smaller numbers of customers.

Time, CPU and requests go on in a straight line. Where that is faster than Klaviyo takes so many requests, its limits
decide. Memory is that of the greater measurement: it can only be more.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.local_klaviyo import STEADY
from benchmarks.measure import Figures
from benchmarks.results import Measured


def extrapolate(fewer: Measured, more: Measured, sizes: tuple[int, int], count: int, *, is_limited: bool) -> Measured:
    """The figures with so many customers.

    Args:
        fewer: measured with the first of the sizes.
        more: measured with the second.
        sizes: two numbers of customers, the smaller first.
        count: how many customers.
        is_limited: whether Klaviyo's limits hold.
    """

    def go_on(first: float, second: float) -> float:
        return line((sizes[0], first), (sizes[1], second), at=count)

    requests = {name: round(go_on(fewer.requests.get(name, 0), made)) for name, made in more.requests.items()}
    wall_s = go_on(fewer.took.wall_s, more.took.wall_s)
    return Measured(
        took=Figures(
            wall_s=max(wall_s, least_wall_s(requests)) if is_limited else wall_s,
            cpu_s=go_on(fewer.took.cpu_s, more.took.cpu_s),
            peak_mb=more.took.peak_mb,
        ),
        requests=requests,
        throttled_count=round(go_on(fewer.throttled_count, more.throttled_count)),
        astray_count=round(go_on(fewer.astray_count, more.astray_count)),
        sizes=sizes,
    )


def line(first: tuple[float, float], second: tuple[float, float], *, at: float) -> float:
    """The straight line through two points, which does not fall: what was less with more customers stays as it is."""
    slope = max(0.0, (second[1] - first[1]) / (second[0] - first[0]))
    return second[1] + slope * (at - second[0])


def least_wall_s(requests: Mapping[str, int]) -> float:
    """How long Klaviyo's limits make these requests last: the first minute's may all leave at once."""
    minutes = [(made - 1) // STEADY[name] for name, made in requests.items() if name in STEADY and made]
    return 60.0 * max(minutes, default=0)

"""A picture of what the page tells: how long each contender takes, as bars on a logarithmic scale. Plain SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from benchmarks.cases import TITLES, Case
from benchmarks.contenders import CONTENDERS, DAGSTER_RUN
from benchmarks.results import Measured, Outcome, Round
from benchmarks.wording import told_count, told_seconds

_WIDTH, _LEFT, _RIGHT, _LINE, _TOP = 860, 230, 150, 22, 44
_OURS, _OTHERS, _INK = "#6f4ef2", "#b9b4c9", "#2b2440"
_STYLE = "text { font: 13px system-ui, sans-serif; fill: %s } .title { font-weight: 600 } .note { fill: #7a7488 }"


def render_picture(found: Round) -> str:
    """Bars of wall time for every case; in place of a bar, why there is none."""
    shown = [(case, bars) for case in Case if (bars := _bars(found, case))]
    longest = max(each.took.wall_s for each in found.outcomes.values() if isinstance(each, Measured))
    height = _TOP + sum(34 + _LINE * len(bars) for _, bars in shown)
    parts = [_head(height, f"Wall time with {told_count(found.customer_count)} customers, logarithmic")]
    top = _TOP
    for case, bars in shown:
        parts.append(f'<text class="title" x="12" y="{top + 14}">{escape(TITLES[case])}</text>')
        for number, (title, outcome) in enumerate(bars):
            parts += _bar(title, outcome, top + 22 + _LINE * number, longest)
        top += 34 + _LINE * len(bars)
    return "\n".join([*parts, "</svg>", ""])


def _bars(found: Round, case: Case) -> list[tuple[str, Outcome]]:
    each = ((contender.title, found.outcomes.get((contender.name, case))) for contender in CONTENDERS)
    return [(title, outcome) for title, outcome in each if outcome is not None]


def _head(height: int, title: str) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
            f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">',
            f"<style>{_STYLE % _INK}</style>",
            f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
            f'<text class="title" x="12" y="26">{escape(title)}</text>',
        ]
    )


def _bar(title: str, outcome: Outcome, y: int, longest: float) -> Iterator[str]:
    yield f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(title)}</text>'
    if not isinstance(outcome, Measured):
        yield f'<text class="note" x="{_LEFT}" y="{y + 13}">{escape(outcome.reason)}</text>'
        return
    width = bar_width(outcome.took.wall_s, longest, _WIDTH - _LEFT - _RIGHT)
    colour = _OURS if title.startswith(DAGSTER_RUN.title) else _OTHERS
    told = ("≈ " if outcome.sizes else "") + told_seconds(outcome.took.wall_s)
    yield f'<rect x="{_LEFT}" y="{y + 2}" width="{width:.0f}" height="15" rx="2" fill="{colour}"/>'
    yield f'<text class="note" x="{_LEFT + width + 6:.0f}" y="{y + 13}">{escape(told)}</text>'


def bar_width(seconds: float, longest: float, widest: int, *, least: float = 0.1) -> float:
    """The length of a bar: nothing at a tenth of a second, and the whole width for the longest."""
    span = math.log10(max(longest, 10 * least) / least)
    return max(2.0, widest * math.log10(max(seconds, least) / least) / span)

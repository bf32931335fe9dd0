"""Numbers as people read them, in the page and in the picture."""

from __future__ import annotations


def told_seconds(seconds: float) -> str:
    """`0.84 s`, `42 s`, `17 min`, `4.6 days`: two figures that mean something."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{_two_figures(seconds / size)} {unit}"
    return f"{_two_figures(seconds)} s"


def told_ratio(ratio: float) -> str:
    """`1.08`, `12`, `11 000`."""
    return _two_figures(ratio) if ratio >= 10 else f"{ratio:.2f}"


def told_count(count: float) -> str:
    """`1 000 000`, with spaces that do not break."""
    return f"{count:,.0f}".replace(",", "\u00a0")


def _two_figures(number: float) -> str:
    if number >= 100:
        return told_count(float(f"{number:.2g}"))
    return f"{number:.0f}" if number >= 10 else f"{number:.{1 if number >= 1 else 2}f}"

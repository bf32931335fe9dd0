"""The four cases, in the order in which each contender meets them, and how many members the list has after each.

What the customers look like in them is in `customers`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Case(StrEnum):
    """What became of the segment since the delivery before."""

    FIRST = "first"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    LEFT = "left"


TITLES: Final = {
    Case.FIRST: "First delivery",
    Case.UNCHANGED: "Unchanged",
    Case.CHANGED: "1 % changed",
    Case.LEFT: "1 % left",
}


def leaver_count(count: int) -> int:
    """How many of so many customers have left in the last case: a hundredth, but somebody."""
    return max(1, count // 100)


def member_count(case: Case, count: int) -> int:
    """How many members the list has once a case was delivered as the segment says."""
    return count - leaver_count(count) if case is Case.LEFT else count

"""Members, and how many there were."""

from __future__ import annotations

from klaviyo_assets.sandbox.account.lists import Members


def members() -> Members:
    """A and C joined at 10 and B at 20; A left at 30."""
    made = Members()
    made.add(["C", "A"], at=10, keep_first=True)
    made.add(["B"], at=20, keep_first=True)
    made.remove(["A"], at=30)
    return made


def test_counts_of_the_past() -> None:
    """At any time the count is that after the last change before it."""
    assert [members().count_at(at) for at in (0, 9, 10, 15, 20, 29, 30, 99)] == [0, 0, 2, 2, 3, 3, 2, 2]


def test_orders() -> None:
    """By id, by joining, and by id where they joined together."""
    made = members()
    made.add(["A"], at=20, keep_first=True)

    assert made.by_id() == ["A", "B", "C"]
    assert made.by_joined_at() == ["C", "A", "B"]


def test_views_are_not_kept_beyond_a_change() -> None:
    """What was asked before somebody left is not answered afterwards."""
    made = members()
    bounds = (("greater-than", 5.0),)
    before = made.joined_within(bounds, lambda at: at > 5)
    made.remove(["B"], at=40)

    assert (before, made.joined_within(bounds, lambda at: at > 5)) == (["B", "C"], ["C"])

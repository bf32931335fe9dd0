"""Ids."""

from __future__ import annotations

import re

from klaviyo_assets.sandbox.account.ids import Ids


def test_ulids_grow() -> None:
    """They are sorted as they were made, within a millisecond and from one to the next, and are all different."""
    ids = Ids("seed")
    made = [ids.ulid(1_790_000_000 + number // 3000 / 1000) for number in range(10_000)]

    assert made == sorted(set(made))
    assert all(re.fullmatch(r"01[0-9A-HJKMNP-TV-Z]{24}", one) for one in made)


def test_a_clock_that_does_not_move_forward_does_not_matter() -> None:
    """An earlier time than the latest still gives a greater id."""
    ids = Ids("seed")

    assert ids.ulid(2_000_000_000) < ids.ulid(1_000_000_000)


def test_a_seed_decides() -> None:
    """Two runs see the same ids, and two accounts others."""
    assert Ids("one").short() == Ids("one").short()
    assert Ids("one").short() != Ids("two").short()

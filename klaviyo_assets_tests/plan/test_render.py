"""A plan as people read it."""

from __future__ import annotations

from klaviyo_assets.plan import Plan, diff, render_markdown, render_numbers, render_text
from klaviyo_assets_tests.frames_made import ledger, profiles, rejections


def plan() -> Plan:
    """One of each kind."""
    return diff(
        profiles({"a@example.com": "1", "b@example.com": "1"}),
        rejections([(None, "email_missing")]),
        ledger({"b@example.com": "0", "c@example.com": "1"}),
        leavers="remove",
    )


def test_text_names_every_count_in_one_line() -> None:
    """A plan's line holds all counts in a fixed order."""
    expected = "1 added, 1 updated, 0 cleared, 1 removed, 0 unchanged, 0 stayed, 0 pending, 1 rejected"

    assert render_text(plan()) == expected


def test_markdown_and_numbers_agree() -> None:
    """Each count stands in the table as it stands in the numbers."""
    table = render_markdown(plan())

    assert all(f"| {name} | {count} |" in table for name, count in render_numbers(plan()).items())
    assert "@" not in table


def test_who_is_emptied_counts_among_the_updated() -> None:
    """A person who only has a field emptied is updated and cleared, in every rendering."""
    known = ledger({"a@example.com": '{"attributes":{"email":"a@example.com"}}'}, uncleared=["title"])
    payload = known.collect()["payload"].item()
    numbers = render_numbers(diff(profiles({"a@example.com": payload}), rejections([]), known, leavers="keep"))

    assert {name: count for name, count in numbers.items() if count} == {"updated": 1, "cleared": 1}

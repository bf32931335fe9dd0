"""Identity: who is whom."""

from __future__ import annotations

from itertools import count

import pytest

from klaviyo_assets.sandbox.account.payload import Row, pack
from klaviyo_assets.sandbox.account.profiles import Profiles


@pytest.fixture
def profiles() -> Profiles:
    """Ann has everything, Bob only a phone number, Cy only an external id."""
    numbers = count(1)
    made = Profiles(lambda at: f"P{next(numbers)}")
    made.create(Row(None, "ann@b.co", "+1", "x"), at=0)
    made.create(Row(None, None, "+2", None), at=0)
    made.create(Row(None, None, None, "y"), at=0)
    return made


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (Row("P2", "ann@b.co", None, None), "P2"),
        (Row("P9", "ann@b.co", None, None), "P1"),
        (Row(None, "ann@b.co", "+2", "y"), "P1"),
        (Row(None, "new@b.co", "+2", None), "P2"),
        (Row(None, None, "+2", "y"), "P2"),
        (Row(None, None, None, "y"), "P3"),
        (Row(None, "new@b.co", None, "y"), None),
        (Row(None, None, "+3", "y"), None),
        (Row(None, None, None, "z"), None),
        (Row(None, None, None, None), None),
    ],
    ids=[
        *("id first", "unknown id", "e-mail", "phone", "phone first", "external id", "not with e-mail"),
        *("not with phone", "unknown", "nobody"),
    ],
)
def test_whom_a_row_is_about(profiles: Profiles, row: Row, found: str | None) -> None:
    """Id, e-mail, phone number; an external id only where there is neither e-mail nor phone number."""
    assert profiles.match(row) == found


def test_what_another_has_is_left_out(profiles: Profiles) -> None:
    """A row that names two people's identifiers changes one of them, and takes nothing from the other."""
    profiles.update("P1", Row(None, "ann@b.co", "+2", None), at=1)

    assert (profiles["P1"].phone_number, profiles["P2"].phone_number) == ("+1", "+2")
    assert profiles.ids_with("phone_number", ["+1", "+2"]) == ["P1", "P2"]


def test_what_was_left_finds_nobody(profiles: Profiles) -> None:
    """After a change, only the new identifiers find the profile."""
    profiles.update("P1", Row(None, "new@b.co", "+9", "z"), at=1)

    assert profiles.ids_with("email", ["ann@b.co", "new@b.co"]) == ["P1"]
    assert profiles.ids_with("phone_number", ["+1"]) == []
    assert profiles.ids_with("external_id", ["x"]) == []
    assert profiles.ids_with("external_id", ["z"]) == ["P1"]


def test_the_same_identifiers_again_change_nothing(profiles: Profiles) -> None:
    """Only the time of the update moves."""
    before = profiles["P1"]
    profiles.update("P1", Row(None, "ann@b.co", "+1", "x"), at=7)

    assert profiles["P1"] == before._replace(updated_at=7)
    assert profiles.ids_with("external_id", ["x"]) == ["P1"]


def test_external_ids_may_repeat(profiles: Profiles) -> None:
    """Both are found; when one leaves, the other stays."""
    profiles.create(Row(None, "dee@b.co", None, "x"), at=1)
    both = profiles.ids_with("external_id", ["x"])
    profiles.update("P1", Row(None, None, None, None, cleared=("external_id",)), at=2)

    assert (both, profiles.ids_with("external_id", ["x"])) == (["P1", "P4"], ["P4"])


def test_orders_follow_changes(profiles: Profiles) -> None:
    """A sorted view that was asked for is not kept beyond a change."""
    before = profiles.ids_by("updated")
    profiles.update("P1", Row(None, None, None, None, payload=pack({"title": "Dr"})), at=9)

    assert (before, profiles.ids_by("updated")) == (["P1", "P2", "P3"], ["P2", "P3", "P1"])

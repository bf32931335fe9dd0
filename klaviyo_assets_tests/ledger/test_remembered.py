"""What is learned once holds for every later process."""

from __future__ import annotations

from pathlib import Path

import pytest
from upath import UPath

from klaviyo_assets.errors import LedgerError
from klaviyo_assets.ledger import Remembered


def test_nothing_is_known_at_first(tmp_path: Path) -> None:
    """A new storage knows no account and no list."""
    remembered = Remembered(UPath(tmp_path) / "new")

    assert remembered.account_id("contoso") is None
    assert remembered.list_id("Ab12Cd", "VIP") is None


def test_facts_are_kept_apart(tmp_path: Path) -> None:
    """Each connection has its account, and each account its lists."""
    Remembered(UPath(tmp_path)).remember_account("contoso", "Ab12Cd")
    Remembered(UPath(tmp_path)).remember_list("Ab12Cd", "VIP", "L1")
    Remembered(UPath(tmp_path)).remember_list("Ab12Cd", "Café / ä", "L2")
    again = Remembered(UPath(tmp_path))

    assert (again.account_id("contoso"), again.account_id("other")) == ("Ab12Cd", None)
    assert (again.list_id("Ab12Cd", "VIP"), again.list_id("Ab12Cd", "Café / ä")) == ("L1", "L2")
    assert again.list_id("Zz99Zz", "VIP") is None


def test_damaged_fact_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    """A file that holds nonsense is not taken for nothing known."""
    remembered = Remembered(UPath(tmp_path))
    remembered.remember_account("contoso", "Ab12Cd")
    next(tmp_path.rglob("contoso.json")).write_text("{")

    with pytest.raises(LedgerError, match="remove it to have it learned anew"):
        remembered.account_id("contoso")


def test_a_fact_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """What could not be remembered is told, not passed over."""
    (tmp_path / "connections").write_text("")

    with pytest.raises(LedgerError, match="check the storage's permissions and space"):
        Remembered(UPath(tmp_path)).remember_account("contoso", "Ab12Cd")


def test_a_fact_is_learned_anew(tmp_path: Path) -> None:
    """What is remembered last holds, and other lists of the account stay."""
    remembered = Remembered(UPath(tmp_path))
    remembered.remember_list("Ab12Cd", "VIP", "L1")
    remembered.remember_list("Ab12Cd", "All", "L2")
    remembered.remember_list("Ab12Cd", "VIP", "L3")

    assert (remembered.list_id("Ab12Cd", "VIP"), remembered.list_id("Ab12Cd", "All")) == ("L3", "L2")

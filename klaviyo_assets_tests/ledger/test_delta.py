"""What the Delta ledger keeps to besides the contract."""

from __future__ import annotations

from pathlib import Path

import pytest
from upath import UPath

from klaviyo_assets.errors import LedgerError
from klaviyo_assets.ledger import DeltaLedger
from klaviyo_assets_tests.ledger.test_contract import STAMP, people


def test_delta_log_holds_no_address(tmp_path: Path) -> None:
    """Delta's own log, with its least and greatest values, names nobody."""
    DeltaLedger(UPath(tmp_path) / "list").append(STAMP.intents(people("marker@example.com"), body="1"))

    log = "".join(path.read_text() for path in tmp_path.rglob("_delta_log/*.json"))
    assert '"numRecords":1' in log.replace("\\", "")
    assert "marker" not in log


def test_a_damaged_ledger_is_an_error_that_says_so(tmp_path: Path) -> None:
    """A ledger whose log is nonsense is not taken for an empty one."""
    ledger = DeltaLedger(UPath(tmp_path) / "list")
    ledger.append(STAMP.intents(people("a@example.com"), body="1"))
    next(tmp_path.rglob("_delta_log/*.json")).write_text("nonsense")

    with pytest.raises(LedgerError, match="cannot be read"):
        DeltaLedger(UPath(tmp_path) / "list").read_receipts()


def test_repr_names_the_folder_alone(tmp_path: Path) -> None:
    """A ledger that is printed shows where it is, and nobody."""
    ledger = DeltaLedger(UPath(tmp_path) / "list")
    ledger.append(STAMP.intents(people("a@example.com"), body="1"))

    assert repr(ledger) == f"DeltaLedger('{tmp_path}/list')"

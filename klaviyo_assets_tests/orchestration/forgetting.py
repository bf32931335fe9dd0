"""Zoe's story: she is put through every form in which a storage keeps a person, until somebody is to forget her.

Three exports send her, to two accounts; one of them is declared no more. She moved to a new address, was refused,
rejected, updated, taken off the list and put on it again, and the ledger was compacted in between.
"""

from __future__ import annotations

import os
from functools import partial
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from klaviyo_assets.cli import main
from klaviyo_assets.ledger import compact
from klaviyo_assets.sandbox import FailRows, RunningSandbox
from klaviyo_assets_tests.orchestration.projects import Project, connection, export

ZOE, ZOE_BEFORE = "zoe.zyzzyva@example.com", "z.zyzzyva@example.org"
ADA, BOB = "ada@example.com", "bob@example.com"
MARKERS = ("zyzzyva", "37129990001", "ZX-4711", "Zebulonia")
FIELDS = {
    "first_name": "FirstName",
    "phone_number": "Mobile",
    "external_id": "Id",
    "properties": {"friend": "Friend", "tier": "Tier"},
}
IMPORTS = "/api/profile-bulk-import-jobs"


def refresh(project: Project, *zoes: str, tier: str = "gold", friend: str | None = None) -> None:
    """The source is written anew, with Ada, Bob and a row for each of Zoe's addresses, and read."""
    count = len(zoes)
    project.write_source(
        [ADA, BOB, *zoes],
        "vip",
        FirstName=pl.Series(["Ada", "Bob", *["Zebulonia"] * count], dtype=pl.String),
        Mobile=pl.Series([None, None, *["+37129990001"] * count], dtype=pl.String),
        Id=pl.Series(["A", "B", *["ZX-4711"] * count], dtype=pl.String),
        Friend=pl.Series([friend, None, *[None] * count], dtype=pl.String),
        Tier=pl.Series([tier] * (count + 2), dtype=pl.String),
    )
    assert project.materialize("segments/vip").success


def run(project: Project, *exports: str) -> None:
    """Each export in turn."""
    for name in exports or ("vip",):
        assert project.run_job(f"export_{name}", export=name).success


def live_through_everything(project: Project, sandbox: RunningSandbox, patch: pytest.MonkeyPatch) -> None:
    """The whole story, until Zoe is on two lists, and a change of hers was refused."""
    sandbox.add_account("pk_second")
    patch.setenv("SECOND_KEY", "pk_second")
    declare(project)
    refresh(project, ZOE_BEFORE)
    run(project, "vip", "left", "second")
    for zoes, tier in (((ZOE,), "gold"), ((), "gold"), ((" Zoe.Zyzzyva@Example.com ", ZOE), "silver")):
        refresh(project, *zoes, tier=tier)
        run(project)
    with patch.context() as compacting:
        compacting.setattr(import_module("klaviyo_assets.delivery.deliver"), "compact", partial(compact, worth=-1))
        run(project, "second")
    sandbox.order_fault(FailRows(emails=(ZOE,)), method="POST", path=IMPORTS)
    refresh(project, ZOE, ZOE, tier="platinum")
    run(project)
    project.exports = [each for each in project.exports if each.name != "left"]
    leave_a_mess(project.root / "storage" / "segments")


def declare(project: Project) -> None:
    """Zoe herself agreed to the consent, and is in the history by that."""
    consent = {"agreed_by": ZOE, "agreed_on": "2026-11-23"}
    second = connection(name="second", api_key_env="SECOND_KEY")
    project.connections = [connection(consent=consent), second]
    limits = {"max_removed_share": 1}
    project.exports = [
        export(fields=FIELDS, leavers="remove", limits=limits),
        export("left", fields=FIELDS),
        export("second", connection="second", fields=FIELDS),
    ]


def leave_a_mess(segments: Path) -> None:
    """A partition of the segment, and what two processes left that were killed as they wrote it: long ago, and now."""
    (segments / "vip").mkdir()
    pl.read_parquet(segments / "vip.parquet").write_parquet(segments / "vip" / "2026-11-20.parquet")
    for name in (".vip.parquet.0a", ".vip.parquet.0b"):
        (segments / name).write_bytes((segments / "vip.parquet").read_bytes())
    os.utime(segments / ".vip.parquet.0a", (0, 0))


def forget(storage: Path, *options: str, address: str = ZOE) -> Result:
    """The command, on this storage."""
    return CliRunner().invoke(main, ["forget", address, "--storage", str(storage), *options])


def places_of(folder: Path, *markers: str) -> set[str]:
    """Every file below a folder that holds one of the markers: in its bytes, its name, or its rows."""
    found = set()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        text = str(path.relative_to(folder)) + content.decode("latin-1")
        if content.startswith(b"PAR1"):
            text += pl.read_parquet(content).write_json()
        if any(marker.lower() in text.lower() for marker in markers):
            found.add(str(path.relative_to(folder)))
    return found

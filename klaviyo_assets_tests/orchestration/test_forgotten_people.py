"""After a person was forgotten: what is sent, rejected and stored of them, and of others who mention them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from upath import UPath

from klaviyo_assets.ledger import Forgotten
from klaviyo_assets.orchestration.forgetting import forget as forget_person
from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.frames_made import NOON
from klaviyo_assets_tests.orchestration.forgetting import (
    ADA,
    BOB,
    FIELDS,
    IMPORTS,
    MARKERS,
    ZOE,
    forget,
    places_of,
    refresh,
    run,
)
from klaviyo_assets_tests.orchestration.projects import Project, export, metadata_of

LIST = "klaviyo/vip/list"


@pytest.fixture
def delivered(project: Project, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Ada, Bob and Zoe are on the list; no declaration is near."""
    monkeypatch.chdir(project.root)
    project.exports = [export(fields=FIELDS, leavers="remove", limits={"max_removed_share": 1})]
    refresh(project, ZOE)
    run(project)
    sandbox.clear_requests()
    return project


def was_sent(sandbox: RunningSandbox) -> bool:
    """Whether anybody was imported, or taken off the list."""
    return any(request.path.startswith(IMPORTS) or request.method == "DELETE" for request in sandbox.requests())


def test_they_are_not_sent_again(delivered: Project, sandbox: RunningSandbox) -> None:
    """Where the source holds them still, their rows are rejections without an address, and Klaviyo hears nothing."""
    assert forget(delivered.root / "storage", "--yes").exit_code == 0
    refresh(delivered, " Zoe.Zyzzyva@Example.com", ZOE)
    result = delivered.run_job()

    assert result.success
    told = metadata_of(result, LIST)
    assert (told["rejected"], told["unchanged"], told["removed"]) == (2, 2, 0)
    assert not was_sent(sandbox)
    rejected = delivered.read("klaviyo/vip/rejections").sort("row").select("row", "email", "rule").rows()
    assert rejected == [(2, None, "forgotten"), (3, None, "forgotten")]
    assert "| forgotten | 2 |" in told["summary"]
    assert places_of(delivered.root / "storage", *MARKERS) == {"segments/vip.parquet"}


def test_a_list_that_is_started_alone(delivered: Project, sandbox: RunningSandbox) -> None:
    """Profiles that were stored before do not bring them back: the delivery itself withholds them, dry or not."""
    profiles = delivered.root / "storage" / "klaviyo" / "vip" / "profiles.parquet"
    stale = profiles.read_bytes()
    assert forget(delivered.root / "storage", "--yes").exit_code == 0
    profiles.write_bytes(stale)
    for config in ({"dry_run": True}, {}):
        result = delivered.materialize(LIST, config=config)
        assert result.success
    assert not was_sent(sandbox)
    assert metadata_of(result, LIST)["rejected"] == 1


def test_they_stay_on_the_list(delivered: Project, sandbox: RunningSandbox) -> None:
    """Forgetting takes nobody off the list, nor does a delivery after it, though leavers are removed."""
    assert forget(delivered.root / "storage", "--yes").exit_code == 0
    refresh(delivered)
    run(delivered)

    (list_id,) = (each["id"] for each in sandbox.state.lists(sandbox.account_id))
    assert {member["email"] for member in sandbox.members(list_id)} == {ADA, BOB, ZOE}


def test_undone(delivered: Project) -> None:
    """Who comes back of their own will is sent again."""
    assert forget(delivered.root / "storage", "--yes").exit_code == 0
    assert forget(delivered.root / "storage", "--undo").exit_code == 0
    refresh(delivered, ZOE)
    assert metadata_of(delivered.run_job(), LIST)["added"] == 1


@pytest.fixture
def mentioned(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose stored frames mention Zoe in a row of Ada's."""
    monkeypatch.chdir(project.root)
    project.exports = [export(fields=FIELDS)]
    refresh(project, ZOE, friend=f"my friend <{ZOE.title()}>")
    assert project.materialize("klaviyo/vip/profiles", "klaviyo/vip/rejections").success
    return project


def test_mentions_stay_and_are_told(mentioned: Project) -> None:
    """A row of somebody else that mentions the address is left, so that nobody is taken for a leaver, and is told."""
    done = forget_person([ZOE], storage=UPath(mentioned.root / "storage"), exports=mentioned.exports)

    left = {each.place: each.row_count for each in done.mentions}
    assert left == {"segments/vip.parquet": 1, "klaviyo/vip/profiles.parquet": 1}
    assert mentioned.read("klaviyo/vip/profiles")["email"].to_list() == [ADA, BOB]
    assert mentioned.read("segments/vip")["EMail"].to_list() == [ADA, BOB]


@pytest.mark.parametrize(
    ("key", "is_declared", "left"),
    [
        ("vip", True, [ADA, BOB]),
        ("vip/2026-11-20", True, [ADA, BOB]),
        ("vip_2026", False, [BOB]),
    ],
)
def test_which_column_is_the_address(tmp_path: Path, key: str, is_declared: bool, left: list[str]) -> None:
    """Declarations tell it, for partitions too; of a segment that none knows, any column may be the address."""
    path = tmp_path / "segments" / f"{key}.parquet"
    path.parent.mkdir(parents=True)
    rows = {"^E.*$": [1, 2, 3], "EMail": [ADA, f" {ZOE.upper()}", BOB], "Friend": [ZOE, None, f"{ZOE}.au"]}
    pl.DataFrame(rows).write_parquet(path)
    done = forget_person([ZOE], storage=UPath(tmp_path), exports=[export()])

    assert pl.read_parquet(path)["EMail"].to_list() == left
    assert [each.row_count for each in done.mentions] == ([1] if is_declared else [])


def test_what_is_not_ours_is_left(tmp_path: Path) -> None:
    """Other files beside our folders may be anybody's: nothing of them is read or written."""
    for name in ("lake.parquet", "lake/customers.parquet", "segments/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ZOE)
    assert forget_person([ZOE], storage=UPath(tmp_path), exports=[]).erased == []
    assert places_of(tmp_path, ZOE) == {"lake.parquet", "lake/customers.parquet", "segments/notes.txt"}


def test_forgotten_before_the_first_delivery(project: Project, sandbox: RunningSandbox) -> None:
    """Where everybody of a segment was forgotten nothing is sent, and that is no fault of the segment."""
    Forgotten(UPath(project.root / "storage")).remember(ZOE, at=NOON)
    project.refresh("vip", [ZOE])

    assert project.run_job().success
    assert not was_sent(sandbox)

"""What the history tells of a delivery, however it ended, and that it never makes one be sent twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from upath import UPath

from klaviyo_assets.ledger import History
from klaviyo_assets.orchestration.transfers import recorded
from klaviyo_assets.sandbox import FailRows, RunningSandbox
from klaviyo_assets_tests.orchestration.projects import PEOPLE, Project, export, failure_of, metadata_of

LIST = "klaviyo/vip/list"


def transfers(project: Project) -> list[dict[str, Any]]:
    """What the history holds, the oldest first."""
    return History(UPath(project.root / "storage")).read_transfers().collect().to_dicts()


def prepare(project: Project) -> None:
    """Refresh the segment and map it, so that the list can be started alone."""
    project.refresh()
    assert project.materialize("klaviyo/vip/profiles", "klaviyo/vip/rejections").success


def test_a_delivery(project: Project, sandbox: RunningSandbox) -> None:
    """A delivery is told with when, what, where, on whose consent, how many, by which run, and that it was done."""
    sandbox.order_fault(FailRows(indexes=(0,)), method="POST", path="/api/profile-bulk-import-jobs")
    project.refresh("vip", [*PEOPLE, None])
    result = project.run_job()
    assert result.success
    (told,) = transfers(project)

    assert (told["export"], told["connection"], told["account_id"]) == ("vip", "main", sandbox.account_id)
    assert told["list_id"] in {each["id"] for each in sandbox.state.lists(sandbox.account_id)}
    assert (told["run_id"], told["trigger"], told["triggered_by"]) == (result.run_id, "manual", None)
    assert (told["agreed_by"], str(told["agreed_on"])) == ("ada@contoso.com", "2026-11-23")
    assert (told["rows_read"], told["added"], told["rejected"], told["refused"]) == (4, 2, 1, 1)
    assert (told["outcome"], told["sentence"], told["dry_run"]) == ("done", None, False)
    assert told["started_at"] < told["ended_at"]


def test_the_page_shows_the_last_ones(project: Project, sandbox: RunningSandbox) -> None:
    """A delivery links to the history, and shows the last five transfers of its export, the newest first; no person."""
    project.exports = [export(), export("other")]
    project.refresh()
    assert project.run_job("export_other").success
    for _ in range(5):
        assert project.run_job(config={"dry_run": True}).success
    told = metadata_of(project.run_job(), LIST)

    assert Path(told["history"]) == project.root / "storage" / "history"
    lines = told["last_transfers"].splitlines()[2:]
    assert [line.split(" | ")[-1].strip(" |") for line in lines] == ["done", *["done (dry run)"] * 4]
    assert "@" not in told["last_transfers"]


@pytest.mark.parametrize(
    ("changes", "config", "outcome", "sentence"),
    [
        ({"limits": {"max_profiles": 2}}, {}, "refused", "over max_profiles of 2"),
        ({"limits": {"max_profiles": 2}}, {"dry_run": True}, "refused", "over max_profiles of 2"),
        ({"connection": None}, {}, "refused", "is detached"),
        ({"list_name": None, "list_id": "NoSuch"}, {}, "failed", "no list NoSuch"),
    ],
    ids=["limit", "dry run over a limit", "detached", "unknown list"],
)
def test_nothing_was_sent(
    project: Project,
    sandbox: RunningSandbox,
    changes: dict[str, Any],
    config: dict[str, bool],
    outcome: str,
    sentence: str,
) -> None:
    """A delivery, or a dry run, that was refused or failed is a transfer too, with the reason and without counts."""
    prepare(project)
    project.exports = [export(**changes)]
    project.materialize(LIST, config=config)
    (told,) = transfers(project)

    assert (told["outcome"], told["dry_run"], told["added"]) == (outcome, bool(config), None)
    assert sentence in told["sentence"]


def test_broken_off(project: Project, sandbox: RunningSandbox) -> None:
    """A delivery that ran into its deadline is told with what it came to."""
    sandbox.change(job_duration_s=3600)
    project.exports = [export(limits={"deadline_minutes": 0.02})]
    prepare(project)
    project.materialize(LIST)
    (told,) = transfers(project)

    assert (told["outcome"], told["pending"]) == ("broken off", 3)
    assert "3 rows are not confirmed" in told["sentence"]


def test_an_error_of_others(project: Project, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an error says that is not ours is not repeated, since it may quote a customer."""
    prepare(project)

    def fail(*args: object, **kwargs: object) -> None:
        raise ValueError("secret@example.com")

    monkeypatch.setattr("klaviyo_assets.orchestration.klaviyo_list.deliver", fail)
    project.materialize(LIST)
    (told,) = transfers(project)

    assert (told["outcome"], told["sentence"]) == ("failed", "It ended with ValueError; the run's log says more.")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_ended_from_outside(tmp_path: Path, error: type[BaseException]) -> None:
    """A delivery that somebody ends is broken off."""
    history = History(UPath(tmp_path))
    with pytest.raises(error), recorded(history, {"dry_run": False}, warn=pytest.fail):
        raise error

    assert history.read_transfers().select("outcome").collect().item() == "broken off"


def test_without_a_beginning_nothing_is_sent(project: Project, sandbox: RunningSandbox) -> None:
    """A history that cannot be written stops a delivery before Klaviyo hears of it, with a sentence on what to do."""
    prepare(project)
    (project.root / "storage" / "history").write_text("in the way")
    result = project.materialize(LIST)

    assert "The history" in failure_of(result)
    assert "move it away" in failure_of(result)
    assert sandbox.requests() == []


def test_a_lost_end_sends_nothing_twice(
    project: Project, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history that breaks while a delivery goes on leaves the delivery a success, without an end in the history."""
    prepare(project)
    append = History.append

    def begin_only(self: History, rows: pl.DataFrame) -> None:
        if rows["event"].item() == "ended":
            (Path(self.folder.path) / "_delta_log").rename(project.root / "broken")
            (Path(self.folder.path) / "_delta_log").write_text("in the way")
        append(self, rows)

    monkeypatch.setattr(History, "append", begin_only)
    result = project.materialize(LIST)

    assert result.success
    assert metadata_of(result, LIST)["added"] == 3
    warnings = [event.message for event in project.instance.all_logs(result.run_id) if event.level == 30]
    assert any("the ledger has all that was sent" in warning for warning in warnings)

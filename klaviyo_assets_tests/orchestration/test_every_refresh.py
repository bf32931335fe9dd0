"""`schedule: every_refresh`: when an export starts by itself, and when it does not. Every materialization is real.

No key is in the environment, so that each run of the export fails at its list; it is a run of the export all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from klaviyo_assets.orchestration.sharing import Automation
from klaviyo_assets_tests.orchestration.projects import Project, export, segment

PROFILES = ("klaviyo/vip/profiles", "klaviyo/vip/rejections")
LIST = "klaviyo/vip/list"
SENSORS = {"each": "vip_segments_refreshed", "shared": "segments_refreshed"}


@pytest.fixture(params=["each", "shared"])
def automation(request: pytest.FixtureRequest) -> Automation:
    """What is said of one export holds for both."""
    found: Automation = request.param
    return found


@dataclass
class Ticker:
    """The sensor of export `vip`, as Dagster's daemon evaluates it again and again."""

    project: Project
    cursor: str | None = None
    said: str = ""

    def tick(self) -> list[dg.RunRequest]:
        """Evaluate the sensor once; the runs that it asks for."""
        defs = self.project.defs
        context = dg.build_sensor_context(self.project.instance, cursor=self.cursor)
        found = defs.resolve_sensor_def(SENSORS[self.project.automation]).evaluate_tick(context)
        self.cursor, self.said = found.cursor, (found.skip_message or "").removeprefix("vip: ")
        return list(found.run_requests or [])

    def fires(self) -> bool:
        """Whether one tick asks for one run."""
        return len(self.tick()) == 1


@pytest.fixture
def ticker(project: Project) -> Ticker:
    """The sensor after its first tick, of an export with one segment that was materialized before."""
    project.refresh()
    ticker = Ticker(project)
    assert not ticker.fires()
    return ticker


@pytest.fixture
def two(project: Project) -> Ticker:
    """The sensor after its first tick, of an export with the segments `vip` and `new`."""
    project.segments = [segment("vip"), segment("new")]
    project.exports = [export(segments=["segments/vip", "segments/new"])]
    project.refresh("vip")
    project.refresh("new")
    ticker = Ticker(project)
    assert not ticker.fires()
    return ticker


def test_declaring_starts_nothing(ticker: Ticker) -> None:
    """What was there when the export was declared starts nothing, in the first tick or later."""
    assert not ticker.fires()


def test_declared_before_the_segment_exists(project: Project) -> None:
    """The first materialization of a segment after the export was declared is a refresh."""
    ticker = Ticker(project)
    assert not ticker.fires()
    project.refresh()
    assert ticker.fires()


def test_one_refresh_starts_one_run(ticker: Ticker) -> None:
    """A refresh starts one run, and the next one another."""
    for _ in range(2):
        ticker.project.refresh()
        assert ticker.fires()
        assert not ticker.fires()


def test_waits_for_all(two: Ticker) -> None:
    """With two segments it waits until both were refreshed, says for which, and starts one run."""
    two.project.refresh("new")
    two.project.refresh("new")
    assert not two.fires()
    assert two.said == "Waiting for a refresh of segments/vip."
    two.project.refresh("vip")
    assert two.fires()
    assert not two.fires()


def test_a_refresh_that_failed_is_the_reason(two: Ticker) -> None:
    """Where one segment was refreshed and the other's refresh failed, the export is skipped, and names the run."""
    two.project.refresh("new")
    (two.project.root / "vip.parquet").write_text("no Parquet")
    failed = two.project.materialize("segments/vip")
    assert not failed.success
    assert not two.fires()
    assert two.said == (
        f"Skipped, since the last refresh of segments/vip failed (run {failed.run_id}). "
        f"Waiting for a refresh of segments/vip."
    )
    two.project.refresh("vip")
    assert two.fires()


def test_a_run_by_hand_uses_refreshes(two: Ticker) -> None:
    """A segment that was refreshed before a run by hand has to be refreshed again."""
    two.project.refresh("new")
    two.project.run_job()
    two.project.refresh("vip")
    assert not two.fires()
    two.project.refresh("new")
    assert two.fires()


@pytest.mark.parametrize("ticks_between", [True, False], ids=["in two ticks", "within one tick"])
def test_a_refresh_after_a_run_by_hand(ticker: Ticker, ticks_between: bool) -> None:
    """A refresh that follows a run by hand is not lost, though both come between two ticks."""
    ticker.project.refresh()
    ticker.project.run_job()
    assert not ticks_between or not ticker.fires()
    ticker.project.refresh()
    assert ticker.fires()


def test_all_exports_is_a_run_of_each(ticker: Ticker) -> None:
    """A run of run_all_exports is a run of the export."""
    ticker.project.refresh()
    ticker.project.run_job("run_all_exports")
    assert not ticker.fires()


def test_refreshed_within_the_run(ticker: Ticker) -> None:
    """A segment that the export's own run refreshed was used by it, also when the tick comes later."""
    ticker.project.write_source()
    ticker.project.materialize("segments/vip", *PROFILES, LIST)
    assert not ticker.fires()


@pytest.mark.parametrize("refused", ["no key", "a blocking check"])
def test_a_refused_run_counts(ticker: Ticker, refused: str) -> None:
    """A run that was refused, or failed, is the export's last run: it is not started again without a refresh."""
    ticker.project.refresh("vip", [None] if refused == "a blocking check" else ["ada@example.com"])
    assert not ticker.project.run_job().success
    assert not ticker.fires()


def test_a_dry_run_does_not_count(ticker: Ticker) -> None:
    """A dry run uses no refresh."""
    ticker.project.refresh()
    ticker.project.run_job(config={"dry_run": True})
    assert ticker.fires()


def test_a_dry_run_hides_no_run(ticker: Ticker) -> None:
    """A dry run that follows a real one within the same tick does not make the real one forgotten."""
    ticker.project.refresh()
    ticker.project.run_job()
    ticker.project.run_job(config={"dry_run": True})
    assert not ticker.fires()


def test_profiles_alone(ticker: Ticker) -> None:
    """Materializing the profiles alone starts nothing, and is no run of the export."""
    ticker.project.materialize(*PROFILES)
    assert not ticker.fires()
    ticker.project.refresh()
    ticker.project.materialize(*PROFILES)
    assert ticker.fires()


def test_the_list_alone(ticker: Ticker) -> None:
    """Materializing the list alone uses no refresh, since it maps no segment."""
    ticker.project.materialize(*PROFILES)
    ticker.project.refresh()
    ticker.project.materialize(LIST)
    assert ticker.fires()


@pytest.mark.parametrize("ticks_between", [True, False], ids=["seen", "within one tick"])
def test_wiped_segment(ticker: Ticker, ticks_between: bool) -> None:
    """Wiping a segment's history starts nothing; its next materialization is a refresh."""
    ticker.project.instance.wipe_assets([dg.AssetKey(["segments", "vip"])])
    assert not ticks_between or not ticker.fires()
    ticker.project.refresh()
    assert ticker.fires()


def test_wiped_export(ticker: Ticker) -> None:
    """Wiping the history of the export's assets starts nothing."""
    ticker.project.refresh()
    ticker.project.run_job()
    assert not ticker.fires()
    ticker.project.instance.wipe_assets([dg.AssetKey(["klaviyo", "vip", part]) for part in ("profiles", "list")])
    assert not ticker.fires()


def test_added_segment(ticker: Ticker) -> None:
    """A newly listed segment counts from then on: what it held starts nothing, and completes nothing."""
    project = ticker.project
    project.segments = [segment("vip"), segment("new")]
    project.refresh("new")
    project.refresh("vip")
    project.exports = [export(segments=["segments/vip", "segments/new"])]
    assert not ticker.fires()
    assert ticker.said == "Waiting for a refresh of segments/new."
    project.refresh("new")
    assert ticker.fires()


def test_removed_segment(two: Ticker) -> None:
    """Taking away the segment that was still waited for does not start the export."""
    two.project.refresh("vip")
    assert not two.fires()
    two.project.exports = [export(segments=["segments/vip"])]
    assert not two.fires()
    two.project.refresh("vip")
    assert two.fires()


@pytest.mark.parametrize("change", [{"connection": None}, {"enabled": False}], ids=["detached", "disabled"])
def test_inactive(ticker: Ticker, change: dict[str, Any]) -> None:
    """While an export is detached or disabled nothing starts it, nor does attaching or enabling it."""
    project = ticker.project
    project.exports = [export(**change)]
    project.refresh()
    assert not ticker.fires()
    assert ticker.said == "Nothing is waited for, since the export is detached or not enabled."
    project.exports = [export()]
    assert not ticker.fires()
    project.refresh()
    assert ticker.fires()


def test_segments_that_are_not_waited_for(two: Ticker) -> None:
    """A segment with neither `watch` nor `refresh` is not waited for; one with a cron is."""
    two.project.segments = [segment("vip", watch=False, refresh="0 5 * * *"), segment("new", watch=False)]
    two.tick()
    two.project.refresh("new")
    assert not two.fires()
    two.project.refresh("vip")
    assert two.fires()


def test_nothing_to_wait_for(project: Project) -> None:
    """An export of which no segment is refreshed by itself never starts by itself."""
    project.segments = [segment(watch=False)]
    ticker = Ticker(project)
    for _ in range(2):
        project.refresh()
        assert not ticker.fires()
    assert ticker.said == "Nothing is waited for, since none of the segments is refreshed by itself (watch, refresh)."


def test_asset_of_another(project: Project) -> None:
    """An asset that somebody else defined is waited for like a segment."""

    @dg.asset(key=["theirs", "people"])
    def people() -> pl.DataFrame:
        return pl.DataFrame({"EMail": ["ada@example.com"]})

    project.others = [dg.Definitions([people])]
    project.exports = [export(segments=["theirs/people"])]
    ticker = Ticker(project)
    assert not ticker.fires()
    assert project.materialize("theirs/people").success
    assert ticker.fires()


def test_run_key(ticker: Ticker) -> None:
    """A tick that is evaluated twice asks for the same run, which starts once; another refresh for another."""
    before = ticker.cursor
    keys = []
    for _ in range(2):
        ticker.project.refresh()
        keys += [request.run_key for request in ticker.tick()]
        again = Ticker(ticker.project, before)
        keys += [request.run_key for request in again.tick()]
        before = ticker.cursor
    assert keys[0] == keys[1]
    assert keys[2] == keys[3]
    assert keys[0] != keys[2]


def test_one_question_a_tick(two: Ticker, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing was refreshed, a tick asks Dagster's database once, however many segments there are."""
    asked: list[str] = []
    storage = two.project.instance.event_log_storage

    def noted(name: str) -> Callable[..., Any]:
        ask: Callable[..., Any] = getattr(storage, name)

        def ask_and_note(*args: Any, **kwargs: Any) -> Any:
            asked.append(name)
            return ask(*args, **kwargs)

        return ask_and_note

    for name in ("get_asset_records", "get_event_records"):
        monkeypatch.setattr(storage, name, noted(name))
    two.tick()
    assert asked == ["get_asset_records"]


@pytest.fixture
def files(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance that keeps its events in files."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def test_instance_in_files(files: dg.DagsterInstance, tmp_path: Path, automation: Automation) -> None:
    """The same holds where runs keep their events in files of their own, as on one's own machine."""
    project = Project(tmp_path, files, automation=automation)
    ticker = Ticker(project)
    assert not ticker.fires()
    project.refresh()
    assert ticker.fires()
    project.refresh()
    project.run_job()
    assert not ticker.fires()
    project.write_source()
    project.materialize("segments/vip", *PROFILES, LIST)
    assert not ticker.fires()
    project.refresh()
    assert ticker.fires()

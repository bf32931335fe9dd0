"""One job and one sensor of each kind for all exports: what appears, and that a change of the setting loses nothing.

What an export does by itself is the same either way, and tested for both in `test_every_refresh.py`, `test_on_cron.py`
and `test_automation.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from klaviyo_assets.errors import DeclarationError
from klaviyo_assets.exports import Segment
from klaviyo_assets.orchestration import automation as automation_module
from klaviyo_assets.orchestration import shared, sharing
from klaviyo_assets.orchestration.sharing import Automation, advise_sharing, find_automation
from klaviyo_assets_tests.orchestration.daemon import Daemon, daemon_of, instance_in
from klaviyo_assets_tests.orchestration.projects import PEOPLE, Project, connection, export, materialized, segment

EVERY_MINUTE = "* * * * *"
MINUTE = timedelta(minutes=1)

# Dagster asks its own schedules for what it has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*environment_vars:DeprecationWarning")


@pytest.fixture
def automation() -> Automation:
    """What these tests begin with."""
    return "shared"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance that outlives its daemon, and queues runs."""
    with instance_in(tmp_path / "home") as instance:
        yield instance


def names_in(defs: dg.Definitions) -> dict[str, set[str]]:
    """What runs by itself or can be run, by name."""
    repository = defs.get_repository_def()
    return {
        "jobs": {job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")},
        "sensors": {sensor.name for sensor in repository.sensor_defs},
        "schedules": {schedule.name for schedule in repository.schedule_defs},
    }


def test_names(project: Project) -> None:
    """There is one job and one sensor of each kind, however many exports there are; schedules keep their names."""
    project.segments = [segment(refresh="0 5 * * *"), segment("new")]
    project.exports = [
        export(),
        export("other"),
        export("manual", schedule="off"),
        export("nightly", schedule="0 2 * * *"),
        export("idle", enabled=False, schedule="0 2 * * *"),
    ]
    assert names_in(project.defs) == {
        "jobs": {"run_exports", "run_all_exports", "read_segments", "verify_main"},
        "sensors": {"sources_refreshed", "segments_refreshed", "exports_deferred"},
        "schedules": {"vip_refresh", "export_nightly_schedule"},
    }
    dg.Definitions.validate_loadable(project.defs)


def test_nothing_that_is_not_needed(project: Project) -> None:
    """A sensor or job of which no declaration has a use is not there."""
    project.segments = [segment(watch=False)]
    project.exports = [export(schedule="off")]
    assert names_in(project.defs) == {"jobs": {"run_exports", "verify_main"}, "sensors": set(), "schedules": set()}


def test_assets_are_the_same(project: Project) -> None:
    """Assets, checks and resources are those that each export has anyhow."""
    project.exports = [export(), export("other")]
    found = []
    for project.automation in ("each", "shared"):
        graph = project.defs.resolve_asset_graph()
        found.append((graph.get_all_asset_keys(), graph.asset_check_keys))
    assert found[0] == found[1]


def test_a_run_makes_one_export(project: Project) -> None:
    """The run that the sensor asks for makes the export's three assets with their checks, and carries its tags."""
    project.exports = [export(), export("other", segments=["segments/new"])]
    project.segments = [segment(), segment("new")]
    project.refresh("vip")
    project.refresh("new")
    with daemon_of(project) as daemon:
        daemon.tick_sensors()
        project.refresh("new")
        daemon.tick_sensors()
    (run,) = project.instance.get_runs(dg.RunsFilter(job_name="run_exports"))
    keys = [f"klaviyo/other/{part}" for part in ("list", "profiles", "rejections")]
    assert sorted(key.to_user_string() for key in run.asset_selection or ()) == keys
    assert run.tags["klaviyo_assets/export"] == "other"
    assert run.tags["klaviyo_assets/connection"] == "main"
    assert run.tags["dagster/retry_on_asset_or_op_failure"] == "false"
    assert run.tags["dagster/run_key"].startswith("other ")
    plan = project.instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id or "")
    assert {step.key for step in plan.steps} == {
        "klaviyo__other__profiles",
        "klaviyo__other__checks",
        "klaviyo__other__list",
    }


def test_same_segments(project: Project) -> None:
    """Two exports of one segment get a run each."""
    project.exports = [export(), export("other")]
    project.refresh()
    with daemon_of(project) as daemon:
        daemon.tick_sensors()
        project.refresh()
        daemon.tick_sensors()
        daemon.tick_sensors()
    runs = project.instance.get_runs(dg.RunsFilter(job_name="run_exports"))
    assert sorted(run.tags["klaviyo_assets/export"] for run in runs) == ["other", "vip"]


def test_segments_by_cron(project: Project) -> None:
    """The schedule of a segment reads that segment alone."""
    project.segments = [segment(refresh="0 5 * * *"), segment("new", refresh="0 5 * * *")]
    schedule = project.defs.resolve_schedule_def("new_refresh")
    context = dg.build_schedule_context(project.instance, scheduled_execution_time=datetime.now(UTC))
    (request,) = schedule.evaluate_tick(context).run_requests or ()
    job = project.defs.resolve_job_def(schedule.job_name)
    project.write_source(segment="new")
    result = job.execute_in_process(instance=project.instance, asset_selection=list(request.asset_selection or ()))
    assert materialized(result) == {"segments/new"}


def read_queued(daemon: Daemon) -> None:
    """Carry out the runs that read segments."""
    for run in daemon.project.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
        if run.job_name == "__ASSET_JOB":
            daemon.read(run)


def count_runs(project: Project) -> int:
    """How many runs of an export there are."""
    jobs = ("run_exports", "export_vip")
    return sum(project.instance.get_runs_count(dg.RunsFilter(job_name=job)) for job in jobs)


@pytest.mark.parametrize(
    ("before", "after"), [("each", "shared"), ("shared", "each")], ids=["to shared", "back to each"]
)
@pytest.mark.parametrize("refreshed", ["unseen", "seen", "read"])
def test_changed_setting(project: Project, before: Automation, after: Automation, refreshed: str) -> None:
    """Wherever a refresh of the source is on its way when the setting changes, it is exported once, and so is the next.

    Both have been there before, so that each finds what it remembered then.
    """
    project.others = [dg.Definitions(executor=dg.in_process_executor)]
    project.refresh()
    now = datetime.now(UTC) - timedelta(hours=3)
    for project.automation in (after, before):
        with daemon_of(project, now=now) as daemon:
            daemon.tick_sensors()
        now += timedelta(hours=1)
    with daemon_of(project, now=now) as daemon:
        project.write_source(PEOPLE[:1])
        for _ in range({"unseen": 0, "seen": 1, "read": 2}[refreshed]):
            daemon.tick_sensors()
            read_queued(daemon)
        now = daemon.now
    project.automation = after
    with daemon_of(project, now=now) as daemon:
        for count in (1, 2):
            for _ in range(4):
                daemon.tick_sensors()
                read_queued(daemon)
            assert count_runs(project) == count
            project.write_source(PEOPLE[:2])


@pytest.mark.parametrize(
    ("before", "after"), [("each", "shared"), ("shared", "each")], ids=["to shared", "back to each"]
)
@pytest.mark.parametrize("is_started", [True, False], ids=["started", "still deferred"])
def test_changed_setting_and_crons(project: Project, before: Automation, after: Automation, is_started: bool) -> None:
    """What a schedule deferred is started once, by whichever sensor is there when the refresh is over."""
    project.automation, project.exports = before, [export(schedule=EVERY_MINUTE)]
    project.others = [dg.Definitions(executor=dg.in_process_executor)]
    due_at = datetime.now(UTC).replace(second=0, microsecond=0)
    with daemon_of(project) as daemon:
        daemon.tick_schedules(due_at - MINUTE / 2)
        refresh = daemon.ask_for("segments/vip")
        daemon.tick_schedules(due_at)
        if is_started:
            project.instance.report_run_failed(refresh)
        daemon.tick_sensors()
        now = daemon.now
    assert count_runs(project) == int(is_started)
    project.automation = after
    with daemon_of(project, now=now) as daemon:
        if not is_started:
            project.instance.report_run_failed(refresh)
        daemon.tick_sensors()
        daemon.tick_sensors()
    assert count_runs(project) == 1


def tick_sources(project: Project, cursor: str | None = None) -> Any:
    """Evaluate the sensor on all sources once."""
    defs = project.defs
    context = dg.build_sensor_context(project.instance, cursor=cursor, repository_def=defs.get_repository_def())
    return defs.resolve_sensor_def("sources_refreshed").evaluate_tick(context)


def test_a_source_that_raises_hides_no_other(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where looking at one source raises what nobody foresaw, the others are looked at, and the reason is told."""
    look: Callable[..., Any] = automation_module.look_at

    def look_or_raise(segment: Segment, *args: Any, **options: Any) -> Any:
        if segment.name == "vip":
            raise ZeroDivisionError("with an address in it")
        return look(segment, *args, **options)

    monkeypatch.setattr(shared, "look_at", look_or_raise)
    project.segments = [segment(), segment("new")]
    project.write_source(segment="new")
    found = tick_sources(project)
    assert found.skip_message == (
        "vip: The source cannot be looked at: ZeroDivisionError.\nnew: The source is watched from now on."
    )
    assert set(json.loads(found.cursor)) == {"new"}


def test_a_tick_that_lasts_too_long_is_continued(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick that has no time for all sources leaves the rest to the next, which begins with them."""
    monkeypatch.setattr(shared, "_LONGEST_LOOK_S", 0.0)
    project.segments = [segment(), segment("new")]
    for name in ("vip", "new"):
        project.write_source(segment=name)
    first = tick_sources(project)
    second = tick_sources(project, first.cursor)
    assert first.skip_message == "vip: The source is watched from now on."
    assert second.skip_message == "new: The source is watched from now on."
    assert {name for name in json.loads(second.cursor) if "/" not in name} == {"vip", "new"}


def test_few_reasons_are_told(project: Project) -> None:
    """Of many exports that wait, a tick tells only of those of which one segment was refreshed."""
    project.segments = [segment(), segment("new")]
    waiting = [export(f"e{number}", segments=["segments/new"]) for number in range(30)]
    project.exports = [*waiting, export(segments=["segments/new", "segments/vip"])]
    sensor = project.defs.resolve_sensor_def("segments_refreshed")
    first = sensor.evaluate_tick(dg.build_sensor_context(project.instance))
    project.refresh("vip")
    second = sensor.evaluate_tick(dg.build_sensor_context(project.instance, cursor=first.cursor))
    assert first.skip_message == "Nothing is started for any of 31."
    assert second.skip_message == "vip: Waiting for a refresh of segments/new.\nNothing is started for 30 more."


@pytest.mark.parametrize(
    ("environment", "declared", "expected"),
    [
        (None, None, "each"),
        ("", None, "each"),
        ("each", None, "each"),
        ("shared", None, "shared"),
        ("shared", "each", "each"),
        (None, "shared", "shared"),
    ],
)
def test_setting(
    monkeypatch: pytest.MonkeyPatch, environment: str | None, declared: Automation | None, expected: Automation
) -> None:
    """What is declared in Python counts, or else the environment, or else each export has its own."""
    if environment is None:
        monkeypatch.delenv(sharing.AUTOMATION_ENV, raising=False)
    else:
        monkeypatch.setenv(sharing.AUTOMATION_ENV, environment)
    assert find_automation(declared) == expected


def test_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other value is told when the project is loaded, with what it may be."""
    monkeypatch.setenv(sharing.AUTOMATION_ENV, "few")
    with pytest.raises(DeclarationError, match=r"KLAVIYO_ASSETS_AUTOMATION: found 'few', expected each .* or shared"):
        find_automation()


@pytest.mark.parametrize(("count", "environment", "is_advised"), [(99, "", 0), (100, "", 1), (100, "shared", 0)])
def test_advice(monkeypatch: pytest.MonkeyPatch, count: int, environment: str, is_advised: int) -> None:
    """Whoever has a hundred exports, each with its own, is told of the setting once."""
    monkeypatch.setenv(sharing.AUTOMATION_ENV, environment)
    assert len(advise_sharing([connection()] * count)) == is_advised

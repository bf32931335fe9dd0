"""`schedule: <cron>`: an export whose cron is due while a segment is being read runs once, afterwards. Runs are real.

The instance allows one run at a time, so that no run may wait for another: both would wait for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from klaviyo_assets.exports import Segment
from klaviyo_assets.orchestration.sharing import Automation
from klaviyo_assets_tests.orchestration.daemon import Daemon, daemon_of
from klaviyo_assets_tests.orchestration.projects import Project, export, segment

SCHEDULE = "export_vip_schedule"
JOBS = {"each": "export_vip", "shared": "run_exports"}
SENSORS = {"each": "export_vip_deferred", "shared": "exports_deferred"}
EVERY_MINUTE = "* * * * *"
MINUTE = timedelta(minutes=1)

ONE_AT_A_TIME = {"concurrency": {"runs": {"max_concurrent_runs": 1}}, "telemetry": {"enabled": False}}

# Dagster asks its own schedules for what it has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.*environment_vars:DeprecationWarning")

Begin = Callable[..., Daemon]


@pytest.fixture(params=["each", "shared"])
def automation(request: pytest.FixtureRequest) -> Automation:
    """What is said of one export holds for both."""
    found: Automation = request.param
    return found


@pytest.fixture
def due_at() -> datetime:
    """When the cron is due: the minute that goes on."""
    return datetime.now(UTC).replace(second=0, microsecond=0)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance that queues runs, and lets one begin at a time."""
    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home"), overrides=ONE_AT_A_TIME) as instance:
        yield instance


@pytest.fixture
def begin(project: Project) -> Iterator[Begin]:
    """Let a daemon begin, half a minute before this time; where it is read, the segment was so before."""
    with ExitStack() as stack:

        def begin(due_at: datetime, segments: Sequence[Segment] = (segment(),), *, is_read: bool = True) -> Daemon:
            project.segments = segments
            project.others = [dg.Definitions(executor=dg.in_process_executor)]
            project.exports = [export(schedule=EVERY_MINUTE)]
            if is_read:
                project.refresh()
            daemon = stack.enter_context(daemon_of(project))
            daemon.tick_schedules(due_at - MINUTE / 2)
            return daemon

        yield begin


def count_runs(daemon: Daemon) -> int:
    """How many runs of the export there are."""
    return daemon.count_runs(JOBS[daemon.project.automation])


def said(daemon: Daemon) -> str | None:
    """Why the sensor started nothing of what was deferred."""
    return daemon.said(SENSORS[daemon.project.automation])


def fail(daemon: Daemon, run: dg.DagsterRun) -> None:
    """The run begins, and fails."""
    daemon.project.instance.report_run_failed(run)


def cancel(daemon: Daemon, run: dg.DagsterRun) -> None:
    """The run is taken out of the queue."""
    daemon.project.instance.report_run_canceled(run)


def test_nothing_under_way(begin: Begin, due_at: datetime) -> None:
    """Where nothing is being read the schedule starts the export, and nothing is deferred."""
    daemon = begin(due_at)
    daemon.tick_schedules(due_at)
    daemon.tick_sensors()
    assert (count_runs(daemon), said(daemon)) == (1, "Nothing is deferred.")


@pytest.mark.parametrize(
    ("states", "end"),
    [
        ([], Daemon.read),
        ([dg.DagsterEventType.PIPELINE_ENQUEUED], cancel),
        ([dg.DagsterEventType.PIPELINE_STARTING], fail),
        ([dg.DagsterEventType.PIPELINE_START], fail),
        ([dg.DagsterEventType.PIPELINE_START, dg.DagsterEventType.PIPELINE_CANCELING], cancel),
    ],
    ids=["asked for", "queued", "starting", "started", "canceling"],
)
def test_deferred(
    begin: Begin, due_at: datetime, states: Sequence[dg.DagsterEventType], end: Callable[[Daemon, dg.DagsterRun], None]
) -> None:
    """While a segment is being read, or is to be, the tick starts nothing; the sensor starts one run afterwards."""
    daemon = begin(due_at)
    refresh = daemon.ask_for("segments/vip")
    for state in states:
        daemon.report(refresh, state)
    daemon.tick_schedules(due_at)
    sentence = f"The export waits for a refresh to end: that of segments/vip is under way (run {refresh.run_id})."
    assert daemon.said(SCHEDULE) == f"Deferred. {sentence}"
    daemon.tick_sensors()
    assert (said(daemon), count_runs(daemon)) == (sentence, 0)

    end(daemon, refresh)
    daemon.tick_sensors()
    daemon.tick_sensors()
    (run,) = daemon.project.instance.get_runs(dg.RunsFilter(job_name=JOBS[daemon.project.automation]))
    assert run.tags["klaviyo_assets/due_at"] == due_at.isoformat()
    assert said(daemon) == "Nothing is deferred."


def test_due_at_the_same_time(begin: Begin, due_at: datetime) -> None:
    """Where a segment's own cron is due at the same time, the export waits for its run to be there, and to end."""
    daemon = begin(due_at, [segment(refresh=["0 0 1 1 *", EVERY_MINUTE], timezone="Asia/Tokyo")], is_read=False)
    daemon.stop("vip_refresh")
    daemon.tick_schedules(due_at)
    daemon.project.write_source()
    daemon.tick_sensors()
    sentence = "The export waits for a refresh to end: that of segments/vip is due at the same time."
    assert (daemon.said(SCHEDULE), said(daemon)) == (f"Deferred. {sentence}", sentence)

    refresh = daemon.ask_for("segments/vip")
    daemon.tick_sensors()
    assert f"that of segments/vip is under way (run {refresh.run_id})" in str(said(daemon))
    daemon.read(refresh)
    daemon.tick_sensors()
    assert count_runs(daemon) == 1


def test_due_at_the_same_time_and_never_there(begin: Begin, due_at: datetime) -> None:
    """A refresh that is due at the same time, and is no run after five minutes, is waited for no longer."""
    due_at -= 6 * MINUTE
    daemon = begin(due_at, [segment(refresh=EVERY_MINUTE)], is_read=False)
    daemon.stop("vip_refresh")
    daemon.tick_schedules(due_at)
    daemon.tick_sensors()
    assert count_runs(daemon) == 1


def test_segments_of_others_are_not_waited_for(begin: Begin, due_at: datetime) -> None:
    """What is being read for another export, or is due at another time, defers nothing."""
    daemon = begin(due_at, [segment(refresh="0 0 1 1 *"), segment("new", refresh=EVERY_MINUTE)])
    daemon.ask_for("segments/new")
    daemon.tick_schedules(due_at)
    assert count_runs(daemon) == 1


def test_refreshes_that_follow_hold_up_nothing(begin: Begin, due_at: datetime) -> None:
    """A refresh that is asked for more than five minutes after the cron was due is not waited for."""
    due_at -= 6 * MINUTE
    daemon = begin(due_at, [segment(refresh=EVERY_MINUTE)])
    daemon.stop("vip_refresh")
    daemon.tick_schedules(due_at)
    daemon.ask_for("segments/vip")
    daemon.tick_sensors()
    assert count_runs(daemon) == 1


def test_refresh_that_never_ends(begin: Begin, due_at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh that has not ended after the longest wait is waited for no longer."""
    daemon = begin(due_at)
    daemon.ask_for("segments/vip")
    daemon.tick_schedules(due_at)
    daemon.tick_sensors()
    assert count_runs(daemon) == 0
    monkeypatch.setattr("klaviyo_assets.orchestration.on_cron._LONGEST_WAIT_S", 0)
    daemon.tick_sensors()
    assert count_runs(daemon) == 1


def test_worker_that_died_long_ago(begin: Begin, due_at: datetime) -> None:
    """A run that never ended is waited for only until the segment is refreshed by another."""
    daemon = begin(due_at)
    daemon.ask_for("segments/vip")
    daemon.project.refresh()
    daemon.tick_schedules(due_at)
    assert count_runs(daemon) == 1


def test_stopped_meanwhile(begin: Begin, due_at: datetime) -> None:
    """What was deferred is not started once somebody stopped the schedule."""
    daemon = begin(due_at)
    refresh = daemon.ask_for("segments/vip")
    daemon.tick_schedules(due_at)
    daemon.stop(SCHEDULE)
    fail(daemon, refresh)
    daemon.tick_sensors()
    assert (count_runs(daemon), said(daemon)) == (0, "Nothing is deferred.")


def test_the_next_tick_takes_over(begin: Begin, due_at: datetime) -> None:
    """Where the cron is due again before the refresh is over, both are one run; where it is over, the tick's own."""
    daemon = begin(due_at - 2 * MINUTE)
    refresh = daemon.ask_for("segments/vip")
    daemon.tick_schedules(due_at - 2 * MINUTE)
    daemon.tick_schedules(due_at - MINUTE)
    fail(daemon, refresh)
    daemon.tick_sensors()
    assert count_runs(daemon) == 1
    daemon.tick_schedules(due_at)
    daemon.tick_sensors()
    assert count_runs(daemon) == 2


def test_trying_the_schedule_defers_nothing(begin: Begin, due_at: datetime) -> None:
    """A tick that somebody only tries in Dagster's page starts nothing, then or later."""
    daemon = begin(due_at)
    refresh = daemon.ask_for("segments/vip")
    schedule = daemon.project.defs.resolve_schedule_def(SCHEDULE)
    context = dg.build_schedule_context(daemon.project.instance, scheduled_execution_time=due_at)
    assert str(schedule.evaluate_tick(context).skip_message).startswith("Deferred.")
    fail(daemon, refresh)
    daemon.tick_sensors()
    assert (count_runs(daemon), said(daemon)) == (0, "Nothing is deferred.")

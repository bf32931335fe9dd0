"""Dagster's daemon for tests: its own rounds, one at a time; what it starts stays queued."""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.remote_representation.external import RemoteRepository
from dagster._core.scheduler.instigation import InstigatorTick
from dagster._core.test_utils import freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._scheduler.scheduler import launch_scheduled_runs

from klaviyo_assets_tests.orchestration.projects import Project

_LOGGER: Final = logging.getLogger("daemon")
_BETWEEN_TICKS: Final = timedelta(seconds=31)  # Dagster evaluates a sensor every 30 seconds

_PATIENCE_S: Final = 120.0  # a machine that is busy takes its time with a round

_DEFINITIONS: Final = "definitions.py"
_FILE: Final = """
from pathlib import Path

from klaviyo_assets.exports import Export, KlaviyoConnection, Segment
from klaviyo_assets.orchestration.build import build_defs

defs = build_defs(
    connections=[KlaviyoConnection.model_validate(each) for each in {connections}],
    segments=[Segment.model_validate(each) for each in {segments}],
    exports=[Export.model_validate(each) for each in {exports}],
    project_root=Path({root!r}),
    automation={automation!r},
)
"""


@dataclass
class Daemon:
    """Schedules and sensors of a project, evaluated as Dagster's daemon does it, and what came of it."""

    project: Project
    workspace: WorkspaceProcessContext
    now: datetime

    def tick_schedules(self, until: datetime) -> None:
        """Evaluate all schedules up to this time; the first time they begin with it."""
        list(launch_scheduled_runs(self.workspace, _LOGGER, until, iteration_times={}))

    def tick_sensors(self) -> None:
        """Evaluate all sensors once."""
        self.now += _BETWEEN_TICKS
        _tick_sensors(self.workspace, self.now)

    def tick_sensors_until_killed(self, sensor: str, moment: str) -> None:
        """Evaluate all sensors in a process of its own, which is killed at a moment of this sensor's tick."""
        self.now += _BETWEEN_TICKS
        arguments = (self.project.instance.get_ref(), self.project.root, self.now, sensor, moment)
        process = multiprocessing.get_context("spawn").Process(target=_tick_sensors_until_killed, args=arguments)
        process.start()
        process.join(_PATIENCE_S)
        assert process.exitcode == -signal.SIGKILL, f"{sensor} never came to {moment}"

    def read(self, run: dg.DagsterRun) -> None:
        """Take a run that reads segments out of the queue, and carry it out."""
        self.report(run, dg.DagsterEventType.PIPELINE_STARTING)
        job = self.project.defs.resolve_implicit_global_asset_job_def()
        selected = InMemoryJob(job.get_subset(asset_selection=run.asset_selection or set()))
        begun = self.project.instance.get_run_by_id(run.run_id)
        assert begun is not None
        assert execute_run(selected, begun, self.project.instance).success

    def report(self, run: dg.DagsterRun, kind: dg.DagsterEventType) -> None:
        """Tell Dagster what became of a run."""
        self.project.instance.report_dagster_event(dg.DagsterEvent(kind.value, run.job_name), run.run_id)

    def ask_for(self, key: str) -> dg.DagsterRun:
        """A run that is to materialize an asset, and has not begun."""
        keys = {dg.AssetKey.from_user_string(key)}
        job = self.project.defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection=keys)
        origin = self._repository.get_full_job("__ASSET_JOB").get_remote_origin()
        return self.project.instance.create_run_for_job(job, asset_selection=keys, remote_job_origin=origin)

    def stop(self, schedule: str) -> None:
        """Stop a schedule, as somebody does in Dagster's page."""
        found = self._repository.get_schedule(schedule)
        self.project.instance.stop_schedule(found.get_remote_origin_id(), found.selector_id, found)

    def said(self, name: str) -> str | None:
        """Why the schedule or sensor of this name started nothing at its last tick; of all exports, for `vip`."""
        reason = self._last_tick(name).skip_reason
        return reason and reason.removeprefix("vip: ")

    def count_runs(self, job: str) -> int:
        """How many runs of a job there are."""
        return self.project.instance.get_runs_count(dg.RunsFilter(job_name=job))

    @property
    def _repository(self) -> RemoteRepository:
        (location,) = self.workspace.create_request_context().code_locations
        (repository,) = location.get_repositories().values()
        return repository

    def _last_tick(self, name: str) -> InstigatorTick:
        instance = self.project.instance
        (state,) = [state for state in instance.all_instigator_state() if state.instigator_name == name]
        return instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)[0]


@contextmanager
def instance_in(home: Path) -> Iterator[dg.DagsterInstance]:
    """An instance that outlives its daemons, and queues runs, in a new folder."""
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home), overrides={"telemetry": {"enabled": False}}) as instance:
        yield instance


@contextmanager
def daemon_of(project: Project, *, now: datetime | None = None) -> Iterator[Daemon]:
    """The daemon of a project, as it is declared now, in an instance that keeps its events in files.

    Args:
        project: what it evaluates.
        now: the time at which it begins; where another daemon went before, not before that one's.
    """
    file = project.root / _DEFINITIONS
    declared = {name: _documents(getattr(project, name)) for name in ("connections", "segments", "exports")}
    file.write_text(_FILE.format(root=str(project.root), automation=project.automation, **declared))
    with _loading(project.instance, file) as workspace:
        yield Daemon(project, workspace, now or datetime.now(UTC))


@contextmanager
def _loading(instance: dg.DagsterInstance, file: Path) -> Iterator[WorkspaceProcessContext]:
    target = LoadableTargetOrigin(python_file=str(file), attribute="defs")
    origin = InProcessCodeLocationOrigin(target, location_name="theirs")
    with WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin)) as workspace:
        yield workspace


def _tick_sensors(
    workspace: WorkspaceProcessContext, now: datetime, crash: dict[str, dict[str, signal.Signals]] | None = None
) -> None:
    with freeze_time(now):
        list(execute_sensor_iteration(workspace, _LOGGER, None, None, debug_crash_flags=crash))


def _tick_sensors_until_killed(ref: InstanceRef, root: Path, now: datetime, sensor: str, moment: str) -> None:
    with dg.DagsterInstance.from_ref(ref) as instance, _loading(instance, root / _DEFINITIONS) as workspace:
        _tick_sensors(workspace, now, {sensor: {moment: signal.SIGKILL}})


def _documents(declarations: Sequence[Any]) -> list[dict[str, Any]]:
    return [declaration.model_dump(mode="json", exclude_unset=True) for declaration in declarations]

"""Dagster's daemon for tests: its own rounds, one at a time; what it starts stays queued."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import dagster as dg
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

_FILE: Final = """
from pathlib import Path

from klaviyo_assets.exports import Export, KlaviyoConnection, Segment
from klaviyo_assets.orchestration.build import build_defs

defs = build_defs(
    connections=[KlaviyoConnection.model_validate(each) for each in {connections}],
    segments=[Segment.model_validate(each) for each in {segments}],
    exports=[Export.model_validate(each) for each in {exports}],
    project_root=Path({root!r}),
)
"""


@dataclass
class Daemon:
    """Schedules and sensors of a project, evaluated as Dagster's daemon does it, and what came of it."""

    project: Project
    workspace: WorkspaceProcessContext
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def tick_schedules(self, until: datetime) -> None:
        """Evaluate all schedules up to this time; the first time they begin with it."""
        list(launch_scheduled_runs(self.workspace, _LOGGER, until, iteration_times={}))

    def tick_sensors(self) -> None:
        """Evaluate all sensors once."""
        self.now += _BETWEEN_TICKS
        with freeze_time(self.now):
            list(execute_sensor_iteration(self.workspace, _LOGGER, None, None))

    def submit(self, job: dg.JobDefinition, keys: Set[dg.AssetKey]) -> dg.DagsterRun:
        """A run of these assets that is to be queued."""
        origin = self._repository.get_full_job("__ASSET_JOB").get_remote_origin()
        return self.project.instance.create_run_for_job(job, asset_selection=keys, remote_job_origin=origin)

    def stop(self, schedule: str) -> None:
        """Stop a schedule, as somebody does in Dagster's page."""
        found = self._repository.get_schedule(schedule)
        self.project.instance.stop_schedule(found.get_remote_origin_id(), found.selector_id, found)

    def said(self, name: str) -> str | None:
        """Why the schedule or sensor of this name started nothing at its last tick."""
        return self._last_tick(name).skip_reason

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
def daemon_of(project: Project) -> Iterator[Daemon]:
    """The daemon of a project, as it is declared now, in an instance that keeps its events in files."""
    file = project.root / "definitions.py"
    declared = {name: _documents(getattr(project, name)) for name in ("connections", "segments", "exports")}
    file.write_text(_FILE.format(root=str(project.root), **declared))
    origin = InProcessCodeLocationOrigin(
        LoadableTargetOrigin(python_file=str(file), attribute="defs"), location_name="theirs"
    )
    with WorkspaceProcessContext(project.instance, InProcessWorkspaceLoadTarget(origin)) as workspace:
        yield Daemon(project, workspace)


def _documents(declarations: Sequence[Any]) -> list[dict[str, Any]]:
    return [declaration.model_dump(mode="json", exclude_unset=True) for declaration in declarations]

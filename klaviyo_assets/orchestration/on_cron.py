"""`schedule: <cron>`: runs an export when its cron is due, or, where a refresh is under way then, once that is over.

The schedule's tick does not wait, and no run does: a run that waits keeps a place that the refresh itself may need, and
where one run is allowed at a time both would wait for ever. The tick is deferred instead: it says so as the reason why
it starts nothing, and a sensor starts the export later. What the sensor goes by is the schedule's last tick as Dagster
keeps it, so that a tick that is only tried in the page starts nothing.

A refresh is waited for when it was asked for until a few minutes after the cron was due: long enough for schedules that
are due at the same time, short enough that refreshes which follow one another hold up nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg
from dagster._core.definitions.selector import InstigatorSelector  # no public name of a schedule's ticks
from dagster._utils.schedules import get_next_cron_tick  # no public reading of a cron, daylight saving included

from klaviyo_assets.exports import Export, Segment
from klaviyo_assets.orchestration.jobs import export_job_name
from klaviyo_assets.orchestration.refreshes import fetch_planned, refreshes_under_way

DUE_TAG: Final = "klaviyo_assets/due_at"  # of a run that was deferred: when its cron was due

_DEFERRED: Final = "Deferred. "
_TO_BE_ASKED_FOR_S: Final = 300  # how long a refresh that is due at the same time may take to become a run
_LONGEST_WAIT_S: Final = 6 * 3600  # beyond it the refresh is taken for dead


@dataclass(frozen=True)
class Deferral:
    """A tick of an export's schedule that found a refresh under way."""

    due_at: datetime

    @property
    def counts_until(self) -> float:
        """Refreshes that are asked for later are not waited for; in seconds."""
        return self.due_at.timestamp() + _TO_BE_ASKED_FOR_S

    @property
    def is_too_old(self) -> bool:
        """Whether it was waited for long enough."""
        return datetime.now(UTC) - self.due_at > timedelta(seconds=_LONGEST_WAIT_S)

    @property
    def run_request(self) -> dg.RunRequest:
        """The run that was deferred; asked for twice it starts once."""
        due = self.due_at.isoformat()
        return dg.RunRequest(run_key=due, tags={DUE_TAG: due})


def export_schedule(export: Export, cron: str, segments: Sequence[Segment]) -> dg.ScheduleDefinition:
    """The schedule export_<export>_schedule, which runs the export on its cron, or defers it.

    Args:
        export: an export with a cron.
        cron: its cron.
        segments: all segments that are declared; their own crons may be due at the same time.
    """

    @dg.schedule(
        name=_schedule_name(export),
        job_name=export_job_name(export),
        cron_schedule=cron,
        execution_timezone=export.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=(
            f"Runs export `{export.name}`. Where one of its segments is being read at that time, or is to be, the run "
            f"is deferred, and `{_sensor_name(export)}` starts it afterwards."
        ),
    )
    def run_or_defer(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        under_way = refreshes_under_way(context.instance, export.segments)
        due = _due_at(context.scheduled_execution_time, _own(export, segments))
        if not under_way and not due:
            return dg.RunRequest()
        return dg.SkipReason(_DEFERRED + _why_waiting(under_way, [key for key in due if key not in under_way]))

    return run_or_defer


def deferred_sensor(export: Export, segments: Sequence[Segment]) -> dg.SensorDefinition:
    """The sensor export_<export>_deferred, which starts what the export's schedule deferred.

    Args:
        export: an export with a cron.
        segments: all segments that are declared.
    """

    @dg.sensor(
        name=_sensor_name(export),
        job_name=export_job_name(export),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Starts export `{export.name}` where `{_schedule_name(export)}` deferred it, once the refresh of its "
            f"segments that was under way is over, however it ended; after {_LONGEST_WAIT_S // 3600} hours in any case."
        ),
    )
    def start_what_was_deferred(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        deferral = _fetch_deferral(context, _schedule_name(export))
        if deferral is None or deferral.due_at.isoformat() == context.cursor:
            return dg.SkipReason("Nothing is deferred.")
        waiting = _still_waiting(context.instance, export, segments, deferral)
        if waiting and not deferral.is_too_old:
            return dg.SkipReason(waiting)
        if waiting:
            context.log.warning(f"It is started without that after {_LONGEST_WAIT_S // 3600} hours: {waiting}")
        return dg.SensorResult([deferral.run_request], cursor=deferral.due_at.isoformat())

    return start_what_was_deferred


def _still_waiting(
    instance: dg.DagsterInstance, export: Export, segments: Sequence[Segment], deferral: Deferral
) -> str | None:
    """For which refreshes; None where all are over."""
    under_way = refreshes_under_way(instance, export.segments, until=deferral.counts_until)
    due = _due_at(deferral.due_at, _own(export, segments))
    is_early = datetime.now(UTC).timestamp() < deferral.counts_until
    missing = [key for key in due if not _was_asked_for(instance, key, deferral)] if is_early else []
    return _why_waiting(under_way, missing) if under_way or missing else None


def _was_asked_for(instance: dg.DagsterInstance, key: str, deferral: Deferral) -> bool:
    """Whether a refresh was asked for since the cron was due."""
    newest = fetch_planned(instance, dg.AssetKey.from_user_string(key), limit=1)
    return any(run.planned_at >= deferral.due_at.timestamp() for run in newest)


def _fetch_deferral(context: dg.SensorEvaluationContext, schedule_name: str) -> Deferral | None:
    """The last tick of the schedule, where it was deferred and the schedule was not stopped since."""
    origin, repository = context.code_location_origin, context.repository_name
    if origin is None or repository is None:
        return None
    selector_id = InstigatorSelector(
        location_name=origin.location_name, repository_name=repository, name=schedule_name
    ).get_id()
    # The origin's id is what databases from before Dagster 1.0 go by.
    state = context.instance.get_instigator_state("", selector_id)
    ticks = context.instance.get_ticks("", selector_id, limit=1)
    if state is None or state.status.value == "STOPPED" or not ticks:
        return None
    is_deferred = (ticks[0].skip_reason or "").startswith(_DEFERRED)
    return Deferral(datetime.fromtimestamp(ticks[0].timestamp, UTC)) if is_deferred else None


def _own(export: Export, segments: Iterable[Segment]) -> list[Segment]:
    return [segment for segment in segments if segment.asset_key in export.segments]


def _due_at(time: datetime, segments: Iterable[Segment]) -> list[str]:
    """The segments of which a cron is due at the time."""
    moment = time.astimezone(UTC)
    return [
        segment.asset_key
        for segment in segments
        if any(get_next_cron_tick(cron, moment, segment.timezone) == moment for cron in segment.refresh)
    ]


def _why_waiting(under_way: Mapping[str, str], due: Sequence[str]) -> str:
    refreshes = [
        *(f"that of {key} is under way (run {run_id})" for key, run_id in under_way.items()),
        *(f"that of {key} is due at the same time" for key in due),
    ]
    return f"The export waits for a refresh to end: {', '.join(refreshes)}."


def _schedule_name(export: Export) -> str:
    return f"export_{export.name}_schedule"


def _sensor_name(export: Export) -> str:
    return f"export_{export.name}_deferred"

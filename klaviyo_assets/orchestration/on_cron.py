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
from dagster._utils.schedules import get_next_cron_tick  # no public reading of a cron, daylight saving included

from klaviyo_assets.exports import Export, Segment
from klaviyo_assets.orchestration.handover import selector_id
from klaviyo_assets.orchestration.jobs import export_job_name, export_run
from klaviyo_assets.orchestration.keys import EXPORT_TAG
from klaviyo_assets.orchestration.refreshes import fetch_planned, refreshes_under_way
from klaviyo_assets.orchestration.sharing import EACH, SHARED, Automation

DUE_TAG: Final = "klaviyo_assets/due_at"  # of a run that was deferred: when its cron was due

ALL_DEFERRED: Final = "exports_deferred"  # the sensor for all exports
NOTHING_DEFERRED: Final = "Nothing is deferred."
DEFERRED: Final = "Deferred. "  # so begins what the tick of a schedule says

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


def export_schedule(
    export: Export, cron: str, segments: Sequence[Segment], automation: Automation
) -> dg.ScheduleDefinition:
    """The schedule export_<export>_schedule, which runs the export on its cron, or defers it.

    Args:
        export: an export with a cron.
        cron: its cron.
        segments: all segments that are declared; their own crons may be due at the same time.
        automation: whose job runs it.
    """
    deferred_by = ALL_DEFERRED if automation == SHARED else deferred_name(export)

    @dg.schedule(
        name=schedule_name(export),
        job_name=export_job_name(export, automation),
        cron_schedule=cron,
        execution_timezone=export.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=(
            f"Runs export `{export.name}`. Where one of its segments is being read at that time, or is to be, the run "
            f"is deferred, and `{deferred_by}` starts it afterwards."
        ),
    )
    def run_or_defer(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        under_way = refreshes_under_way(context.instance, export.segments)
        due = _due_at(context.scheduled_execution_time, _own(export, segments))
        if not under_way and not due:
            return export_run(export, automation)
        return dg.SkipReason(DEFERRED + _why_waiting(under_way, [key for key in due if key not in under_way]))

    return run_or_defer


def deferred_sensor(export: Export, segments: Sequence[Segment]) -> dg.SensorDefinition:
    """The sensor export_<export>_deferred, which starts what the export's schedule deferred.

    Args:
        export: an export with a cron.
        segments: all segments that are declared.
    """

    @dg.sensor(
        name=deferred_name(export),
        job_name=export_job_name(export, EACH),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Starts export `{export.name}` where `{schedule_name(export)}` deferred it, once the refresh of its "
            f"segments that was under way is over, however it ended; after {_LONGEST_WAIT_S // 3600} hours in any case."
        ),
    )
    def start_what_was_deferred(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        found = judge_deferral(context, export, segments, started=context.cursor)
        if found.due is None:
            return dg.SkipReason(found.reason)
        if not found.is_to_start:
            return dg.SensorResult(skip_reason=found.reason, cursor=found.due)
        return dg.SensorResult([deferred_run(export, EACH, found.due)], cursor=found.due)

    return start_what_was_deferred


@dataclass(frozen=True)
class Judged:
    """What there is to be done about a deferral.

    Attributes:
        due: when the export's cron was due, where it is started by now; None where nothing is, or is not yet.
        is_to_start: whether that is still to be done.
        reason: why it is not.
    """

    due: str | None
    is_to_start: bool
    reason: str = NOTHING_DEFERRED


def judge_deferral(
    context: dg.SensorEvaluationContext, export: Export, segments: Sequence[Segment], *, started: str | None
) -> Judged:
    """Whether the export is to be started, since its schedule deferred it and what it waited for is over.

    Args:
        context: of the sensor that asks.
        export: an export with a cron.
        segments: all segments that are declared.
        started: what was deferred last and is started.
    """
    deferral = _fetch_deferral(context, schedule_name(export))
    due = deferral.due_at.isoformat() if deferral else None
    if deferral is None or due is None or due == started:
        return Judged(None, False)
    if _was_started(context.instance, export, due):
        return Judged(due, False)
    waiting = _still_waiting(context.instance, export, segments, deferral)
    if waiting and not deferral.is_too_old:
        return Judged(None, False, waiting)
    if waiting:
        context.log.warning(f"It is started without that after {_LONGEST_WAIT_S // 3600} hours: {waiting}")
    return Judged(due, True)


def fetch_deferred(context: dg.SensorEvaluationContext, exports: Sequence[Export]) -> dict[str, str]:
    """When each export's schedule deferred it, where that was its last tick; all by one question."""
    names = {selector_id(context, schedule_name(export)): export.name for export in exports}
    known = [selector for selector in names if selector]
    ticks = context.instance.get_batch_ticks(known, limit=1) if known else {}
    return {
        names[selector]: datetime.fromtimestamp(tick.timestamp, UTC).isoformat()
        for selector, found in ticks.items()
        for tick in found
        if (tick.skip_reason or "").startswith(DEFERRED)
    }


def deferred_run(export: Export, automation: Automation, due: str) -> dg.RunRequest:
    """The run that was deferred; asked for twice it starts once."""
    return export_run(export, automation, run_key=due, tags={DUE_TAG: due})


def schedule_name(export: Export) -> str:
    """The schedule of an export with a cron."""
    return f"export_{export.name}_schedule"


def deferred_name(export: Export) -> str:
    """The sensor of what its schedule deferred, of an export that has one of its own."""
    return f"export_{export.name}_deferred"


def _was_started(instance: dg.DagsterInstance, export: Export, due: str) -> bool:
    """Whether another sensor started it, before `KLAVIYO_ASSETS_AUTOMATION` was changed."""
    tags = {DUE_TAG: due, EXPORT_TAG: export.name}
    return instance.get_runs_count(dg.RunsFilter(tags=tags)) > 0


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
    found = selector_id(context, schedule_name)
    if found is None:
        return None
    # The origin's id is what databases from before Dagster 1.0 go by.
    state = context.instance.get_instigator_state("", found)
    ticks = context.instance.get_ticks("", found, limit=1)
    if state is None or state.status.value == "STOPPED" or not ticks:
        return None
    is_deferred = (ticks[0].skip_reason or "").startswith(DEFERRED)
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

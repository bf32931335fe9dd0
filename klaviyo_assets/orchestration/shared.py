"""One job and one sensor of each kind for all exports and segments, where `KLAVIYO_ASSETS_AUTOMATION` says `shared`.

What is decided for one export or segment is decided by the same functions as where each has its own; here one tick asks
them for all, and keeps what each is to remember under its name. Schedules stay each export's and each segment's own:
they cost something only when they are due.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import dagster as dg

from klaviyo_assets.exports import EVERY_REFRESH, Export, Segment
from klaviyo_assets.orchestration.automation import READ_SEGMENTS, Look, Seen, look_at, source_refreshed_name
from klaviyo_assets.orchestration.every_refresh import Cursor, Watch, segments_refreshed_name, watches
from klaviyo_assets.orchestration.handover import (
    ALL_SEGMENTS_REFRESHED,
    ALL_SOURCES_REFRESHED,
    fetch_later,
    own_cursor,
)
from klaviyo_assets.orchestration.jobs import RUN_EXPORTS, export_run, is_active, run_exports_job
from klaviyo_assets.orchestration.keys import segment_key
from klaviyo_assets.orchestration.on_cron import (
    ALL_DEFERRED,
    NOTHING_DEFERRED,
    deferred_run,
    fetch_deferred,
    judge_deferral,
)
from klaviyo_assets.orchestration.refreshes import fetch_refreshes
from klaviyo_assets.orchestration.sharing import SHARED

_LONGEST_LOOK_S: Final = 20.0  # Dagster gives a tick a minute
_NEXT: Final = "/next"  # in the cursor: at which segment the next tick begins; no segment is called so
_MOST_TOLD: Final = 20  # a reason is written down at each tick


def shared_export_defs(exports: Sequence[Export], segments: Sequence[Segment]) -> dg.Definitions:
    """The job run_exports, and the sensors segments_refreshed and exports_deferred, where an export needs them.

    Args:
        exports: all that are declared, at least one.
        segments: all that are declared.
    """
    refreshed = [export for export in exports if export.schedule == EVERY_REFRESH]
    on_cron = [export for export in exports if export.cron and is_active(export)]
    sensors = [
        *([_segments_refreshed(watches(refreshed, segments))] if refreshed else []),
        *([_exports_deferred(on_cron, segments)] if on_cron else []),
    ]
    return dg.Definitions.merge(run_exports_job(exports), dg.Definitions(sensors=sensors))


def shared_segment_defs(segments: Sequence[Segment], *, project_root: Path) -> dg.Definitions:
    """The sensor sources_refreshed, and the job read_segments of segments with a cron, where a segment needs them."""
    watched = [segment for segment in segments if segment.watch]
    keys = [segment_key(segment) for segment in segments if segment.refresh]
    return dg.Definitions(
        jobs=[dg.define_asset_job(READ_SEGMENTS, dg.AssetSelection.assets(*keys))] if keys else [],
        sensors=[_sources_refreshed(watched, project_root=project_root)] if watched else [],
    )


def _segments_refreshed(watched: Sequence[Watch]) -> dg.SensorDefinition:
    keys = sorted({key for each in watched for key in each.waited_for})
    by_name = {each.export.name: each for each in watched}
    sensors = {name: segments_refreshed_name(each.export) for name, each in by_name.items()}

    @dg.sensor(
        name=ALL_SEGMENTS_REFRESHED,
        job_name=RUN_EXPORTS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Runs each of {len(watched)} exports when all of its segments were refreshed since its last run. Dry runs "
            f"do not count as runs."
        ),
    )
    def start_what_is_refreshed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        refreshes = fetch_refreshes(context.instance, keys)
        seen: dict[str, Cursor] = _remembered(context, sensors)
        decisions = {name: each.decide(context.instance, seen.get(name), refreshes) for name, each in by_name.items()}
        requests = [
            export_run(by_name[name].export, SHARED, run_key=decision.run_key)
            for name, decision in decisions.items()
            if decision.run_key
        ]
        cursor = {name: decision.cursor for name, decision in decisions.items()}
        reasons = {name: decision.reason for name, decision in decisions.items()}
        return _result(requests, cursor, reasons, [name for name, each in decisions.items() if each.is_under_way])

    return start_what_is_refreshed


def _exports_deferred(exports: Sequence[Export], segments: Sequence[Segment]) -> dg.SensorDefinition:
    @dg.sensor(
        name=ALL_DEFERRED,
        job_name=RUN_EXPORTS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Starts each of {len(exports)} exports where its schedule deferred it, once the refresh of its segments "
            f"that was under way is over, however it ended."
        ),
    )
    def start_what_was_deferred(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        started: dict[str, str] = own_cursor(context) or {}
        deferred = fetch_deferred(context, exports)
        requests, waiting = [], {}
        for export in exports:
            if deferred.get(export.name) in (None, started.get(export.name)):
                continue
            found = judge_deferral(context, export, segments, started=started.get(export.name))
            if found.is_to_start and found.due:
                requests.append(deferred_run(export, SHARED, found.due))
            if found.due:
                started[export.name] = found.due
            elif found.reason != NOTHING_DEFERRED:
                waiting[export.name] = found.reason
        return _result(requests, started, waiting, waiting, otherwise=NOTHING_DEFERRED)

    return start_what_was_deferred


def _sources_refreshed(segments: Sequence[Segment], *, project_root: Path) -> dg.SensorDefinition:
    keys = {segment.name: segment_key(segment) for segment in segments}
    sensors = {segment.name: source_refreshed_name(segment) for segment in segments}

    @dg.sensor(
        name=ALL_SOURCES_REFRESHED,
        asset_selection=dg.AssetSelection.assets(*keys.values()),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Reads each of {len(segments)} segments anew when its source was refreshed, and is the same at two ticks, "
            f"so that nobody is still writing it. What a tick has no time for is looked at by the next."
        ),
    )
    def watch_sources(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        cursor = _remembered(context, sensors)
        in_turn = _beginning_with((own_cursor(context) or {}).get(_NEXT), segments)
        looks = dict(_look_at(context, in_turn, cursor, project_root=project_root))
        requests = [
            dg.RunRequest(run_key=f"{name} {look.run_key}", asset_selection=[keys[name]])
            for name, look in looks.items()
            if look.run_key
        ]
        cursor |= {name: look.seen.cursor for name, look in looks.items() if look.seen}
        if len(looks) < len(in_turn):
            cursor[_NEXT] = in_turn[len(looks)].name
        reasons = {name: look.reason for name, look in looks.items()}
        return _result(requests, cursor, reasons, [name for name, look in looks.items() if look.has_failed])

    return watch_sources


def _look_at(
    context: dg.SensorEvaluationContext,
    segments: Sequence[Segment],
    seen: Mapping[str, Mapping[str, str]],
    *,
    project_root: Path,
) -> Iterator[tuple[str, Look]]:
    """The segments one after the other, as far as the time goes; what one source raises hides no other."""
    started = perf_counter()
    for segment in segments:
        last = Seen.of(seen.get(segment.name))
        try:
            look = look_at(segment, last, project_root=project_root)
        except Exception as error:  # noqa: BLE001 (a driver may raise anything)
            look = Look(last, f"The source cannot be looked at: {type(error).__name__}.", has_failed=True)
            context.log.error(f"{segment.name}: {look.reason}")
        yield segment.name, look
        if perf_counter() - started > _LONGEST_LOOK_S:
            return


def _beginning_with(name: str | None, segments: Sequence[Segment]) -> list[Segment]:
    names = [segment.name for segment in segments]
    first = names.index(name) if name in names else 0
    return [*segments[first:], *segments[:first]]


def _remembered(context: dg.SensorEvaluationContext, sensors: Mapping[str, str]) -> dict[str, Any]:
    """What this sensor remembers of each name, or, where that was evaluated later, what the name's own sensor does."""
    own = own_cursor(context) or {}
    later = fetch_later(context, *sensors.values())
    found = {name: later.get(sensor, own.get(name)) for name, sensor in sensors.items()}
    return {name: remembered for name, remembered in found.items() if remembered is not None}


def _result(
    requests: Sequence[dg.RunRequest],
    cursor: Mapping[str, Any],
    reasons: Mapping[str, str],
    notable: Collection[str],
    *,
    otherwise: str | None = None,
) -> dg.SensorResult:
    if requests:
        return dg.SensorResult(requests, cursor=json.dumps(cursor))
    return dg.SensorResult(skip_reason=_told(reasons, notable) or otherwise, cursor=json.dumps(cursor))


def _told(reasons: Mapping[str, str], notable: Collection[str]) -> str:
    """All reasons where they are few, or else those that are notable."""
    told = notable if len(reasons) > _MOST_TOLD else reasons
    lines = [f"{name}: {reasons[name]}" for name in list(told)[:_MOST_TOLD]]
    more = len(reasons) - len(lines)
    if more:
        lines.append(f"Nothing is started for {f'{more} more' if lines else f'any of {more}'}.")
    return "\n".join(lines)

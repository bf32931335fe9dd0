"""`schedule: every_refresh`: runs an export when all its segments were refreshed since its last run.

Dagster's own ways were tried and do not hold this: an asset sensor fires after a failed check; `eager()` fires when
any one segment was refreshed, when somebody materializes the profiles alone, and after history was wiped; a composed
condition loses a refresh that follows a manual run within one tick.

The cursor holds, for each segment that is waited for, the id of the materialization that a run of the export has used,
or that was there when the sensor first saw the segment. A segment is fresh when its last materialization is another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from klaviyo_assets.exports import Export, Segment
from klaviyo_assets.orchestration.jobs import export_job_name, is_active
from klaviyo_assets.orchestration.keys import export_keys, list_op_name
from klaviyo_assets.orchestration.refreshes import (
    PlannedRun,
    Refresh,
    failed_refreshes,
    fetch_planned,
    fetch_refreshes,
)

Cursor = dict[str, int]  # asset key of a segment: id of its materialization, 0 where there was none


def segments_refreshed_sensor(export: Export, segments: Sequence[Segment]) -> dg.SensorDefinition:
    """The sensor <export>_segments_refreshed on job export_<export>.

    Args:
        export: an export with `schedule: every_refresh`.
        segments: all segments that are declared; those with neither `watch` nor `refresh` are not waited for.
    """
    waited_for = _waited_for(export, segments)

    @dg.sensor(
        name=f"{export.name}_segments_refreshed",
        job_name=export_job_name(export),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_describe(export, waited_for),
    )
    def start_when_all_are_refreshed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        latest = fetch_refreshes(context.instance, waited_for)
        seen = _read_cursor(context.cursor)
        if not waited_for or not is_active(export):
            return _skip("Nothing is waited for, since " + _why_idle(export), _ids(latest))
        # A segment that is no longer waited for must not be what makes the others complete.
        if seen is None or set(seen) - set(waited_for):
            return _skip("The next refresh of each segment is waited for from now on.", _ids(latest))
        seen, fresh = _sort_out(context.instance, export, seen, latest)
        waiting = [key for key in waited_for if key not in fresh]
        if waiting:
            failed = failed_refreshes(context.instance, waiting, latest) if fresh else {}
            return _skip(_why_waiting(waiting, failed), seen)
        return dg.SensorResult([dg.RunRequest(run_key=_run_key(fresh))], cursor=json.dumps(_ids(latest)))

    return start_when_all_are_refreshed


def _sort_out(
    instance: dg.DagsterInstance, export: Export, seen: Cursor, latest: Mapping[str, Refresh | None]
) -> tuple[Cursor, dict[str, Refresh]]:
    """The cursor without refreshes that a run has used, and the refreshes that none has."""
    ids = _ids(latest)
    seen = {key: seen.get(key, event_id) for key, event_id in ids.items()}  # a newly listed one starts with what it has
    fresh = {key: refresh for key, refresh in latest.items() if refresh and refresh.event_id != seen[key]}
    runs = _fetch_runs(instance, export) if fresh else []
    used = {key for key, refresh in fresh.items() if any(run.used(refresh) for run in runs)}
    return (
        {key: ids[key] if key in used else event_id for key, event_id in seen.items()},
        {key: refresh for key, refresh in fresh.items() if key not in used},
    )


def _why_waiting(waiting: Sequence[str], failed: Mapping[str, str]) -> str:
    sentence = f"Waiting for a refresh of {', '.join(waiting)}."
    if not failed:
        return sentence
    runs = ", ".join(f"{key} failed (run {run_id})" for key, run_id in failed.items())
    return f"Skipped, since the last refresh of {runs}. {sentence}"


def _fetch_runs(instance: dg.DagsterInstance, export: Export) -> list[PlannedRun]:
    """The last runs that were to make the export's profiles and its list, and were not dry."""
    keys = export_keys(export)
    with_profiles = {run.run_id for run in fetch_planned(instance, keys.profiles)}
    planned = [run for run in fetch_planned(instance, keys.klaviyo_list) if run.run_id in with_profiles]
    runs = instance.get_runs(dg.RunsFilter(run_ids=[run.run_id for run in planned])) if planned else []
    dry = {run.run_id for run in runs if _is_dry(run.run_config, list_op_name(export))}
    return [run for run in planned if run.run_id not in dry]


def _is_dry(run_config: Mapping[str, Any], op_name: str) -> bool:
    config = run_config.get("ops", {}).get(op_name, {}).get("config", {})
    return bool(config.get("dry_run"))


def _waited_for(export: Export, segments: Sequence[Segment]) -> list[str]:
    still = {segment.asset_key for segment in segments if not (segment.watch or segment.refresh)}
    return [key for key in export.segments if key not in still]


def _ids(latest: Mapping[str, Refresh | None]) -> Cursor:
    return {key: refresh.event_id if refresh else 0 for key, refresh in latest.items()}


def _read_cursor(cursor: str | None) -> Cursor | None:
    return None if cursor is None else json.loads(cursor)


def _run_key(fresh: Mapping[str, Refresh]) -> str:
    parts = sorted(f"{key} {refresh.event_id}" for key, refresh in fresh.items())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _skip(reason: str, cursor: Cursor) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=reason, cursor=json.dumps(cursor))


def _why_idle(export: Export) -> str:
    if is_active(export):
        return "none of the segments is refreshed by itself (watch, refresh)."
    return "the export is detached or not enabled."


def _describe(export: Export, waited_for: Sequence[str]) -> str:
    keys = ", ".join(f"`{key}`" for key in waited_for) or "no segment"
    return (
        f"Runs export `{export.name}` when all of its segments were refreshed since its last run. It waits for {keys}. "
        f"Dry runs do not count as runs."
    )

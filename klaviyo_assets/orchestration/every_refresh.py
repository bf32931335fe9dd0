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
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg

from klaviyo_assets.exports import Export, Segment
from klaviyo_assets.orchestration.jobs import export_job_name, is_active
from klaviyo_assets.orchestration.keys import export_keys, list_op_name

_RECENT_RUNS: Final = 25  # of an export, among which the one is found that used a refresh

_FAILED: Final = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]

Cursor = dict[str, int]  # asset key of a segment: id of its materialization, 0 where there was none


@dataclass(frozen=True)
class Refresh:
    """The last materialization of a segment."""

    event_id: int
    run_id: str


@dataclass(frozen=True)
class ExportRun:
    """A run of an export, dry ones apart; its event id is from before it read anything."""

    event_id: int
    run_id: str

    def used(self, refresh: Refresh) -> bool:
        """Whether the run started after the segment was refreshed, or refreshed it itself."""
        return refresh.event_id < self.event_id or refresh.run_id == self.run_id


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
        latest = _fetch_refreshes(context.instance, waited_for)
        seen = _read_cursor(context.cursor)
        if not waited_for or not is_active(export):
            return _skip("Nothing is waited for, since " + _why_idle(export), _ids(latest))
        # A segment that is no longer waited for must not be what makes the others complete.
        if seen is None or set(seen) - set(waited_for):
            return _skip("The next refresh of each segment is waited for from now on.", _ids(latest))
        seen, fresh = _sort_out(context.instance, export, seen, latest)
        waiting = [key for key in waited_for if key not in fresh]
        if waiting:
            failed = _failed_refreshes(context.instance, waiting, latest) if fresh else {}
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


def _fetch_refreshes(instance: dg.DagsterInstance, keys: Sequence[str]) -> dict[str, Refresh | None]:
    asset_keys = [dg.AssetKey.from_user_string(key) for key in keys]
    found = {}
    for record in instance.get_asset_records(asset_keys) if asset_keys else ():
        event = record.asset_entry.last_materialization_record
        if event is not None:
            found[record.asset_entry.asset_key.to_user_string()] = Refresh(event.storage_id, event.run_id)
    return {key: found.get(key) for key in keys}


def _failed_refreshes(
    instance: dg.DagsterInstance, keys: Sequence[str], latest: Mapping[str, Refresh | None]
) -> dict[str, str]:
    """The segments whose last refresh failed, each with its run."""
    planned = {key: _fetch_planned(instance, dg.AssetKey.from_user_string(key), limit=1) for key in keys}
    runs = {
        key: found[0].run_id
        for key, found in planned.items()
        if found and found[0].event_id > (refresh.event_id if (refresh := latest[key]) else 0)
    }
    if not runs:
        return {}
    ended = {run.run_id for run in instance.get_runs(dg.RunsFilter(run_ids=list(runs.values()), statuses=_FAILED))}
    return {key: run_id for key, run_id in runs.items() if run_id in ended}


def _why_waiting(waiting: Sequence[str], failed: Mapping[str, str]) -> str:
    sentence = f"Waiting for a refresh of {', '.join(waiting)}."
    if not failed:
        return sentence
    runs = ", ".join(f"{key} failed (run {run_id})" for key, run_id in failed.items())
    return f"Skipped, since the last refresh of {runs}. {sentence}"


def _fetch_runs(instance: dg.DagsterInstance, export: Export) -> list[ExportRun]:
    """The last runs that were to make the export's profiles and its list, and were not dry."""
    keys = export_keys(export)
    with_profiles = {run.run_id for run in _fetch_planned(instance, keys.profiles)}
    planned = [run for run in _fetch_planned(instance, keys.klaviyo_list) if run.run_id in with_profiles]
    runs = instance.get_runs(dg.RunsFilter(run_ids=[run.run_id for run in planned])) if planned else []
    dry = {run.run_id for run in runs if _is_dry(run.run_config, list_op_name(export))}
    return [run for run in planned if run.run_id not in dry]


def _fetch_planned(instance: dg.DagsterInstance, key: dg.AssetKey, *, limit: int = _RECENT_RUNS) -> list[ExportRun]:
    # The instance's own method for it is deprecated, and has no successor for planned materializations.
    records = instance.event_log_storage.get_event_records(
        dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=key),
        limit=limit,
    )
    return [ExportRun(record.storage_id, record.run_id) for record in records]


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

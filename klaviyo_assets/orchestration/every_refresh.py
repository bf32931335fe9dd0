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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from klaviyo_assets.exports import Export, Segment
from klaviyo_assets.orchestration.handover import ALL_SEGMENTS_REFRESHED, fetch_later, own_cursor
from klaviyo_assets.orchestration.jobs import export_job_name, export_run, is_active
from klaviyo_assets.orchestration.keys import export_keys, list_op_name
from klaviyo_assets.orchestration.refreshes import (
    PlannedRun,
    Refresh,
    failed_refreshes,
    fetch_planned,
    fetch_refreshes,
)
from klaviyo_assets.orchestration.sharing import EACH

Cursor = dict[str, int]  # asset key of a segment: id of its materialization, 0 where there was none


@dataclass(frozen=True)
class Decision:
    """What one look at the segments of an export comes to.

    Attributes:
        cursor: what is remembered for the next look.
        run_key: of the run that is due; None where none is.
        reason: why none is.
        is_under_way: whether some of the segments were refreshed, and others are still waited for.
    """

    cursor: Cursor
    run_key: str | None = None
    reason: str = ""
    is_under_way: bool = False


@dataclass(frozen=True)
class Watch:
    """An export with `schedule: every_refresh`, and the segments that it waits for."""

    export: Export
    waited_for: Sequence[str]

    def decide(
        self, instance: dg.DagsterInstance, seen: Cursor | None, refreshes: Mapping[str, Refresh | None]
    ) -> Decision:
        """Whether the export is to run.

        Args:
            instance: where runs are remembered.
            seen: what the last look remembered; None at the first.
            refreshes: the last of each segment, at least of those that are waited for.
        """
        latest = {key: refreshes[key] for key in self.waited_for}
        if not self.waited_for or not is_active(self.export):
            return Decision(_ids(latest), reason="Nothing is waited for, since " + _why_idle(self.export))
        # A segment that is no longer waited for must not be what makes the others complete.
        if seen is None or set(seen) - set(self.waited_for):
            return Decision(_ids(latest), reason="The next refresh of each segment is waited for from now on.")
        seen, fresh = _sort_out(instance, self.export, seen, latest)
        waiting = [key for key in self.waited_for if key not in fresh]
        if waiting:
            failed = failed_refreshes(instance, waiting, latest) if fresh else {}
            return Decision(seen, reason=_why_waiting(waiting, failed), is_under_way=bool(fresh))
        return Decision(_ids(latest), run_key=_run_key(fresh))


def watches(exports: Iterable[Export], segments: Iterable[Segment]) -> list[Watch]:
    """What each of the exports waits for.

    Args:
        exports: those with `schedule: every_refresh`.
        segments: all that are declared; those with neither `watch` nor `refresh` are not waited for.
    """
    still = {segment.asset_key for segment in segments if not (segment.watch or segment.refresh)}
    return [Watch(export, [key for key in export.segments if key not in still]) for export in exports]


def segments_refreshed_sensor(export: Export, segments: Sequence[Segment]) -> dg.SensorDefinition:
    """The sensor <export>_segments_refreshed on job export_<export>.

    Args:
        export: an export with `schedule: every_refresh`.
        segments: all segments that are declared.
    """
    (watched,) = watches([export], segments)

    @dg.sensor(
        name=segments_refreshed_name(export),
        job_name=export_job_name(export, EACH),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_describe(watched),
    )
    def start_when_all_are_refreshed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        refreshes = fetch_refreshes(context.instance, watched.waited_for)
        decision = watched.decide(context.instance, _seen(context, export), refreshes)
        cursor = json.dumps(decision.cursor)
        if decision.run_key is None:
            return dg.SensorResult(skip_reason=decision.reason, cursor=cursor)
        return dg.SensorResult([export_run(export, EACH, run_key=decision.run_key)], cursor=cursor)

    return start_when_all_are_refreshed


def segments_refreshed_name(export: Export) -> str:
    """The sensor of an export that has one of its own."""
    return f"{export.name}_segments_refreshed"


def _seen(context: dg.SensorEvaluationContext, export: Export) -> Cursor | None:
    of_all = fetch_later(context, ALL_SEGMENTS_REFRESHED).get(ALL_SEGMENTS_REFRESHED, {})
    seen: Cursor | None = of_all.get(export.name, own_cursor(context))
    return seen


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


def _ids(latest: Mapping[str, Refresh | None]) -> Cursor:
    return {key: refresh.event_id if refresh else 0 for key, refresh in latest.items()}


def _run_key(fresh: Mapping[str, Refresh]) -> str:
    parts = sorted(f"{key} {refresh.event_id}" for key, refresh in fresh.items())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _why_idle(export: Export) -> str:
    if is_active(export):
        return "none of the segments is refreshed by itself (watch, refresh)."
    return "the export is detached or not enabled."


def _describe(watched: Watch) -> str:
    keys = ", ".join(f"`{key}`" for key in watched.waited_for) or "no segment"
    return (
        f"Runs export `{watched.export.name}` when all of its segments were refreshed since its last run. It waits for "
        f"{keys}. Dry runs do not count as runs."
    )

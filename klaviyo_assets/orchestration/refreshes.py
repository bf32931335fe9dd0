"""What Dagster remembers of the refreshes of segments: the last of each, those that failed, those that are under way.

Asked of the instance alone, so that assets of others count as well as segments of ours. What follows from an answer is
decided in `every_refresh.py` and `on_cron.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import dagster as dg

_RECENT_RUNS: Final = 25  # that were to materialize an asset

_FAILED: Final = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_UNDER_WAY: Final = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class Refresh:
    """The last materialization of a segment."""

    event_id: int
    run_id: str


@dataclass(frozen=True)
class PlannedRun:
    """A run that was to materialize an asset; its event id is from before it read anything.

    Attributes:
        event_id: of the event by which Dagster notes the plan.
        run_id: the run.
        planned_at: when it was asked for, in seconds.
    """

    event_id: int
    run_id: str
    planned_at: float

    def used(self, refresh: Refresh) -> bool:
        """Whether the run was asked for after the segment was refreshed, or refreshed it itself."""
        return refresh.event_id < self.event_id or refresh.run_id == self.run_id


def fetch_refreshes(instance: dg.DagsterInstance, keys: Sequence[str]) -> dict[str, Refresh | None]:
    """The last materialization of each segment, None where there is none; all by one question."""
    asset_keys = [dg.AssetKey.from_user_string(key) for key in keys]
    found = {}
    for record in instance.get_asset_records(asset_keys) if asset_keys else ():
        event = record.asset_entry.last_materialization_record
        if event is not None:
            found[record.asset_entry.asset_key.to_user_string()] = Refresh(event.storage_id, event.run_id)
    return {key: found.get(key) for key in keys}


def fetch_planned(instance: dg.DagsterInstance, key: dg.AssetKey, *, limit: int = _RECENT_RUNS) -> list[PlannedRun]:
    """The last runs that were to materialize the asset, the newest first."""
    # The instance's own method for it is deprecated, and has no successor for planned materializations.
    records = instance.event_log_storage.get_event_records(
        dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=key),
        limit=limit,
    )
    return [PlannedRun(record.storage_id, record.run_id, record.timestamp) for record in records]


def failed_refreshes(
    instance: dg.DagsterInstance, keys: Sequence[str], latest: Mapping[str, Refresh | None]
) -> dict[str, str]:
    """The segments whose last refresh failed, each with its run."""
    planned = {key: fetch_planned(instance, dg.AssetKey.from_user_string(key), limit=1) for key in keys}
    runs = {key: run.run_id for key, found in planned.items() for run in found if _is_later(run, latest[key])}
    ended = _of_status(instance, set(runs.values()), _FAILED)
    return {key: run_id for key, run_id in runs.items() if run_id in ended}


def refreshes_under_way(
    instance: dg.DagsterInstance, keys: Sequence[str], *, until: float | None = None
) -> dict[str, str]:
    """The segments that a run is to refresh and has not yet, each with the run; queued ones count.

    Args:
        instance: where the runs are.
        keys: of the segments.
        until: runs that were asked for later than this time, in seconds, do not count.
    """
    latest = fetch_refreshes(instance, keys)
    planned = {key: _asked_for(instance, key, latest[key], until) for key in keys}
    goes_on = _of_status(instance, {run.run_id for runs in planned.values() for run in runs}, _UNDER_WAY)
    return {
        key: found[0] for key, runs in planned.items() if (found := [r.run_id for r in runs if r.run_id in goes_on])
    }


def _asked_for(instance: dg.DagsterInstance, key: str, latest: Refresh | None, until: float | None) -> list[PlannedRun]:
    runs = fetch_planned(instance, dg.AssetKey.from_user_string(key))
    return [run for run in runs if _is_later(run, latest) and (until is None or run.planned_at <= until)]


def _is_later(run: PlannedRun, refresh: Refresh | None) -> bool:
    # A run that is older than the last refresh, and never ended, is no reason to wait: its worker may be long dead.
    return run.event_id > (refresh.event_id if refresh else 0)


def _of_status(instance: dg.DagsterInstance, run_ids: set[str], statuses: Sequence[dg.DagsterRunStatus]) -> set[str]:
    if not run_ids:
        return set()
    found = instance.get_runs(dg.RunsFilter(run_ids=sorted(run_ids), statuses=list(statuses)))
    return {run.run_id for run in found}

"""What Dagster keeps of other sensors and schedules of the project, also of those that are not there any more.

Where `KLAVIYO_ASSETS_AUTOMATION` was changed, a sensor goes on with what another remembered, so that no refresh is lost
or used twice. What is written into cursors belongs to the sensors.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import dagster as dg
from dagster._core.definitions.selector import InstigatorSelector  # no public name of another sensor's state
from dagster._core.scheduler.instigation import SensorInstigatorData

# Sensors for all exports, or all segments:
ALL_SEGMENTS_REFRESHED: Final = "segments_refreshed"
ALL_SOURCES_REFRESHED: Final = "sources_refreshed"

_RESTED_S: Final = 300  # who was evaluated within this time did the work itself


def own_cursor(context: dg.SensorEvaluationContext) -> Any:
    """What the sensor's own last tick remembered; None at the first."""
    return None if context.cursor is None else json.loads(context.cursor)


def fetch_later(context: dg.SensorEvaluationContext, *names: str) -> dict[str, Any]:
    """What each of these sensors remembered, by its name, where it was evaluated later than this one ever was."""
    evaluated_at = context.last_tick_completion_time or 0.0
    if context.cursor is not None and datetime.now(UTC).timestamp() - evaluated_at < _RESTED_S:
        return {}
    known = {name: _fetch_data(context, name) for name in names}
    return {
        name: json.loads(data.cursor)
        for name, data in known.items()
        if data and data.cursor and (data.last_tick_timestamp or 0.0) > evaluated_at
    }


def selector_id(context: dg.SensorEvaluationContext, name: str) -> str | None:
    """By what Dagster keeps a sensor or schedule of the same project; None in a context that is of no project."""
    origin, repository = context.code_location_origin, context.repository_name
    if origin is None or repository is None:
        return None
    return InstigatorSelector(location_name=origin.location_name, repository_name=repository, name=name).get_id()


def _fetch_data(context: dg.SensorEvaluationContext, name: str) -> SensorInstigatorData | None:
    found = selector_id(context, name)
    # The origin's id is what databases from before Dagster 1.0 go by.
    state = context.instance.get_instigator_state("", found) if found else None
    return state.instigator_data if state and isinstance(state.instigator_data, SensorInstigatorData) else None

"""What started a run, as the tags that Dagster puts on it tell.

https://docs.dagster.io/guides/build/assets/metadata-and-tags/tags#system-tags
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_RETRY_NUMBER: Final = "dagster/retry_number"
_AUTOMATION: Final = ("dagster/from_automation_condition", "dagster/auto_materialize")

# The first that a run has decides: one that is repeated keeps the tags of the run that it repeats. Dagster writes the
# person's address into `user` where its web page knows who is logged in; elsewhere whoever starts a run may write it.
_NAMED: Final = {
    "dagster/parent_run_id": "re-execution",
    "dagster/backfill": "backfill",
    "dagster/schedule_name": "schedule",
    "dagster/sensor_name": "sensor",
    "user": "manual",
}


@dataclass(frozen=True)
class Trigger:
    """What started a run.

    Attributes:
        kind: schedule, sensor, automation, backfill, retry, re-execution or manual.
        name: of the schedule, the sensor or the backfill; the run that is repeated; or the person, where it is known.
    """

    kind: str
    name: str | None


def trigger_of(tags: Mapping[str, str]) -> Trigger:
    """What started the run that has these tags."""
    kind, name = next(((kind, tags[tag]) for tag, kind in _NAMED.items() if tag in tags), ("manual", None))
    if kind == "re-execution" and _RETRY_NUMBER in tags:
        return Trigger("retry", name)
    if kind in ("manual", "sensor") and any(tag in tags for tag in _AUTOMATION):
        return Trigger("automation", tags.get("dagster/sensor_name"))
    return Trigger(kind, name)

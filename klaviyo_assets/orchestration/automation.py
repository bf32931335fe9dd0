"""When segments are read anew by themselves: on their crons, and by sensors that watch their sources.

When exports run is in `every_refresh.py` and `on_cron.py`; sensors for all of them are in `shared.py`. Everything is
running from the start, since the declaration asks for it, and can be stopped in Dagster's page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import dagster as dg

from klaviyo_assets.errors import SourceMissing, SourceUnreadable
from klaviyo_assets.exports import Segment
from klaviyo_assets.orchestration.handover import ALL_SOURCES_REFRESHED, fetch_later, own_cursor
from klaviyo_assets.orchestration.keys import segment_key
from klaviyo_assets.orchestration.sharing import SHARED, Automation
from klaviyo_assets.segments import open_source

READ_SEGMENTS: Final = "read_segments"  # the job of all segments with a cron, where they share one


@dataclass(frozen=True)
class Seen:
    """What a source's sensor remembers.

    Attributes:
        read: the mark for which the segment was last read, or that was there first.
        last: the mark at the last tick.
    """

    read: str
    last: str

    @classmethod
    def of(cls, cursor: Mapping[str, str] | None) -> Self | None:
        """From what a cursor holds; None where it holds nothing."""
        return cls(_short(cursor["read"]), _short(cursor.get("last", cursor["read"]))) if cursor else None

    @property
    def cursor(self) -> dict[str, str]:
        """As a cursor holds it; Dagster keeps a copy for each tick, so it is short."""
        return {"read": self.read} | ({"last": self.last} if self.last != self.read else {})


@dataclass(frozen=True)
class Look:
    """What one look at a segment's source comes to.

    Attributes:
        seen: what is remembered for the next; None where there was no source yet.
        reason: why the segment is not read.
        run_key: of the run that reads it; None where none is to.
        has_failed: whether the source could not be looked at.
    """

    seen: Seen | None
    reason: str = ""
    run_key: str | None = None
    has_failed: bool = False


def look_at(segment: Segment, seen: Seen | None, *, project_root: Path) -> Look:
    """Whether the segment is to be read anew.

    The first look only notes the mark, so that declaring a segment reads nothing. A mark that changed must be the same
    at the next look: until then somebody may still be writing.

    Args:
        segment: which.
        seen: what the last look remembered.
        project_root: where relative paths start.
    """
    try:
        mark = _short(open_source(segment.source, root=project_root).read_refresh_mark())
    except (SourceMissing, SourceUnreadable) as error:
        return Look(seen, str(error), has_failed=True)
    if seen is None:
        return Look(Seen(mark, mark), "The source is watched from now on.")
    if mark == seen.read:
        return Look(Seen(mark, mark), "The source was not refreshed.")
    if mark != seen.last:
        return Look(Seen(seen.read, mark), "The source was refreshed; it is read once it is the same at two ticks.")
    return Look(Seen(mark, mark), run_key=_run_key(seen.read, mark))


def segment_schedule(segment: Segment, automation: Automation) -> dg.ScheduleDefinition:
    """The schedule <segment>_refresh, which reads the segment anew on its crons."""
    key = segment_key(segment)
    told: dict[str, Any] = {
        "name": f"{segment.name}_refresh",
        "cron_schedule": list(segment.refresh),
        "execution_timezone": segment.timezone,
        "default_status": dg.DefaultScheduleStatus.RUNNING,
        "description": f"Reads segment `{segment.name}` anew from its source, whether that was refreshed or not.",
    }
    if automation != SHARED:
        return dg.ScheduleDefinition(target=dg.AssetSelection.assets(key), **told)

    @dg.schedule(job_name=READ_SEGMENTS, **told)
    def read() -> dg.RunRequest:
        return dg.RunRequest(asset_selection=[key])

    return read


def source_sensor(segment: Segment, *, project_root: Path) -> dg.SensorDefinition:
    """The sensor <segment>_source_refreshed, which reads the segment anew when its source's refresh mark changed."""

    @dg.sensor(
        name=source_refreshed_name(segment),
        asset_selection=dg.AssetSelection.assets(segment_key(segment)),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Reads segment `{segment.name}` anew when its source was refreshed, and is the same at two ticks, so that "
            f"nobody is still writing it."
        ),
    )
    def watch_source(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        look = look_at(segment, _seen(context, segment), project_root=project_root)
        cursor = json.dumps(look.seen.cursor) if look.seen else None
        if look.run_key is None:
            return dg.SensorResult(skip_reason=look.reason, cursor=cursor)
        return dg.SensorResult([dg.RunRequest(run_key=look.run_key)], cursor=cursor)

    return watch_source


def source_refreshed_name(segment: Segment) -> str:
    """The sensor of a segment that has one of its own."""
    return f"{segment.name}_source_refreshed"


def _seen(context: dg.SensorEvaluationContext, segment: Segment) -> Seen | None:
    of_all = fetch_later(context, ALL_SOURCES_REFRESHED).get(ALL_SOURCES_REFRESHED, {})
    return Seen.of(of_all.get(segment.name) or own_cursor(context))


def _short(mark: str) -> str:
    # Of a digest of one source, whose last two are compared: sixteen of its digits are as good as all.
    return mark[:16]


def _run_key(before: str, after: str) -> str:
    # Of both marks: a source that is put back to an earlier state was refreshed as well.
    return hashlib.sha256(f"{before}\n{after}".encode()).hexdigest()

"""When segments are read anew by themselves: on their crons, and by sensors that watch their sources.

When exports run is in `every_refresh.py` and `on_cron.py`. Everything in the three is running from the start, since the
declaration asks for it, and can be stopped in Dagster's page.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import dagster as dg

from klaviyo_assets.errors import SourceMissing, SourceUnreadable
from klaviyo_assets.exports import Segment
from klaviyo_assets.orchestration.keys import segment_key
from klaviyo_assets.segments import open_source


@dataclass(frozen=True)
class Seen:
    """What a source's sensor remembers.

    Attributes:
        read: the mark for which the segment was last read, or that was there first.
        last: the mark at the last tick.
    """

    read: str
    last: str

    @property
    def cursor(self) -> str:
        """As Dagster keeps it."""
        return json.dumps(asdict(self))

    def skip(self, reason: str) -> dg.SensorResult:
        """Nothing is started, and this is remembered."""
        return dg.SensorResult(skip_reason=reason, cursor=self.cursor)


def segment_schedule(segment: Segment) -> dg.ScheduleDefinition:
    """The schedule <segment>_refresh, which reads the segment anew on its crons."""
    return dg.ScheduleDefinition(
        name=f"{segment.name}_refresh",
        target=dg.AssetSelection.assets(segment_key(segment)),
        cron_schedule=list(segment.refresh),
        execution_timezone=segment.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Reads segment `{segment.name}` anew from its source, whether that was refreshed or not.",
    )


def source_sensor(segment: Segment, *, project_root: Path) -> dg.SensorDefinition:
    """The sensor <segment>_source_refreshed, which reads the segment anew when its source's refresh mark changed.

    The first tick only notes the mark, so that declaring a segment reads nothing. A mark that changed must be the same
    at the next tick: until then somebody may still be writing.
    """

    @dg.sensor(
        name=f"{segment.name}_source_refreshed",
        asset_selection=dg.AssetSelection.assets(segment_key(segment)),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Reads segment `{segment.name}` anew when its source was refreshed, and is the same at two ticks, so that "
            f"nobody is still writing it."
        ),
    )
    def watch_source(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            mark = open_source(segment.source, root=project_root).read_refresh_mark()
        except (SourceMissing, SourceUnreadable) as error:
            return dg.SkipReason(str(error))
        seen = Seen(**json.loads(context.cursor)) if context.cursor else None
        if seen is None:
            return Seen(mark, mark).skip("The source is watched from now on.")
        if mark == seen.read:
            return Seen(mark, mark).skip("The source was not refreshed.")
        if mark != seen.last:
            return Seen(seen.read, mark).skip("The source was refreshed; it is read once it is the same at two ticks.")
        request = dg.RunRequest(run_key=_run_key(seen.read, mark))
        return dg.SensorResult([request], cursor=Seen(mark, mark).cursor)

    return watch_source


def _run_key(before: str, after: str) -> str:
    # Of both marks: a source that is put back to an earlier state was refreshed as well.
    return hashlib.sha256(f"{before}\n{after}".encode()).hexdigest()

"""From declarations to Dagster's definitions: one builder per kind of declaration, and one for a whole project.

The components call the first three, one declaration at a time, and Dagster merges what comes out; `build_defs` is the
same for projects that prefer Python. What each thing does is in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from klaviyo_assets.exports import EVERY_REFRESH, Export, KlaviyoConnection, Segment
from klaviyo_assets.orchestration.assets import profiles_assets, segment_asset
from klaviyo_assets.orchestration.automation import segment_schedule, source_sensor
from klaviyo_assets.orchestration.checks import profiles_checks
from klaviyo_assets.orchestration.crosscheck import check_together
from klaviyo_assets.orchestration.every_refresh import segments_refreshed_sensor
from klaviyo_assets.orchestration.jobs import export_job, is_active, run_all_exports_job
from klaviyo_assets.orchestration.klaviyo_list import list_asset
from klaviyo_assets.orchestration.on_cron import deferred_sensor, export_schedule
from klaviyo_assets.orchestration.permissions import owners_of
from klaviyo_assets.orchestration.resources import klaviyo_account
from klaviyo_assets.orchestration.shared import shared_export_defs, shared_segment_defs
from klaviyo_assets.orchestration.sharing import SHARED, Automation, find_automation
from klaviyo_assets.orchestration.storage import frames_resource
from klaviyo_assets.orchestration.verification import verify_job


def build_defs(
    *,
    connections: Sequence[KlaviyoConnection] = (),
    segments: Sequence[Segment] = (),
    exports: Sequence[Export] = (),
    project_root: Path | str | None = None,
    automation: Automation | None = None,
) -> dg.Definitions:
    """Everything that the declarations ask for.

    Args:
        connections: Klaviyo accounts.
        segments: named sets of customers, with their sources.
        exports: which segments go to which list.
        project_root: where relative paths start, and the default storage lies; default: the working directory.
        automation: `each`: a job and sensors for each export; `shared`: one of each for all; default: what
            `KLAVIYO_ASSETS_AUTOMATION` says, or else `each`.

    Raises:
        DeclarationError: the declarations do not fit together; the message holds one line for each mistake.
    """
    check_together(connections, segments, exports)
    automation = find_automation(automation)
    root = Path(project_root or Path.cwd())
    by_name = {connection.name: connection for connection in connections}
    return dg.Definitions.merge(
        *(
            connection_defs(connection, segments=segments, exports=exports, project_root=root)
            for connection in connections
        ),
        *(
            segment_defs(segment, all_segments=segments, project_root=root, automation=automation)
            for segment in segments
        ),
        *(
            export_defs(
                export,
                connection=by_name[export.connection] if export.connection else None,
                segments=segments,
                all_exports=exports,
                project_root=root,
                automation=automation,
            )
            for export in exports
        ),
    )


def connection_defs(
    connection: KlaviyoConnection, *, segments: Sequence[Segment], exports: Sequence[Export], project_root: Path
) -> dg.Definitions:
    """The resource klaviyo_<connection>, and the job verify_<connection>."""
    account = klaviyo_account(connection)
    return dg.Definitions(
        resources={connection.resource_key: account},
        jobs=[verify_job(connection, account, segments, exports, project_root=project_root)],
    )


def segment_defs(
    segment: Segment, *, all_segments: Sequence[Segment], project_root: Path, automation: Automation
) -> dg.Definitions:
    """The asset of a segment, with its sensor and its schedule; the first of all adds what they share.

    Args:
        segment: a named set of customers.
        all_segments: all declared segments, in an order that is the same for each of them.
        project_root: where relative paths start, and the default storage lies.
        automation: whether each segment has a sensor of its own.
    """
    is_shared = automation == SHARED
    own = dg.Definitions(
        assets=[segment_asset(segment, project_root=project_root)],
        resources=frames_resource(project_root),
        sensors=[source_sensor(segment, project_root=project_root)] if segment.watch and not is_shared else [],
        schedules=[segment_schedule(segment, automation)] if segment.refresh else [],
    )
    if not is_shared or segment.name != all_segments[0].name:
        return own
    return dg.Definitions.merge(own, shared_segment_defs(all_segments, project_root=project_root))


def export_defs(
    export: Export,
    *,
    connection: KlaviyoConnection | None,
    segments: Sequence[Segment],
    all_exports: Sequence[Export],
    project_root: Path,
    automation: Automation,
) -> dg.Definitions:
    """The assets, checks, job and automation of an export; the first of all exports adds what they share.

    Args:
        export: which segments go to which list.
        connection: the one that it names; None where it is detached.
        segments: all declared segments; keys that are not among them are assets of somebody else's.
        all_exports: all declared exports, in an order that is the same for each of them.
        project_root: where relative paths start, and the default storage lies.
        automation: whether each export has a job and sensors of its own.
    """
    owners = owners_of(export, connection)
    usable = connection if is_active(export) else None
    own = dg.Definitions(
        assets=[
            profiles_assets(export, owners=owners, project_root=project_root),
            list_asset(
                export,
                connection=usable,
                all_exports=all_exports,
                owners=owners,
                project_root=project_root,
            ),
        ],
        asset_checks=[profiles_checks(export)],
        resources=frames_resource(project_root),
    )
    if export.name != all_exports[0].name:
        return dg.Definitions.merge(own, _automation(export, segments, automation))
    shared = [shared_export_defs(all_exports, segments)] if automation == SHARED else []
    return dg.Definitions.merge(
        own, _automation(export, segments, automation), run_all_exports_job(all_exports), *shared
    )


def _automation(export: Export, segments: Sequence[Segment], automation: Automation) -> dg.Definitions:
    """The export's own job, and what runs it by itself."""
    is_shared = automation == SHARED
    jobs = dg.Definitions() if is_shared else export_job(export)
    schedules, sensors = [], []
    if export.schedule == EVERY_REFRESH:
        sensors = [segments_refreshed_sensor(export, segments)] if not is_shared else []
    elif export.cron and is_active(export):
        schedules = [export_schedule(export, export.cron, segments, automation)]
        sensors = [deferred_sensor(export, segments)] if not is_shared else []
    return dg.Definitions.merge(jobs, dg.Definitions(schedules=schedules, sensors=sensors))

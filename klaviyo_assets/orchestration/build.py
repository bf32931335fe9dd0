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
from klaviyo_assets.orchestration.storage import frames_resource
from klaviyo_assets.orchestration.verification import verify_job


def build_defs(
    *,
    connections: Sequence[KlaviyoConnection] = (),
    segments: Sequence[Segment] = (),
    exports: Sequence[Export] = (),
    project_root: Path | str | None = None,
) -> dg.Definitions:
    """Everything that the declarations ask for.

    Args:
        connections: Klaviyo accounts.
        segments: named sets of customers, with their sources.
        exports: which segments go to which list.
        project_root: where relative paths start, and the default storage lies; default: the working directory.

    Raises:
        DeclarationError: the declarations do not fit together; the message holds one line for each mistake.
    """
    check_together(connections, segments, exports)
    root = Path(project_root or Path.cwd())
    by_name = {connection.name: connection for connection in connections}
    return dg.Definitions.merge(
        *(
            connection_defs(connection, segments=segments, exports=exports, project_root=root)
            for connection in connections
        ),
        *(segment_defs(segment, project_root=root) for segment in segments),
        *(
            export_defs(
                export,
                connection=by_name[export.connection] if export.connection else None,
                segments=segments,
                all_exports=exports,
                project_root=root,
            )
            for export in exports
        ),
    )


def connection_defs(
    connection: KlaviyoConnection, *, segments: Sequence[Segment], exports: Sequence[Export], project_root: Path
) -> dg.Definitions:
    """The resource klaviyo_<connection>, and the job verify_<connection>."""
    return dg.Definitions(
        resources={connection.resource_key: klaviyo_account(connection)},
        jobs=[verify_job(connection, segments, exports, project_root=project_root)],
    )


def segment_defs(segment: Segment, *, project_root: Path) -> dg.Definitions:
    """The asset of a segment, with its sensor and its schedule."""
    return dg.Definitions(
        assets=[segment_asset(segment, project_root=project_root)],
        resources=frames_resource(project_root),
        sensors=[source_sensor(segment, project_root=project_root)] if segment.watch else [],
        schedules=[segment_schedule(segment)] if segment.refresh else [],
    )


def export_defs(
    export: Export,
    *,
    connection: KlaviyoConnection | None,
    segments: Sequence[Segment],
    all_exports: Sequence[Export],
    project_root: Path,
) -> dg.Definitions:
    """The assets, checks, job and automation of an export; the first of all exports adds run_all_exports.

    Args:
        export: which segments go to which list.
        connection: the one that it names; None where it is detached.
        segments: all declared segments; keys that are not among them are assets of somebody else's.
        all_exports: all declared exports, in an order that is the same for each of them.
        project_root: where relative paths start, and the default storage lies.
    """
    owners = owners_of(export, connection)
    usable = connection if is_active(export) else None
    own = dg.Definitions(
        assets=[
            profiles_assets(export, owners=owners, project_root=project_root),
            list_asset(
                export,
                connection=usable,
                others=[other for other in all_exports if other.name != export.name],
                owners=owners,
                project_root=project_root,
            ),
        ],
        asset_checks=[profiles_checks(export)],
        resources=frames_resource(project_root),
    )
    is_first = export.name == all_exports[0].name
    shared = run_all_exports_job(all_exports) if is_first else dg.Definitions()
    return dg.Definitions.merge(own, export_job(export), _automation(export, segments), shared)


def _automation(export: Export, segments: Sequence[Segment]) -> dg.Definitions:
    """What runs the export by itself."""
    if export.schedule == EVERY_REFRESH:
        return dg.Definitions(sensors=[segments_refreshed_sensor(export, segments)])
    if export.cron and is_active(export):
        return dg.Definitions(
            schedules=[export_schedule(export, export.cron, segments)], sensors=[deferred_sensor(export, segments)]
        )
    return dg.Definitions()

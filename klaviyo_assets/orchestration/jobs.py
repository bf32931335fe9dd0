"""The jobs of exports: one that runs an export, and one that runs all exports that run by themselves.

Where exports share their job, one stands for those of all exports, and each run of it selects what it makes.

None names an executor: that is the choice of the project into which they are loaded, which may have its steps carried
out in the run's process, in one each, or by workers elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import dagster as dg

from klaviyo_assets.exports import OFF, Export
from klaviyo_assets.orchestration.keys import NO_RETRY_TAGS, export_keys, export_tags, list_op_name
from klaviyo_assets.orchestration.sharing import SHARED, Automation

RUN_ALL_EXPORTS: Final = "run_all_exports"
RUN_EXPORTS: Final = "run_exports"


def is_active(export: Export) -> bool:
    """Whether the export may run: it is enabled, and not detached."""
    return export.enabled and export.connection is not None


def export_job_name(export: Export, automation: Automation) -> str:
    """The job that runs the export."""
    return RUN_EXPORTS if automation == SHARED else f"export_{export.name}"


def export_run(
    export: Export, automation: Automation, *, run_key: str | None = None, tags: Mapping[str, str] | None = None
) -> dg.RunRequest:
    """A run of the export's job, for a schedule or a sensor of that job."""
    if automation != SHARED:
        return dg.RunRequest(run_key=run_key, tags=tags)
    return dg.RunRequest(
        run_key=run_key and f"{export.name} {run_key}",
        tags=export_tags(export) | dict(tags or {}),
        asset_selection=list(export_keys(export).all),
    )


def export_job(export: Export) -> dg.Definitions:
    """The job export_<export>: profiles and rejections, their checks, and the list."""
    description = (
        f"Maps the segments of `{export.name}`, checks the profiles, and brings the list up to date. The segments "
        f"are taken as they were last read.\n\nTo see first what would change, run it with "
        f"`ops: {{{list_op_name(export)}: {{config: {{dry_run: true}}}}}}`."
    )
    return _job(f"export_{export.name}", [export], description, tags=export_tags(export))


def run_exports_job(exports: Sequence[Export]) -> dg.Definitions:
    """The job run_exports, which stands for the jobs of all exports; each of its runs selects the assets of one."""
    description = (
        "Runs one export or several: select `profiles`, `rejections` and `list` of each, or all exports are run, "
        "also those whose schedule is off."
    )
    return _job(RUN_EXPORTS, exports, description, tags={})


def run_all_exports_job(exports: Sequence[Export]) -> dg.Definitions:
    """The job run_all_exports, where there is an export that it would run; one that fails does not stop the others."""
    running = [export for export in exports if is_active(export) and export.schedule != OFF]
    if not running:
        return dg.Definitions()
    names = ", ".join(f"`{export.name}`" for export in running)
    description = (
        f"Runs every enabled export whose schedule is not off: {names}. An export that fails does not stop the others; "
        f"the run then ends as failed."
    )
    return _job(RUN_ALL_EXPORTS, running, description, tags={})


def _job(name: str, exports: Iterable[Export], description: str, tags: dict[str, str]) -> dg.Definitions:
    keys = [key for export in exports for key in export_keys(export).all]
    job = dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*keys),
        description=description,
        tags=tags,
        run_tags=NO_RETRY_TAGS | tags,
    )
    return dg.Definitions(jobs=[job])

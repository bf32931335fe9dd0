"""The commands about one person: what was sent of them.

The address is what somebody typed; it is normalised as a segment's are, looked up, and written nowhere.
"""

from __future__ import annotations

import click
from upath import UPath

from klaviyo_assets.cli.places import own_project
from klaviyo_assets.errors import KlaviyoAssetsError

STORAGE_HELP = "The storage to look into, a folder or a URL; default: that of the project in the working directory."


@click.command()
@click.argument("address")
@click.option("--storage", help=STORAGE_HELP)
def trace(address: str, storage: str | None) -> None:
    """Tell whether the person with this ADDRESS was sent to Klaviyo: by which exports, when, in which runs; or why not.

    Ends with 0 where anything is known of the person, with 1 where nothing is.
    """
    from klaviyo_assets.mapping import person_email
    from klaviyo_assets.orchestration.tracing import trace as trace_person

    try:
        root, declared = _look_where(storage)
        found = trace_person(person_email(address), storage=root, declared=declared)
    except (KlaviyoAssetsError, OSError) as error:
        raise click.ClickException(str(error)) from error
    for each in found:
        if each.lines:
            click.echo("\n  ".join([f"export {each.export}", *each.lines]))
    unknown = [each.export for each in found if not each.lines]
    if unknown or not found:
        click.echo(f"Nothing is known of this address in: {', '.join(unknown) or 'any export'}.")
    if len(unknown) == len(found):
        raise click.exceptions.Exit(1)


def _look_where(storage: str | None) -> tuple[UPath, list[str]]:
    """The storage, and the exports that are declared; none are known where another storage is named."""
    from klaviyo_assets.orchestration.folder_check import exports_in
    from klaviyo_assets.orchestration.storage import find_storage

    if storage is not None:
        root = UPath(storage)
        if not root.exists():
            raise click.UsageError(f"Found nothing at {storage}, expected a storage; name its folder or its URL.")
        return root, []
    project = own_project()
    return find_storage(project.root), sorted(export.name for export in exports_in(project))

"""The command `trace`: what was sent of one person.

The address is what somebody typed; it is normalised as a segment's are, looked up, and written nowhere.
"""

from __future__ import annotations

import click

from klaviyo_assets.cli.places import STORAGE_HELP, exports_here, find_root
from klaviyo_assets.errors import KlaviyoAssetsError


@click.command()
@click.argument("address")
@click.option("--storage", help=STORAGE_HELP)
def trace(address: str, storage: str | None) -> None:
    """Tell whether the person with this ADDRESS was sent to Klaviyo: by which exports, when, in which runs; or why not.

    Ends with 0 where anything is known of the person, with 1 where nothing is. Of who was forgotten it is told since
    when, and nothing else.
    """
    from klaviyo_assets.ledger import Forgotten
    from klaviyo_assets.mapping import person_email
    from klaviyo_assets.orchestration.tracing import trace as trace_person

    try:
        root, email = find_root(storage), person_email(address)
        # Of another storage it is not known which exports are declared.
        declared = [export.name for export in exports_here()] if storage is None else []
        found = trace_person(email, storage=root, declared=declared)
        since = Forgotten(root).since(email)
    except (KlaviyoAssetsError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if since is not None:
        click.echo(f"Forgotten since {since:%Y-%m-%d %H:%M} UTC; no export sends this person.")
        if any(each.lines for each in found):
            click.echo("Something of them is stored all the same: run `klaviyo-assets forget` once more.")
        return
    for each in found:
        if each.lines:
            click.echo("\n  ".join([f"export {each.export}", *each.lines]))
    unknown = [each.export for each in found if not each.lines]
    if unknown or not found:
        click.echo(f"Nothing is known of this address in: {', '.join(unknown) or 'any export'}.")
    if len(unknown) == len(found):
        raise click.exceptions.Exit(1)

"""The command `klaviyo-assets`: what is asked outside of Dagster.

Here arguments are read and answers printed; what is asked is answered by the functions below.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from klaviyo_assets.cli.places import own_project
from klaviyo_assets.errors import DeclarationError, KlaviyoAssetsError

if TYPE_CHECKING:
    from klaviyo_assets.ledger import Pause

_ELSEWHERE: Final = {
    "forget": "klaviyo_assets.cli.forgetting",
    "sandbox": "klaviyo_assets.sandbox.command",
    "trace": "klaviyo_assets.cli.people",
}


class _Commands(click.Group):
    """Commands of this module, and those that are imported only when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(importlib.import_module(_ELSEWHERE[cmd_name]), cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Klaviyo lists as Dagster assets."""


@main.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
def check(folder: Path | None) -> None:
    """Tell every mistake in every declaration, as file:line:column: what, expected, remedy.

    FOLDER holds the declarations; without it, those of the project in the working directory are checked. No variable
    that a declaration names needs to be set. Ledgers in the storage that no export uses are told, and are no mistakes.
    """
    # Dagster is imported only for what needs it.
    from klaviyo_assets.orchestration.folder_check import check_folder

    try:
        checked = check_folder(folder or _own_declarations())
    except DeclarationError as error:
        raise click.ClickException(str(error)) from error
    for mistake in checked.mistakes:
        click.echo(str(mistake))
    for warning in checked.warnings:
        click.echo(f"warning: {warning}")
    if checked.declaration_count == 0:
        click.echo(f"Found no declarations in {folder or 'the project'}, expected defs.yaml in it or below.")
        return
    mistakes, declarations = len(checked.mistakes), checked.declaration_count
    click.echo(f"{_counted(mistakes, 'mistake')} in {_counted(declarations, 'declaration')}")
    if mistakes:
        raise click.exceptions.Exit(1)


@main.command()
@click.argument("connection", required=False)
def pause(connection: str | None) -> None:
    """Send nothing any more, until it is resumed: by CONNECTION, or by any.

    A delivery that is under way ends within seconds, and what it did is recorded; its next run goes on from there.
    """
    try:
        pauses = _pauses_for(connection)
        pauses.begin(connection)
    except (KlaviyoAssetsError, OSError) as error:
        raise click.ClickException(str(error)) from error
    ending = f"klaviyo-assets resume {connection or ''}".strip()
    click.echo(f"Paused: {connection or 'everything'}. Nothing is sent until `{ending}`.")


@main.command()
@click.argument("connection", required=False)
def resume(connection: str | None) -> None:
    """Let CONNECTION send again, or all; runs that ended because of the pause are started again as usual."""
    try:
        pauses = _pauses_for(connection)
        pauses.end(connection)
        still = ", ".join(each or "everything" for each in pauses.connections())
    except (KlaviyoAssetsError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Resumed: {connection or 'everything'}." + (f" Still paused: {still}." if still else ""))


def _pauses_for(connection: str | None) -> Pause:
    """The marks of the project in the working directory, which has this connection."""
    from klaviyo_assets.ledger import Pause, Remembered
    from klaviyo_assets.orchestration.folder_check import connections_in
    from klaviyo_assets.orchestration.storage import storage_root

    project = own_project()
    storage = storage_root(project.root)
    known = {each.name for each in connections_in(project)} | Remembered(storage).connections()
    if connection is not None and connection not in known:
        names = ", ".join(sorted(known)) or "none"
        raise click.UsageError(f"Found no connection {connection!r}, expected one that is declared: {names}.")
    return Pause(storage)


def _own_declarations() -> Path:
    return own_project().defs


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

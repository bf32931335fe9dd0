"""The command `klaviyo-assets`: what is asked outside of Dagster.

Here arguments are read and answers printed; what is asked is answered by the functions below.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

import click

from klaviyo_assets.errors import DeclarationError

_ELSEWHERE: Final = {"sandbox": "klaviyo_assets.sandbox.command"}


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
    that a declaration names needs to be set.
    """
    # Dagster is imported only for what needs it.
    from klaviyo_assets.orchestration.folder_check import check_folder

    try:
        checked = check_folder(folder or _own_declarations())
    except DeclarationError as error:
        raise click.ClickException(str(error)) from error
    for mistake in checked.mistakes:
        click.echo(str(mistake))
    if checked.declaration_count == 0:
        click.echo(f"Found no declarations in {folder or 'the project'}, expected defs.yaml in it or below.")
        return
    mistakes, declarations = len(checked.mistakes), checked.declaration_count
    click.echo(f"{_counted(mistakes, 'mistake')} in {_counted(declarations, 'declaration')}")
    if mistakes:
        raise click.exceptions.Exit(1)


def _own_declarations() -> Path:
    from klaviyo_assets.orchestration.declarations.projects import find_project

    project = find_project(Path.cwd())
    if project is None:
        raise click.UsageError(
            "Found no Dagster project here, expected pyproject.toml or dg.toml with its settings in this folder or "
            "above; go there, or name the folder with the declarations."
        )
    return project.defs


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

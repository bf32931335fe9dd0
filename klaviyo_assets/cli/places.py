"""Where a command was called: the project in the working directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from klaviyo_assets.orchestration.declarations.projects import Project


def own_project() -> Project:
    """The project that the working directory is in.

    Raises:
        UsageError: there is none.
        DeclarationError: its configuration cannot be read.
    """
    # Dagster is imported only for what needs it.
    from klaviyo_assets.orchestration.declarations.projects import find_project

    project = find_project(Path.cwd())
    if project is None:
        raise click.UsageError(
            "Found no Dagster project here, expected pyproject.toml or dg.toml with its settings in this folder or "
            "above; go there, or name the folder with the declarations."
        )
    return project

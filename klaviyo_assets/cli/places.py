"""Where a command was called, and what it is about: the project in the working directory, and a storage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from upath import UPath

if TYPE_CHECKING:
    from klaviyo_assets.exports import Export
    from klaviyo_assets.orchestration.declarations.projects import Project

STORAGE_HELP: Final = "The storage, a folder or a URL; default: that of the project in the working directory."


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


def find_root(storage: str | None) -> UPath:
    """The storage of this name, or that of the project in the working directory.

    Raises:
        UsageError: there is none.
        DeclarationError: the project's configuration cannot be read.
    """
    from klaviyo_assets.orchestration.storage import find_storage

    if storage is None:
        return find_storage(own_project().root)
    root = UPath(storage)
    if not root.exists():
        raise click.UsageError(f"Found nothing at {storage}, expected a storage; name its folder or its URL.")
    return root


def exports_here() -> list[Export]:
    """The exports of the project in the working directory, by name; none where there is no project."""
    from klaviyo_assets.orchestration.declarations.projects import find_project
    from klaviyo_assets.orchestration.folder_check import exports_in

    project = find_project(Path.cwd())
    return sorted(exports_in(project), key=lambda export: export.name) if project else []

"""Where a Dagster project keeps its declarations, as its pyproject.toml or dg.toml says, without importing it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klaviyo_assets.errors import DeclarationError


@dataclass(frozen=True)
class Project:
    """A Dagster project on disk.

    Attributes:
        root: the folder with its configuration.
        defs: the folder with its definitions.
    """

    root: Path
    defs: Path


def find_project(start: Path) -> Project | None:
    """The project that a path is in; None where there is none.

    Raises:
        DeclarationError: the configuration is not TOML, or names a folder that is not there.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        for name in ("dg.toml", "pyproject.toml"):
            settings = _project_settings(folder / name)
            if settings:
                return Project(folder, _defs_folder(folder / name, settings))
    return None


def _project_settings(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        contents = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError(f"{file}: found what cannot be read as TOML ({error}), expected TOML") from error
    if file.name == "pyproject.toml":
        contents = contents.get("tool", {}).get("dg", {})
    settings: dict[str, Any] = contents.get("project", {})
    return settings


def _defs_folder(file: Path, settings: dict[str, Any]) -> Path:
    module = settings.get("defs_module") or f"{settings.get('root_module')}.defs"
    folders = [file.parent / base / Path(*module.split(".")) for base in ("", "src")]
    found = next((folder for folder in folders if folder.is_dir()), None)
    if found is None:
        raise DeclarationError(
            f"{file}: found the module {module}, expected its folder at {folders[0]} or {folders[1]}; "
            "make it, or correct root_module"
        )
    return found

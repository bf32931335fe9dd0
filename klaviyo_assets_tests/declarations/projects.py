"""Small Dagster projects for tests, and what is told of their declarations in both ways."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dagster as dg
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import DefsFolderSandbox, create_defs_folder_sandbox

from klaviyo_assets.errors import DeclarationError
from klaviyo_assets.orchestration.folder_check import check_folder

CONNECTION = """\
type: klaviyo_assets.KlaviyoConnectionComponent
attributes:
  name: contoso
  consent: {agreed_by: team:marketing, agreed_on: 2026-11-23}
"""
SEGMENT = """\
type: klaviyo_assets.SegmentComponent
attributes:
  name: vip
  source: {type: csv, path: data/vip.csv}
"""
EXPORT = """\
type: klaviyo_assets.KlaviyoExportComponent
attributes:
  name: vip
  connection: contoso
  list_id: YafG4m
  segments: [segments/vip]
  match: {email: EMail}
"""


@contextmanager
def project(files: Mapping[str, str]) -> Iterator[DefsFolderSandbox]:
    """A project with these files in its defs folder, by their paths within it."""
    with create_defs_folder_sandbox() as sandbox:
        for path, text in files.items():
            file = sandbox.defs_folder_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        yield sandbox


def told_by_check(sandbox: DefsFolderSandbox) -> list[str]:
    """What `klaviyo-assets check` tells, with paths within the defs folder."""
    return [_within(sandbox, str(mistake)) for mistake in check_folder(sandbox.defs_folder_path).mistakes]


def told_by_dagster(sandbox: DefsFolderSandbox) -> list[str]:
    """What loading the project tells, with paths within the defs folder; nothing where it loads."""
    try:
        load(sandbox)
    except ComponentTreeException as error:
        return [_within(sandbox, line) for line in str(_cause(error)).splitlines()]
    return []


def load(sandbox: DefsFolderSandbox) -> dg.Definitions:
    """The project's definitions, as Dagster makes and validates them."""
    with quiet(), sandbox.build_all_defs() as defs:
        dg.Definitions.validate_loadable(defs)
        return defs


@contextmanager
def quiet() -> Iterator[None]:
    """Without Dagster's own warnings, of calling what pydantic has deprecated."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"dagster\.")
        yield


def _cause(error: BaseException) -> DeclarationError:
    if isinstance(error, DeclarationError):
        return error
    if error.__cause__ is None:
        raise error
    return _cause(error.__cause__)


def _within(sandbox: DefsFolderSandbox, text: str) -> str:
    folder = sandbox.defs_folder_path
    return text.replace(f"{folder.resolve()}/", "").replace(f"{folder}/", "")

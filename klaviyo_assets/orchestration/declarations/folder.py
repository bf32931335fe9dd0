"""Every declaration in a folder, read without Dagster loading anything.

The folder is walked as Dagster walks it, so that a file which Dagster would pass over is told. Declarations made in
Python are not seen here. What is wrong between declarations is judged elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import dagster as dg
from dotenv import dotenv_values

from klaviyo_assets.exports import Declaration, Export, KlaviyoConnection, Segment
from klaviyo_assets.orchestration.declarations.documents import (
    ATTRIBUTES,
    Document,
    read_documents,
    shown_path,
)
from klaviyo_assets.orchestration.declarations.mistakes import PlacedMistake, closest, listed, shown
from klaviyo_assets.orchestration.declarations.reading import Read, read_declaration
from klaviyo_assets.orchestration.declarations.rendering import EnvironmentVariables, Scope

KINDS: Final[Mapping[str, type[Declaration]]] = {
    "KlaviyoConnectionComponent": KlaviyoConnection,
    "SegmentComponent": Segment,
    "KlaviyoExportComponent": Export,
}
FILE_NAMES: Final = ("defs.yaml", "defs.yml", "component.yaml")  # Dagster reads the first that there is

_OURS: Final = "klaviyo_assets."
_MODULES: Final = (_OURS, "klaviyo_assets.orchestration.components.")
_TYPES: Final = {f"{module}{name}": kind for module in _MODULES for name, kind in KINDS.items()}
_TOP_KEYS: Final = ("type", "attributes", "template_vars_module", "requirements", "post_processing")


def read_folder(folder: Path, *, project_root: Path) -> list[Read]:
    """Every document that is a declaration of ours, or that cannot be told to be another's.

    Args:
        folder: the project's definitions, or a part of them.
        project_root: what {{ context.project_root }} stands for.
    """
    return list(_Walk(project_root).visit(folder, passed_over=None))


@dataclass(frozen=True)
class _Walk:
    project_root: Path

    @cached_property
    def _variables(self) -> EnvironmentVariables:
        # Dagster's commands read this file, too.
        return EnvironmentVariables({**dotenv_values(self.project_root / ".env"), **os.environ})

    def visit(self, folder: Path, passed_over: Path | None) -> Iterator[Read]:
        """Reads a folder and those below it.

        Args:
            folder: the folder.
            passed_over: the file for which Dagster does not look in here; None where it does.
        """
        for name in FILE_NAMES:
            file = folder / name
            if file.is_file():
                documents = read_documents(file)
                yield from self._read(documents, passed_over)
                # Only a component that is a folder looks further down.
                if not any(_type_name(document).endswith("DefsFolderComponent") for document in documents):
                    passed_over = passed_over or file
        for below in sorted(folder.iterdir()):
            if below.is_dir() and below.name != "__pycache__" and not below.name.startswith("."):
                yield from self.visit(below, passed_over)

    def _read(self, documents: list[Document], passed_over: Path | None) -> Iterator[Read]:
        for document in documents:
            read = self._read_document(document)
            if read and passed_over:
                hidden = document.mistake(
                    (),
                    f"found a declaration that Dagster does not read, since it stops at {shown_path(passed_over)}, "
                    "expected one file on the way down; move it into a folder of its own beside that file's",
                )
                read = replace(read, mistakes=(hidden, *read.mistakes))
            if read:
                yield read

    def _read_document(self, document: Document) -> Read | None:
        if document.contents is None:
            return Read(document, None, document.mistakes)
        name = _type_name(document)
        if name and not name.startswith(_OURS):
            return None
        if name not in _TYPES:
            return Read(document, None, (_unknown_type(document, name),))
        unknown = tuple(_unknown_keys(document))
        if unknown and ATTRIBUTES not in document.contents:  # written wrong
            return Read(document, None, unknown)
        read = read_declaration(document, _TYPES[name], self._scope(document))
        return replace(read, mistakes=(*unknown, *read.mistakes))

    def _scope(self, document: Document) -> Scope:
        names = {
            **dg.ResolutionContext.default().scope,
            "env": self._variables,
            "context": SimpleNamespace(project_root=str(self.project_root)),
        }
        return Scope(names, is_complete="template_vars_module" not in document.contents)


def _type_name(document: Document) -> str:
    name = document.contents.get("type") if document.contents else None
    return name if isinstance(name, str) else ""


def _unknown_type(document: Document, name: str) -> PlacedMistake:
    types = [f"{_OURS}{kind}" for kind in KINDS]
    near = closest(name.rpartition(".")[2], KINDS)
    remedy = f"write type: {_OURS}{near}" if near else "write one of them"
    found = shown(name or document.contents.get("type"))
    return document.mistake(("type",), f"found {found}, expected {listed(types)}; {remedy}")


def _unknown_keys(document: Document) -> Iterator[PlacedMistake]:
    for key in document.contents:
        if key not in _TOP_KEYS:
            near = closest(key, _TOP_KEYS)
            remedy = f"write {near}" if near else "write it below attributes, or take it away"
            yield document.mistake((key,), f"found an unknown key, expected {listed(_TOP_KEYS)}; {remedy}")

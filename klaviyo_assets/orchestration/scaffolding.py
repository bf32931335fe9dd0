"""What `dg scaffold defs` writes: a complete file in which every attribute stands with its default and its meaning.

The text is in `templates/`, one file per component type; here it gets its name, and the names that it refers to.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from string import Template
from typing import Any, Final

import dagster as dg

from klaviyo_assets.exports import Declaration, KlaviyoConnection, Segment
from klaviyo_assets.orchestration.declarations.folder import read_folder
from klaviyo_assets.orchestration.declarations.projects import find_project

_TEMPLATES: Final = Path(__file__).parent / "templates"


class DeclarationScaffolder(dg.Scaffolder[Any]):
    """Writes defs.yaml for a connection, a segment or an export."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Writes the file, or appends a document to it; in Python, Dagster's own skeleton."""
        if request.scaffold_format == "python":
            dg.scaffold_component(request)
        elif request.append:
            with request.target_path.open("a", encoding="utf-8") as file:
                file.write(f"---\n{_fill(request.type_name, request.target_path.parent)}")
        else:
            text = _fill(request.type_name, request.target_path)
            (request.target_path / "defs.yaml").write_text(text, encoding="utf-8")


def _fill(type_name: str, folder: Path) -> str:
    component = type_name.rpartition(".")[2]
    template = (_TEMPLATES / f"{component}.yaml").read_text(encoding="utf-8")
    name = re.sub(r"\W+", "_", folder.name, flags=re.ASCII)
    declared = _declared(folder)
    connections = [each.name for each in declared if isinstance(each, KlaviyoConnection)]
    segments = [each.name for each in declared if isinstance(each, Segment)]
    return Template(template).substitute(
        type=type_name,
        name=name,
        connection=next(iter(connections), "my_connection"),
        segment=name if name in segments else next(iter(segments), name),
        today=date.today().isoformat(),  # noqa: DTZ011  the day on which a person here agrees
    )


def _declared(folder: Path) -> list[Declaration]:
    """What the project has already, so that an export can name it."""
    project = find_project(folder)
    reads = read_folder(project.defs, project_root=project.root) if project else []
    return [read.declaration for read in reads if read.declaration]

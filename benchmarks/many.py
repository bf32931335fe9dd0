"""A project of many exports, three to a connection, as YAML and in Python.

What is measured with it is in `loading`, what bare Dagster has to load for the same in `bare`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import dagster as dg

from benchmarks.bare import PER_CONNECTION
from klaviyo_assets import Export, KlaviyoConnection, Segment, build_defs

PACKAGE: Final = "many_exports"
_COMPONENTS: Final = {
    "connections": "klaviyo_assets.KlaviyoConnectionComponent",
    "segments": "klaviyo_assets.SegmentComponent",
    "exports": "klaviyo_assets.KlaviyoExportComponent",
}
_BARE_COMPONENT: Final = "benchmarks.bare.BareComponent"


def declarations(export_count: int) -> dict[str, list[dict[str, Any]]]:
    """The attributes of each declaration, by kind."""
    connections = -(-export_count // PER_CONNECTION)
    consent = {"agreed_by": "ada@example.com", "agreed_on": "2026-11-23"}
    return {
        "connections": [{"name": f"c{number}", "consent": consent} for number in range(connections)],
        "segments": [
            {"name": f"s{number}", "source": {"type": "parquet", "path": f"data/s{number}.parquet"}}
            for number in range(export_count)
        ],
        "exports": [
            {
                "name": f"e{number}",
                "connection": f"c{number // PER_CONNECTION}",
                "list_name": f"List {number}",
                "segments": [f"segments/s{number}"],
                "match": {"email": "EMail"},
            }
            for number in range(export_count)
        ],
    }


def write_project(folder: Path, export_count: int, *, is_bare: bool = False) -> None:
    """A package with a folder for each declaration, and the sources of the segments."""
    (folder / "data").mkdir(parents=True)
    package = folder / PACKAGE
    for kind, declared in declarations(export_count).items():
        for attributes in declared:
            place = package / kind / attributes["name"]
            place.mkdir(parents=True)
            document = {"type": _BARE_COMPONENT if is_bare else _COMPONENTS[kind], "attributes": attributes}
            if is_bare:
                document["attributes"] = {"kind": kind, "name": attributes["name"]}
            (place / "defs.yaml").write_text(json.dumps(document))  # which is YAML
            if kind == "segments":
                (folder / attributes["source"]["path"]).write_bytes(b"as good as any")
    (package / "__init__.py").touch()


def ours(export_count: int, folder: Path) -> dg.Definitions:
    """The same project in Python."""
    declared = declarations(export_count)
    return build_defs(
        connections=[KlaviyoConnection.model_validate(each) for each in declared["connections"]],
        segments=[Segment.model_validate(each) for each in declared["segments"]],
        exports=[Export.model_validate(each) for each in declared["exports"]],
        project_root=folder,
    )

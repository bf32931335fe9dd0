"""What `dg scaffold defs` writes is complete, tells the real defaults, and loads as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster.components.component_scaffolding import scaffold_object
from dagster.components.testing import DefsFolderSandbox
from pydantic import BaseModel

from klaviyo_assets.orchestration import scaffolding
from klaviyo_assets.orchestration.declarations.documents import read_documents
from klaviyo_assets.orchestration.declarations.folder import KINDS
from klaviyo_assets_tests.declarations.projects import load, project, told_by_check

TEMPLATES = Path(scaffolding.__file__).parent / "templates"
OFFERED = re.compile(r"^( *)# ( *[a-z_0-9]+:)(?= |$)|^( *)# ( *Loyalty tier:)", re.MULTILINE)


def scaffold(sandbox: DefsFolderSandbox, component: str, folder: str, *, append: bool = False) -> Path:
    """Scaffolds as the command does, and gives the file."""
    path = sandbox.defs_folder_path / folder
    scaffold_object(
        path=path / "defs.yaml" if append else path,
        typename=f"klaviyo_assets.{component}",
        json_params=None,
        scaffold_format="yaml",
        project_root=sandbox.project_root,
        append=append,
    )
    return path / "defs.yaml"


def offered(component: str, tmp_path: Path) -> tuple[dict[str, Any], str]:
    """The attributes of a template with everything that it offers taken in, and its text then."""
    text = (TEMPLATES / f"{component}.yaml").read_text(encoding="utf-8")
    whole = OFFERED.sub(lambda found: "".join(filter(None, found.groups())), text)
    file = tmp_path / "defs.yaml"
    file.write_text(re.sub(r"\$\w+", "word", whole), encoding="utf-8")
    (document,) = read_documents(file)
    assert document.mistakes == ()
    return document.contents["attributes"], whole


def names_in(attributes: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Every attribute with its path, but not the custom properties."""
    for name, value in attributes.items():
        yield f"{path}{name}"
        if isinstance(value, Mapping) and name != "properties":
            yield from names_in(value, f"{path}{name}.")


def names_of(schema: Mapping[str, Any], definitions: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Every attribute of a model with its path, by its schema."""
    choices = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    for choice in choices:
        model = definitions[choice["$ref"].rpartition("/")[2]] if "$ref" in choice else choice
        for name, part in model.get("properties", {}).items():
            yield f"{path}{name}"
            yield from names_of(part, definitions, f"{path}{name}.")


@pytest.mark.parametrize("component", KINDS)
def test_a_template_offers_every_attribute(component: str, tmp_path: Path) -> None:
    """Each attribute of the model stands in the template, and no other does."""
    schema = KINDS[component].model_json_schema()
    attributes, _ = offered(component, tmp_path)

    assert set(names_of(schema, schema.get("$defs", {}))) == set(names_in(attributes))


@pytest.mark.parametrize("component", KINDS)
def test_a_template_tells_the_real_defaults(component: str, tmp_path: Path) -> None:
    """What a template calls a default is the model's."""
    attributes, whole = offered(component, tmp_path)
    told = re.findall(r"^ *([a-z_]+): \S+  # default(?:;|:|$)", whole, re.MULTILINE)
    defaults = dict(_defaults(KINDS[component], attributes))

    assert told
    for name in told:
        given, default = defaults[name]
        assert default == given, name


def _defaults(model: type[BaseModel], attributes: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name, field in model.model_fields.items():
        if name in attributes and isinstance(field.default, BaseModel):
            yield from _defaults(type(field.default), attributes[name])
        elif name in attributes:
            yield name, (attributes[name], field.default)


@pytest.mark.parametrize("component", ["KlaviyoConnectionComponent", "SegmentComponent"])
def test_what_is_scaffolded_loads(component: str) -> None:
    """A connection or a segment is right as it is scaffolded, and is named after its folder."""
    with project({}) as sandbox:
        file = scaffold(sandbox, component, "my-first one")

        assert "name: my_first_one" in file.read_text(encoding="utf-8")
        assert told_by_check(sandbox) == []
        load(sandbox)


def test_a_scaffolded_export_names_what_the_project_has() -> None:
    """After a connection and a segment, an export is right as it is scaffolded, and uses them."""
    with project({}) as sandbox:
        scaffold(sandbox, "KlaviyoConnectionComponent", "contoso")
        scaffold(sandbox, "SegmentComponent", "vip_customers")
        scaffold(sandbox, "KlaviyoExportComponent", "vip")

        assert told_by_check(sandbox) == []
        jobs = {job.name for job in load(sandbox).resolve_all_job_defs()}
    assert {"export_vip", "verify_contoso"} <= jobs


def test_a_scaffolded_export_runs_by_hand_until_a_line_is_taken_away() -> None:
    """Nothing is sent before somebody has looked: no sensor starts the export, and run_all_exports passes over it."""
    with project({}) as sandbox:
        scaffold(sandbox, "KlaviyoConnectionComponent", "contoso")
        scaffold(sandbox, "SegmentComponent", "vip_customers")
        file = scaffold(sandbox, "KlaviyoExportComponent", "vip")

        assert started_by_itself(load(sandbox)) == {"vip_customers_source_refreshed"}
        file.write_text(re.sub(r"^  schedule: off .*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE))
        by_itself = started_by_itself(load(sandbox))
    assert by_itself == {"vip_customers_source_refreshed", "vip_segments_refreshed", "run_all_exports"}


def started_by_itself(definitions: dg.Definitions) -> set[str]:
    """The sensors of a project, and the job of what runs by itself."""
    repository = definitions.get_repository_def()
    jobs = {job.name for job in repository.get_all_jobs()}
    return {sensor.name for sensor in repository.sensor_defs} | (jobs & {"run_all_exports"})


def test_a_scaffolded_export_prefers_the_segment_of_its_own_name() -> None:
    """Where a segment is called as the export, it is the one."""
    with project({}) as sandbox:
        scaffold(sandbox, "SegmentComponent", "all")
        scaffold(sandbox, "SegmentComponent", "vip")

        assert "segments: [segments/vip]" in scaffold(sandbox, "KlaviyoExportComponent", "vip").read_text()


def test_an_export_scaffolded_first_tells_what_it_lacks() -> None:
    """Without connection and segment the file is written, and the check says what to declare."""
    with project({}) as sandbox:
        scaffold(sandbox, "KlaviyoExportComponent", "vip")
        told = told_by_check(sandbox)

    assert len(told) == 2
    assert all("declare it with type: klaviyo_assets." in line for line in told)


def test_a_document_can_be_appended() -> None:
    """A second document goes into the same file, after ---."""
    with project({}) as sandbox:
        scaffold(sandbox, "KlaviyoConnectionComponent", "contoso")
        file = scaffold(sandbox, "SegmentComponent", "contoso", append=True)

        kinds = [document.contents["type"] for document in read_documents(file)]
        assert kinds == ["klaviyo_assets.KlaviyoConnectionComponent", "klaviyo_assets.SegmentComponent"]
        assert told_by_check(sandbox) == []

"""The component types in Dagster: their documentation, declarations in Python beside YAML, and what they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import cycle
from typing import Any

import dagster as dg
import pytest
from pydantic import TypeAdapter

import klaviyo_assets
from klaviyo_assets.errors import DeclarationError
from klaviyo_assets.orchestration.components import (
    DeclarationComponent,
    KlaviyoConnectionComponent,
    KlaviyoExportComponent,
    SegmentComponent,
)
from klaviyo_assets.orchestration.declarations.folder import KINDS
from klaviyo_assets_tests.declarations.projects import (
    CONNECTION,
    EXPORT,
    SEGMENT,
    load,
    project,
    quiet,
    told_by_dagster,
)
from klaviyo_assets_tests.declarations.test_crosscheck import connection, export, segment

TYPES: list[type[DeclarationComponent[Any]]] = [KlaviyoConnectionComponent, SegmentComponent, KlaviyoExportComponent]
IN_PYTHON = """\
import dagster as dg
from klaviyo_assets import Consent, KlaviyoConnection, KlaviyoConnectionComponent


@dg.component_instance
def load(context: dg.ComponentLoadContext) -> KlaviyoConnectionComponent:
    consent = Consent(agreed_by="team:marketing", agreed_on="2026-11-23")
    return KlaviyoConnectionComponent(KlaviyoConnection(name="contoso", consent=consent))
"""


WITHIN_ANOTHER = """\
import dagster as dg
from klaviyo_assets import FileSource, Segment, SegmentComponent


class Theirs(dg.Component):
    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        segment = Segment(name="vip", source=FileSource(type="csv", path="data/vip.csv"))
        return SegmentComponent(segment).build_defs(context)


@dg.component_instance
def load(context: dg.ComponentLoadContext) -> Theirs:
    return Theirs()
"""


def undescribed(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Every attribute without a description, at any depth."""
    for choice in [schema, *schema.get("anyOf", ())]:
        for name, part in choice.get("properties", {}).items():
            if not part.get("description"):
                yield f"{path}{name}"
            yield from undescribed(part, f"{path}{name}.")


def test_the_check_knows_the_types() -> None:
    """The kinds that the check reads are those of the components, under the names that Dagster finds them by."""
    assert {each.__name__: each.declares for each in TYPES} == KINDS
    assert all(getattr(klaviyo_assets, name).__name__ == name for name in KINDS)


@pytest.mark.parametrize("component", TYPES, ids=lambda each: each.__name__)
def test_every_attribute_is_documented(component: type[DeclarationComponent[Any]]) -> None:
    """Dagster's pages and editors get each attribute with a description, in one schema without references."""
    schema = component.get_model_cls().model_json_schema()

    assert set(component.declares.model_fields) == set(schema["properties"])
    assert list(undescribed(schema)) == []
    assert "$ref" not in str(schema)
    assert schema == TypeAdapter(component.get_model_cls()).json_schema()
    assert component.get_description()


def test_a_declaration_in_python_stands_beside_yaml() -> None:
    """A connection that is made in Python is known to an export in YAML."""
    files = {"contoso.py": IN_PYTHON, "vip/defs.yaml": SEGMENT, "export/defs.yaml": EXPORT}
    with project(files) as sandbox:
        assert "klaviyo_contoso" in (load(sandbox).resources or {})


def test_annotations_as_text_are_understood() -> None:
    """Dagster does not see a component's type behind postponed annotations, and we find it all the same."""
    files = {
        "contoso.py": f"from __future__ import annotations\n{IN_PYTHON}",
        "all/defs.yaml": SEGMENT + "---\n" + EXPORT,
    }
    with project(files) as sandbox:
        assert told_by_dagster(sandbox) == []


def test_clashes_with_python_are_told_where_there_is_a_file() -> None:
    """Two of one name, one in Python and one in YAML, are told at the place in YAML, or by name."""
    with project({"a/defs.yaml": CONNECTION, "b.py": IN_PYTHON}) as sandbox:
        (told,) = told_by_dagster(sandbox)

    assert told.startswith('connection contoso: name: found "contoso"')
    assert told.endswith("(the other: a/defs.yaml:3:3)")


def test_a_component_within_another_knows_the_rest() -> None:
    """A component that only somebody else's component makes is checked with those of the project."""
    with project({"b.py": WITHIN_ANOTHER}) as sandbox:
        assert told_by_dagster(sandbox) == []
    with project({"a/defs.yaml": SEGMENT, "b.py": WITHIN_ANOTHER}) as sandbox:
        (told,) = told_by_dagster(sandbox)

    assert told.startswith('segment vip: name: found "vip", the name of another segment too')


def test_all_clashes_of_a_project_are_told_at_once() -> None:
    """Whichever component is built first, it tells what is wrong between all of them."""
    files = {"a/defs.yaml": CONNECTION, "b/defs.yaml": CONNECTION, "c/defs.yaml": EXPORT}
    with project(files) as sandbox:
        told = told_by_dagster(sandbox)

    assert [line.partition(": ")[0] for line in told] == ["b/defs.yaml:3:3", "c/defs.yaml:6:14"]


def test_exports_share_one_job_for_all() -> None:
    """However many exports there are, there is one run_all_exports, and an export's own job for each."""
    exports = {f"{n}/defs.yaml": EXPORT.replace("name: vip", f"name: e{n}") for n in range(3)}
    with project({"a/defs.yaml": CONNECTION, "b/defs.yaml": SEGMENT, **exports}) as sandbox:
        jobs = [job.name for job in load(sandbox).resolve_all_job_defs() if not job.name.startswith("__")]

    assert sorted(jobs) == ["export_e0", "export_e1", "export_e2", "run_all_exports", "verify_contoso"]


def test_a_changed_project_is_seen_when_it_is_loaded_again() -> None:
    """What was known of a project's declarations ends with its tree."""
    with project({"a/defs.yaml": CONNECTION, "b/defs.yaml": SEGMENT, "c/defs.yaml": EXPORT}) as sandbox:
        assert told_by_dagster(sandbox) == []
        (sandbox.defs_folder_path / "a" / "defs.yaml").write_text(CONNECTION.replace("contoso", "fabrikam"))
        assert len(told_by_dagster(sandbox)) == 1


def test_a_component_can_be_built_alone() -> None:
    """Without a project around it, a component knows itself only."""
    with quiet():
        built = dg.build_defs_for_component(SegmentComponent(segment()))
        with pytest.raises(DeclarationError, match="export vip: connection"):
            dg.build_defs_for_component(KlaviyoExportComponent(export()))

    assert [dg.AssetKey(["segments", "vip"])] == [spec.key for spec in built.resolve_all_asset_specs()]


@pytest.mark.parametrize("attributes", [{"name": "v-ip"}, {}])
def test_attributes_without_a_file_are_told_too(attributes: dict[str, Any]) -> None:
    """Dagster may hand over attributes that stand in no file; their mistakes have no line."""
    with quiet(), pytest.raises(DeclarationError, match=r"(?s)^declaration: .*found nothing, expected"):
        SegmentComponent.from_attributes_dict(attributes=attributes)


def test_a_component_shows_no_address() -> None:
    """What Dagster may print of a component holds nobody's address."""
    component = KlaviyoExportComponent(export(owners=["ada@contoso.com"]))

    assert "vip" in repr(component)
    assert "@" not in repr(component)
    assert "@" not in repr(connection().model_copy(update={"consent": _consent()}))


def _consent() -> klaviyo_assets.Consent:
    return klaviyo_assets.Consent(agreed_by="ada@contoso.com", agreed_on="2026-11-23")


def test_no_names_collide_in_dagster() -> None:
    """Names that look like parts of each other's definitions make different definitions all the same."""
    names = [
        "a",
        "a_",
        "_a",
        "export_a",
        "a_schedule",
        "a_refresh",
        "a_source",
        "a_segments",
        "a_deferred",
        "a__list",
        "all_exports",
        "run_all_exports",
        "klaviyo_a",
        "segments",
        "type",
    ]
    definitions = klaviyo_assets.build_defs(
        connections=[connection(name) for name in names],
        segments=[segment(name, refresh="0 5 * * *") for name in names],
        exports=[
            export(name, connection=name, segments=[f"segments/{name}"], schedule=schedule)
            for name, schedule in zip(names, cycle(["every_refresh", "0 6 * * *"]), strict=False)
        ],
    )
    repository = definitions.get_repository_def()
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]

    on_cron = len(names) // 2  # a schedule and a sensor; the others have a sensor alone
    assert len(repository.sensor_defs) + len(repository.schedule_defs) == 3 * len(names) + on_cron
    assert len(jobs) == 2 * len(names) + 1

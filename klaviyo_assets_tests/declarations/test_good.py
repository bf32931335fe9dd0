"""A right declaration is told nothing, loads in Dagster, and is what Dagster's own schema says it may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dagster.components.testing import DefsFolderSandbox
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from klaviyo_assets.exports import Export
from klaviyo_assets.orchestration.components import KlaviyoExportComponent
from klaviyo_assets.orchestration.declarations.documents import read_documents
from klaviyo_assets.orchestration.declarations.folder import KINDS
from klaviyo_assets.orchestration.declarations.schema import attributes_model
from klaviyo_assets_tests.declarations.projects import load, project, quiet, told_by_check

HERE = Path(__file__).parent
GOOD = sorted((HERE / "good").glob("*.yaml"))
FOREIGN = """\
import dagster as dg

KEYS = ["a", "b", "c", "crm/partners", "customers", "newsletter.subscribers"]


def foreign(key: str) -> dg.AssetsDefinition:
    @dg.asset(key=dg.AssetKey.from_user_string(key))
    def customers() -> None: ...

    return customers


assets = [foreign(key) for key in KEYS]
"""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LIST_ID": "123e45", "MANY": "2000", "PAUSE": "true"}.items():
        monkeypatch.setenv(name, value)
    for name in ("STAGE", "FOLDER"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def case_project(case: Path) -> Iterator[DefsFolderSandbox]:
    """A project with this file, and with the assets of somebody else's that it names."""
    with project({"case/defs.yaml": case.read_text(encoding="utf-8"), "foreign.py": FOREIGN}) as sandbox:
        yield sandbox


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.stem)
def test_nothing_is_told(case: Path) -> None:
    """The check finds nothing, and Dagster loads it."""
    with case_project(case) as sandbox:
        assert told_by_check(sandbox) == []
        assert load(sandbox).component_tree is not None


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.stem)
def test_the_schema_takes_it(case: Path) -> None:
    """The schema that Dagster and editors get has nothing against it, templates and bare words included."""
    for document in read_documents(case):
        kind = KINDS[document.contents["type"].removeprefix("klaviyo_assets.")]
        schema = attributes_model(kind).model_json_schema()

        assert list(Draft202012Validator(schema).iter_errors(document.contents["attributes"])) == []


def export_of(name: str) -> Export:
    """The only export of a file, as Dagster loads it."""
    with (
        case_project(HERE / "good" / f"{name}.yaml") as sandbox,
        quiet(),
        sandbox.build_component_tree() as tree,
    ):
        (component,) = tree.get_all_components(KlaviyoExportComponent)
    return component.declaration


def test_templates_give_what_stands_behind_them() -> None:
    """Text stays text, though it looks like a number, and other types are read from it."""
    export = export_of("templates")

    assert export.list_id == "123e45"
    assert export.match.opted_in == "Newsletter"
    assert export.limits.max_profiles == 2000
    assert export.allow_flows
    assert export.enabled


def test_what_is_declared_is_what_exports_are_made_of() -> None:
    """The attributes of the example are in the export, where a misread one would be its default."""
    export = export_of("interface_example")

    assert export.field_map.opted_in == "NewsletterConsent"
    assert export.renamed_from == "old_name"


def test_bare_off_switches_the_schedule_off() -> None:
    """YAML's false is the word off where a schedule is meant."""
    assert export_of("detached_with_foreign_segments").schedule == "off"


def test_star_alone_stands_for_all_other_columns() -> None:
    """The short form of properties, and the form among others, mean the same."""
    assert export_of("detached_with_foreign_segments").fields.properties == {"*": "*"}
    assert export_of("crons").fields.properties == {"*": "*", "Last order": "last_order"}


def test_merged_keys_may_be_written_over() -> None:
    """What YAML merges in is no second time of a key."""
    assert export_of("anchors").fields.properties == {"city": "Town"}

"""The assets that hold customers: what they hold, and what is told about it."""

from __future__ import annotations

from typing import Any

import dagster as dg
import polars as pl
import pytest

from klaviyo_assets.exports import CONSENT_MEANING
from klaviyo_assets_tests.orchestration.projects import (
    PEOPLE,
    Project,
    connection,
    export,
    failure_of,
    metadata_of,
    segment,
)

PROFILES = "klaviyo/vip/profiles"
REJECTIONS = "klaviyo/vip/rejections"


def test_segment(project: Project) -> None:
    """A segment's asset holds the rows of its source, and tells columns, count, place and refresh mark."""
    project.write_source(PEOPLE, Points=[1, 2, 3])
    result = project.materialize("segments/vip")
    assert project.read("segments/vip").equals(pl.read_parquet(project.root / "vip.parquet"))
    told = metadata_of(result, "segments/vip")
    assert told["dagster/row_count"] == 3
    assert told["dagster/uri"] == str(project.root / "storage" / "segments" / "vip.parquet")
    assert told["refresh_mark"]
    assert [(column.name, column.type) for column in told["dagster/column_schema"].columns] == [
        ("EMail", "String"),
        ("Points", "Int64"),
    ]


def test_profiles_and_rejections(project: Project) -> None:
    """Every row of the segments is in the profiles or the rejections; each tells its counts by rule, in words."""
    project.exports = [export(fields={"phone_number": "Phone"})]
    project.write_source(["Ada@Example.com ", "bob@example.com", None], Phone=["+37120000000", "12", None])
    assert project.materialize("segments/vip").success
    result = project.materialize(PROFILES, REJECTIONS)
    assert set(project.read(PROFILES)["email"]) == {"ada@example.com", "bob@example.com"}
    assert project.read(REJECTIONS)["row"].to_list() == [2]
    profiles, rejections = metadata_of(result, PROFILES), metadata_of(result, REJECTIONS)
    assert (profiles["dagster/row_count"], rejections["dagster/row_count"]) == (2, 1)
    assert "| phone_invalid | 1 | The phone number is not in international form" in profiles["rules"]
    assert "| email_missing | 1 | " in rejections["rules"]


def test_columns_and_lineage(project: Project) -> None:
    """The profiles tell for each column which columns of which segments it came from, and the field map as a table."""
    project.segments = [segment("vip"), segment("new")]
    project.exports = [
        export(
            segments=["segments/vip", "segments/new"], fields={"external_id": "Id", "properties": {"Tier|s": "Tier"}}
        )
    ]
    for name in ("vip", "new"):
        project.write_source([f"{name}@example.com"], segment=name, Id=[name], Tier=["gold"])
        assert project.materialize(f"segments/{name}").success
    told = metadata_of(project.materialize(PROFILES, REJECTIONS), PROFILES)
    described = {column.name: column.description for column in told["dagster/column_schema"].columns}
    assert described["email"].startswith("← EMail; ")
    assert described["payload"].startswith("← EMail, Id, Tier; ")
    lineage = told["dagster/column_lineage"].deps_by_column
    found = {column: {(d.asset_key.to_user_string(), d.column_name) for d in deps} for column, deps in lineage.items()}
    both = ("segments/vip", "segments/new")
    assert found == {
        "email": {(key, "EMail") for key in both},
        "external_id": {(key, "Id") for key in both},
        "payload": {(key, column) for key in both for column in ("EMail", "Id", "Tier")},
    }
    assert "| properties.Tier\\|s | `Tier` |" in told["field_map"]


def test_lineage_of_all_other_columns(project: Project) -> None:
    """With `*` the payload comes from every column of the segment."""
    project.exports = [export(fields={"properties": "*"})]
    project.write_source(PEOPLE, Points=[1, 2, 3])
    assert project.materialize("segments/vip").success
    told = metadata_of(project.materialize(PROFILES, REJECTIONS), PROFILES)
    names = {dep.column_name for dep in told["dagster/column_lineage"].deps_by_column["payload"]}
    assert names == {"EMail", "Points"}
    assert "| properties.* | all other columns |" in told["field_map"]


def test_the_column_with_the_consent_is_told_and_not_sent(project: Project) -> None:
    """The field map names it, and the payload does not come from it, with `*` neither."""
    project.exports = [export(match={"email": "EMail", "opted_in": "Consent"}, fields={"properties": "*"})]
    project.write_source(PEOPLE, Points=[1, 2, 3], Consent=[True, False, True])
    assert project.materialize("segments/vip").success
    told = metadata_of(project.materialize(PROFILES, REJECTIONS), PROFILES)
    names = {dep.column_name for dep in told["dagster/column_lineage"].deps_by_column["payload"]}
    assert names == {"EMail", "Points"}
    assert "| opted_in (not sent) | `Consent` |" in told["field_map"]
    assert project.read(REJECTIONS).select("row", "rule").rows() == [(1, "not_opted_in")]


@pytest.mark.parametrize("lazy", [True, False], ids=["LazyFrame", "DataFrame"])
def test_frame_of_another_asset(project: Project, lazy: bool) -> None:
    """An asset of somebody else's that holds a frame, through an IO manager of their own, is a segment."""

    @dg.asset(key=["theirs", "people"])
    def people() -> Any:
        frame = pl.DataFrame({"EMail": PEOPLE})
        return frame.lazy() if lazy else frame

    project.others = [dg.Definitions([people])]
    project.exports = [export(segments=["theirs/people"])]
    assert project.materialize("theirs/people").success
    assert project.materialize(PROFILES, REJECTIONS).success
    assert project.read(PROFILES)["segment"].to_list() == ["theirs/people"] * 3


@pytest.mark.parametrize("held", [[1, 2], None, "text"], ids=["list", "None", "str"])
def test_no_frame(project: Project, held: Any) -> None:
    """An asset that holds something else fails the mapping with what was found, what is expected, and what to do."""

    @dg.asset(key=["theirs", "people"], io_manager_key="io_manager")
    def people() -> Any:
        return held

    project.others = [dg.Definitions([people])]
    project.exports = [export(segments=["theirs/people"])]
    project.materialize("theirs/people")
    told = failure_of(project.materialize(PROFILES, REJECTIONS))
    assert f"theirs/people holds a builtins.{type(held).__name__}, expected a Polars DataFrame or LazyFrame" in told


@pytest.mark.parametrize(
    ("change", "owners"),
    [
        ({}, ["ada@contoso.com", "team:crm"]),
        ({"owners": ["team:marketing"]}, ["team:marketing"]),
        ({"connection": "b"}, ["ada@contoso.com"]),
        ({"connection": None}, []),
    ],
    ids=["the connection's", "the export's", "who agreed", "detached"],
)
def test_owners(project: Project, change: dict[str, Any], owners: list[str]) -> None:
    """An export is owned by whom it names, else by the administrators of its connection, or who agreed for it."""
    people = {"administrators": ["ada@contoso.com", "team:crm"], "contributors": "team:marketing"}
    project.connections = [connection(usable_by="contributors", **people), connection(name="b")]
    project.exports = [export(**change)]
    ours = [spec for spec in project.defs.resolve_all_asset_specs() if spec.group_name == "klaviyo"]
    assert len(ours) == 3
    assert all(list(spec.owners) == owners for spec in ours)


def test_every_asset_explains_itself(project: Project) -> None:
    """Assets have a description, kinds, and the tags by which those of one export or connection are selected."""
    specs = {spec.key.to_user_string(): spec for spec in project.defs.resolve_all_asset_specs()}
    assert all(spec.description for spec in specs.values())
    assert specs["segments/vip"].kinds == {"polars", "parquet"}
    assert specs[PROFILES].kinds == {"polars", "parquet"}
    assert specs["klaviyo/vip/list"].kinds == {"klaviyo"}
    assert specs["klaviyo/vip/list"].tags["klaviyo_assets/connection"] == "main"
    assert specs[REJECTIONS].tags["klaviyo_assets/export"] == "vip"
    assert "| email | `EMail` |" in (specs[PROFILES].description or "")


@pytest.mark.parametrize("change", [{}, {"connection": None}], ids=["active", "detached"])
def test_a_list_tells_its_connection_and_the_consent(project: Project, change: dict[str, Any]) -> None:
    """The list's asset names the connection with its type, and says what was agreed to; a detached one says so."""
    project.connections = [connection(display_name="Newsletter")]
    project.exports = [export(**change)]
    (spec,) = [spec for spec in project.defs.resolve_all_asset_specs() if spec.key.path[-1] == "list"]
    description = spec.description or ""
    is_attached = "connection" not in change
    assert ("Newsletter (Klaviyo)" in description) is is_attached
    assert (f"Consent of 2026-11-23: {CONSENT_MEANING}" in description) is is_attached
    assert spec.metadata.get("connection") == ("Newsletter (Klaviyo)" if is_attached else None)
    assert ("detached" in description) is not is_attached
    assert "@" not in description


def test_no_signature_in_a_description(project: Project) -> None:
    """What follows the question mark in a source's address is not shown: it may be a signature."""
    source = {"type": "parquet", "path": "https://data.example.com/vip.parquet?sig=secret"}
    project.segments = [segment(source=source)]
    (spec,) = [spec for spec in project.defs.resolve_all_asset_specs() if spec.group_name == "segments"]
    assert "data.example.com/vip.parquet`" in (spec.description or "")
    assert "secret" not in (spec.description or "")

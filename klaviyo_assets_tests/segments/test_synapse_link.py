"""Folders of Synapse Link for Dataverse: who is a member, by what a refresh is known, and what is not read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from klaviyo_assets.errors import SourceMissing, SourceUnreadable
from klaviyo_assets.exports import SynapseLinkSource
from klaviyo_assets.segments import SynapseLinkReader, reading
from klaviyo_assets_tests.segments.written import csv_bytes, entity, partition, write, write_model

PROFILES, MEMBERSHIPS = "msdynci_customerprofile", "msdynci_segmentmembership"
LINK = {"SinkCreatedOn": "dateTime", "SinkModifiedOn": "dateTime"}
PROFILE = {
    "Id": "guid",
    **LINK,
    "msdynci_customerprofileid": "guid",
    "msdynci_customerid": "string",
    "msdynci_email": "string",
    "msdynci_points": "int64",
}
MEMBERSHIP = {
    "Id": "guid",
    **LINK,
    "msdynci_segmentmembershipid": "guid",
    "msdynci_customerid": "string",
    "msdynci_segments": "string",
}
TIMES = ["11/23/2026 3:22:04 PM", "11/23/2026 3:22:04 PM"]  # as the link writes them
SEGMENTS: Mapping[str, Any] = {
    "c1": {"Segments": ["Vip", "Lapsed"]},
    "c2": ["Vip"],
    "c3": {"Segments": ["Vip plus", 'a "Vip"'], "Vip": ["x"]},
    "c4": {"Segments": []},
    "c5": {"Segments": ["Lapsed", "Vip"]},
}


def write_link(
    root: Path,
    segments: Mapping[str, Any] = SEGMENTS,
    *,
    snapshot: str = "2026-01_1",
    deleted: Mapping[str, str] | None = None,
    again: tuple[str, ...] = (),
) -> None:
    """The folder as the link writes it: model.json points to a snapshot of each table, without headers."""
    more = {} if deleted is None else {"IsDelete": "boolean"}
    marks = deleted or {}
    tables: dict[str, list[list[str | None]]] = {PROFILES: [], MEMBERSHIPS: []}
    for number, (customer, names) in enumerate([*segments.items(), *((each, segments[each]) for each in again)]):
        mark: list[str | None] = [marks.get(customer, "False")] if more else []
        tables[PROFILES].append(
            [f"p{customer}", *TIMES, f"p{customer}", customer, f"{customer}@example.com", str(number), *mark]
        )
        tables[MEMBERSHIPS].append([f"m{customer}", *TIMES, f"m{customer}", customer, json.dumps(names), *mark])
    entities = []
    for table, attributes in ((PROFILES, PROFILE), (MEMBERSHIPS, MEMBERSHIP)):
        name = f"{table}/Snapshot/{snapshot}/{table}.csv"
        write(root / "link" / name, csv_bytes(None, tables[table], quote_all=True))
        location = f"https://lake.dfs.core.windows.net/dataverse-contoso-org/{name}"
        entities.append(entity({**attributes, **more}, [partition(location, refresh_time=None)], name=table))
    write_model(root / "link", *entities)


def reader(root: Path, segment: str = "Vip") -> SynapseLinkReader:
    """The reader of a segment in that folder."""
    return SynapseLinkReader(SynapseLinkSource(type="synapse_link", path="link", segment=segment), root)


@pytest.mark.parametrize(
    ("segment", "members"),
    [("Vip", ["c1", "c2", "c5"]), ("Lapsed", ["c1", "c5"]), ("Vip plus", ["c3"]), ('a "Vip"', ["c3"])],
)
def test_members(segment: str, members: list[str], tmp_path: Path) -> None:
    """The profiles of those whose JSON lists the segment, by its whole name and in either form, come in their order."""
    write_link(tmp_path)

    customers = reader(tmp_path, segment).read_customers().collect(engine="streaming")

    assert customers["msdynci_customerid"].to_list() == members
    assert customers["msdynci_email"].to_list() == [f"{member}@example.com" for member in members]


def test_frame_is_streamed(tmp_path: Path) -> None:
    """No part of the frame's plan needs all profiles at once."""
    write_link(tmp_path)

    plan = reader(tmp_path).read_customers().show_graph(engine="streaming", plan_stage="physical", raw_output=True)

    assert plan is not None
    assert "semi-join" in plan
    assert "in-memory-map" not in plan


def test_columns(tmp_path: Path) -> None:
    """The columns are those of the profiles, in their types, without those that tell of the copy."""
    write_link(tmp_path)

    schema = reader(tmp_path).read_customers().collect_schema()

    assert schema.names() == [name for name in PROFILE if name not in LINK]
    assert schema["msdynci_points"] == pl.Int64


@pytest.mark.parametrize("segment", ["vip", "Nobody"])
def test_segment_of_nobody(segment: str, tmp_path: Path) -> None:
    """A name that no customer's row lists is told with those that are listed, and is not an empty segment."""
    write_link(tmp_path)

    told = f"No customer is in segment '{segment}', expected one of: Lapsed, Vip, Vip plus, a \"Vip\"; correct the segm"
    with pytest.raises(SourceUnreadable, match=told):
        reader(tmp_path, segment).read_customers()


CHANGES: Mapping[str, tuple[Callable[[Path], object], bool]] = {
    "nothing": (lambda root: None, False),
    "a new snapshot": (lambda root: write_link(root, snapshot="2026-01_2"), True),
    "another size": (lambda root: write_link(root, {"c1": ["Vip"]}), True),
    "the profiles alone": (lambda root: write(root / f"link/{PROFILES}/Snapshot/2026-01_1/{PROFILES}.csv", b""), True),
    "the memberships alone": (
        lambda root: write(root / f"link/{MEMBERSHIPS}/Snapshot/2026-01_1/{MEMBERSHIPS}.csv", b""),
        True,
    ),
    "an older snapshot's file": (lambda root: write(root / f"link/{PROFILES}/Snapshot/2026-01_0/x.csv", b""), False),
}


@pytest.mark.parametrize(("change", "changes"), CHANGES.values(), ids=CHANGES.keys())
def test_mark(change: Callable[[Path], object], changes: bool, tmp_path: Path) -> None:
    """The mark changes with the files of both tables that model.json points to, and with no other."""
    write_link(tmp_path)
    before = reader(tmp_path).read_refresh_mark()

    change(tmp_path)

    assert (reader(tmp_path).read_refresh_mark() != before) == changes


def test_in_place_updates(tmp_path: Path) -> None:
    """Tables that mark deleted rows are read where none is marked and none comes twice."""
    write_link(tmp_path, deleted={})

    customers = reader(tmp_path).read_customers().collect()

    assert customers["msdynci_customerid"].to_list() == ["c1", "c2", "c5"]
    assert "IsDelete" not in customers.columns


@pytest.mark.parametrize(("deleted", "again"), [({"c1": "True"}, ()), ({}, ("c2",))])
def test_append_only(deleted: dict[str, str], again: tuple[str, ...], tmp_path: Path) -> None:
    """Tables that keep what was deleted or replaced are refused, since who left would still be there."""
    write_link(tmp_path, deleted=deleted, again=again)

    with pytest.raises(SourceUnreadable, match=f"'{PROFILES}' keeps rows that were deleted or replaced, expected one"):
        reader(tmp_path).read_customers()


def test_nothing_there(tmp_path: Path) -> None:
    """Where no model.json is, both methods say where it was looked for."""
    for method in (reader(tmp_path).read_customers, reader(tmp_path).read_refresh_mark):
        with pytest.raises(SourceMissing, match=r"Nothing is found at link/model.json .*expected the model.json"):
            method()


def test_table_is_not_linked(tmp_path: Path) -> None:
    """A link that lacks one of the two tables, or a column of one, is told by its name."""
    write_model(tmp_path / "link", entity(PROFILE, [], name="account"), entity(MEMBERSHIP, [], name=MEMBERSHIPS))
    with pytest.raises(SourceUnreadable, match=f"has no entity '{PROFILES}', expected one of: account, {MEMBERSHIPS}"):
        reader(tmp_path).read_refresh_mark()

    write_model(tmp_path / "link", entity(LINK, [], name=PROFILES), entity(MEMBERSHIP, [], name=MEMBERSHIPS))
    with pytest.raises(SourceUnreadable, match=f"'{PROFILES}' has no column 'msdynci_customerid', expected one"):
        reader(tmp_path).read_customers()


def test_names_that_are_no_json(tmp_path: Path) -> None:
    """A list of segments that is cut off is told, and quotes nobody."""
    write_link(tmp_path)
    file = tmp_path / f"link/{MEMBERSHIPS}/Snapshot/2026-01_1/{MEMBERSHIPS}.csv"
    file.write_text(file.read_text().replace('[""Vip""]"', '[""ada@example.com"'))

    with pytest.raises(SourceUnreadable, match="Segment 'Vip' of Synapse Link cannot be read") as failure, reading("x"):
        reader(tmp_path).read_customers().collect()
    assert "example.com" not in str(failure.value)

"""Mapping as a step: what it reads and when, that it streams, and what it promises of its frames and words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from klaviyo_assets.exports import FieldMap
from klaviyo_assets.frames import PROFILES, REJECTIONS
from klaviyo_assets.mapping import RULES, WARNINGS, Mapped, map_profiles
from klaviyo_assets_tests.mapping.mapped import field_map, mapped

CUSTOMERS = pl.DataFrame(
    {
        "email": [
            "Ada@example.com",
            "bob@example.com ",
            "bob@example.com",
            None,
            "carl@münchen.de",
            "dora@example.com",
        ],
        "id": ["1", "2", "1", "4", "5", "1"],
        "phone": ["+371 2000 0000", "", None, "1", "2", "x"],
        "name": ["Ada", None, 'B "b"', "", "Carl", "Dora"],
        "score": [1.0, None, 0.5, 2.0, 3.0, -0.0],
        "tags": [["a"], [], None, ["b"], ["c"], ["d", None]],
    }
)
FIELDS = field_map(
    phone_number="phone", external_id="id", first_name="name", properties={"score": "score", "tags": "tags"}
)


def lazy(customers: pl.DataFrame, how: str, folder: Path) -> pl.LazyFrame:
    """The customers as a lazy frame that comes from where `how` says."""
    if how == "parquet":
        customers.write_parquet(folder / "c.parquet")
        return pl.scan_parquet(folder / "c.parquet")
    if how == "ndjson":
        customers.write_ndjson(folder / "c.ndjson")
        return pl.scan_ndjson(folder / "c.ndjson", schema=customers.schema)
    if how == "two files":
        customers.head(2).write_parquet(folder / "1.parquet")
        customers.tail(-2).write_parquet(folder / "2.parquet")
        return pl.scan_parquet(folder / "*.parquet")
    return customers.lazy().filter(pl.lit(True))


@pytest.mark.parametrize("how", ["memory", "parquet", "ndjson", "two files"])
@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_it_does_not_matter_where_customers_come_from(how: str, engine: Any, tmp_path: Path) -> None:
    """Frames in memory and scans give the same, collected by either engine, and as rows they stand in order."""
    expected = mapped(CUSTOMERS, FIELDS)

    made = map_profiles({"segments/vip": lazy(CUSTOMERS, how, tmp_path)}, FIELDS)

    assert made.profiles.collect(engine=engine).equals(expected[0])
    assert made.rejections.collect(engine=engine).equals(expected[1])


def test_the_example_is_mapped_as_one_would_expect() -> None:
    """Rules, precedence, shared identifiers and payloads together, on one small segment."""
    profiles, rejections = mapped(CUSTOMERS, FIELDS)

    assert profiles.rows() == [
        (
            "ada@example.com",
            None,
            '{"type":"profile","attributes":{"email":"ada@example.com","phone_number":"+37120000000",'
            '"first_name":"Ada","properties":{"score":1,"tags":["a"]}}}',
            "segments/vip",
            0,
            "external_id_shared",
        ),
        (
            "bob@example.com",
            None,
            '{"type":"profile","attributes":{"email":"bob@example.com","first_name":"B \\"b\\"",'
            '"properties":{"score":0.5}}}',
            "segments/vip",
            2,
            "external_id_shared",
        ),
        (
            "dora@example.com",
            None,
            '{"type":"profile","attributes":{"email":"dora@example.com","first_name":"Dora",'
            '"properties":{"score":0,"tags":["d"]}}}',
            "segments/vip",
            5,
            "phone_invalid,external_id_shared",
        ),
    ]
    assert rejections.select("row", "rule").rows() == [
        (1, "email_duplicate"),
        (3, "email_missing"),
        (4, "email_not_ascii"),
    ]


def test_a_segment_may_be_empty() -> None:
    """Of no customers there are no profiles and no rejections, with their schemas all the same."""
    profiles, rejections = mapped(CUSTOMERS.clear(), FIELDS)

    assert (len(profiles), profiles.schema) == (0, PROFILES)
    assert (len(rejections), rejections.schema) == (0, REJECTIONS)


def test_every_rule_has_a_reason_in_words() -> None:
    """Rules and warnings have names of their own, and each a sentence without an address in it."""
    assert not RULES.keys() & WARNINGS.keys()
    assert list(RULES)[:2] == ["not_opted_in", "email_missing"]
    assert list(RULES)[2:] == ["email_not_ascii", "email_invalid", "email_duplicate", "too_large"]
    assert list(WARNINGS)[:4] == ["phone_invalid", "phone_shared", "external_id_too_long", "external_id_shared"]
    assert list(WARNINGS)[4:] == ["latitude_invalid", "longitude_invalid"]
    for name, words in {**RULES, **WARNINGS}.items():
        assert re.fullmatch(r"[a-z_]+", name)
        assert re.fullmatch(r"[A-Z][^@]+\.", words)


def physical_nodes(frame: pl.LazyFrame) -> list[str]:
    """The nodes by which the streaming engine computes the frame."""
    graph = frame.show_graph(plan_stage="physical", engine="streaming", raw_output=True)
    assert graph is not None
    return re.findall(r'label="([a-z-]+)', graph)


STREAMING_NODES = {
    "anti-join",
    "equi-join",
    "filter",
    "in-memory-source",
    "multi-scan",
    "ordered-union",
    "select",
    "simple-projection",
    "with-columns",
    "with-row-index",
}


@pytest.fixture
def scanned(tmp_path: Path) -> Mapped:
    """What is made of two segments in files, with every sort of field."""
    segments = {}
    for name in ("a", "b"):
        CUSTOMERS.write_parquet(tmp_path / f"{name}.parquet")
        segments[f"segments/{name}"] = pl.scan_parquet(tmp_path / f"{name}.parquet")
    fields = FieldMap("email", FIELDS.attributes, {"latitude": "score", "city": "name"}, {}, True, opted_in="phone")
    return map_profiles(segments, fields)


@pytest.mark.parametrize("frame", ["profiles", "rejections"])
def test_each_frame_streams_in_one_pass(scanned: Mapped, frame: str) -> None:
    """The plans hold no step that needs all rows at once, and read each segment once."""
    nodes = physical_nodes(getattr(scanned, frame))

    assert set(nodes) <= STREAMING_NODES
    assert nodes.count("multi-scan") == 2


def test_rejections_do_not_build_payloads(scanned: Mapped) -> None:
    """Of the files, the rejections read the addresses and who agreed only."""
    assert scanned.rejections.explain().count("PROJECT 2/6 COLUMNS") == 2
    assert "to_json" not in scanned.rejections.explain()

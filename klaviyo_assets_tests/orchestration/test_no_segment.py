"""What is no segment, or none yet, is told as such, and its export sends nothing: P2 and L2 of the product's page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.orchestration.projects import Project, export, failure_of, segment
from klaviyo_assets_tests.segments.test_synapse_link import write_link
from klaviyo_assets_tests.segments.written import csv_bytes, entity, partition, write, write_model

FEED = {"type": "customer_insights", "path": "feed", "entity": "Vip"}
LINK = {"type": "synapse_link", "path": "link", "segment": "Vips"}
ATTRIBUTES = {"CustomerId": "string", "EMail": "string"}


def write_feed(*entities: Mapping[str, Any]) -> Callable[[Path], object]:
    """A folder of Customer Insights that describes these entities."""
    return lambda root: write_model(root / "feed", *entities)


def write_measure(root: Path) -> None:
    """A folder of Customer Insights in which the entity is a measure: it has no addresses."""
    write(root / "feed" / "Vip_1.csv", csv_bytes(None, [["c1", "530.25"]]))
    described = entity({"CustomerId": "string", "LifetimeSpend": "decimal"}, [partition("Vip_1.csv")], name="Vip")
    write_model(root / "feed", described)


def write_nothing(root: Path) -> None:
    """The source is not there."""


CASES: Mapping[str, tuple[dict[str, Any], Callable[[Path], object], str]] = {
    "no file": (segment().model_dump()["source"], write_nothing, "Nothing is found at vip.parquet"),
    "no folder": (FEED, write_nothing, "model.json"),
    "no such segment": (
        FEED,
        write_feed(entity(ATTRIBUTES, [], name="Lapsed")),
        "has no entity 'Vip', expected one of: Lapsed",
    ),
    "inactive": (FEED, write_feed(entity(ATTRIBUTES, [], name="Vip")), "activate and refresh the segment"),
    "never refreshed": (FEED, write_feed(entity(ATTRIBUTES, [partition(None)], name="Vip")), "was never refreshed"),
    "no such segment by Synapse Link": (LINK, write_link, "No customer is in segment 'Vips', expected one of: "),
}


@pytest.fixture
def klaviyo(project: Project, sandbox: RunningSandbox) -> RunningSandbox:
    """The project's account, with a good key."""
    project.exports = [export(list_name=None, list_id=sandbox.create_list("Vips"))]
    return sandbox


@pytest.mark.parametrize(("source", "prepare", "sentence"), CASES.values(), ids=CASES)
def test_no_segment(
    project: Project,
    klaviyo: RunningSandbox,
    source: dict[str, Any],
    prepare: Callable[[Path], object],
    sentence: str,
) -> None:
    """A segment that is not there, is inactive or was never refreshed is told, read or exported; nothing is sent."""
    project.segments = [segment(source=source)]
    prepare(project.root)
    assert sentence in failure_of(project.materialize("segments/vip"))
    told = failure_of(project.run_job())
    assert "Asset segments/vip is not stored at " in told
    assert "materialize it first" in told
    assert klaviyo.requests() == []


def test_measure(project: Project, klaviyo: RunningSandbox) -> None:
    """A table that holds no addresses, as a measure, is told by the column that it lacks; nothing is sent."""
    project.segments = [segment(source=FEED)]
    write_measure(project.root)
    assert project.materialize("segments/vip").success
    assert "'EMail'" in failure_of(project.run_job())
    assert klaviyo.requests() == []


@pytest.mark.parametrize(
    "name",
    ["Customer", "Customer_Measure", "UnifiedActivity", "AlternateKey", "SegmentMembership", "Deduplication_crm_a"],
)
def test_only_segments(name: str) -> None:
    """The tables that Customer Insights makes of all customers cannot be declared as a segment."""
    with pytest.raises(ValidationError, match="expected the output entity of a segment"):
        segment(source={**FEED, "entity": name})
    assert segment(source={**FEED, "entity": f"{name} of Riga".removeprefix("Deduplication_")})

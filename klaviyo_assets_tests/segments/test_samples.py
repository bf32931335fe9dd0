"""The samples of Customer Insights' formats, where they lie beside the project."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from klaviyo_assets.exports import CustomerInsightsSource
from klaviyo_assets.segments import SegmentReader, open_source

_ROOT = Path(__file__).parents[2]
_FEEDS = sorted((_ROOT.parent / "shared/customer_insights").glob("blob_export/**/KlaviyoFeed"))

pytestmark = pytest.mark.skipif(not _FEEDS, reason="the samples are not on this machine")


def _open(entity: str) -> SegmentReader:
    # Unchecked, since a segment may not be declared of the table of all customers; a reader reads any.
    source = CustomerInsightsSource.model_construct(type="customer_insights", path=str(_FEEDS[0]), entity=entity)
    return open_source(source, root=_ROOT)


def test_entity_without_header() -> None:
    """The newest refresh of the segment is read, with the types that model.json declares."""
    customers = _open("HighValueSegment").read_customers().collect()

    assert customers.height == 4
    assert customers.schema["DateOfBirth"] == pl.Datetime("us", "UTC")
    assert customers["LifetimeValue"].to_list() == [Decimal("530.25"), Decimal("12.50"), None, None]
    assert customers["RewardPoints"].to_list() == [1200, 15, None, 3]
    assert customers["NewsletterConsent"].to_list() == [True, None, None, True]
    assert customers["DateOfBirth"][0] == datetime(1984, 2, 11, tzinfo=UTC)
    assert customers["EMail"].to_list() == ["holly@contoso.com", "zoë.müller@exämple.de", None, "HOLLY@contoso.com"]


def test_entity_with_header() -> None:
    """Headers are no customers, and quotes and commas in a name stay where they are."""
    customers = _open("Customer").read_customers().collect()

    assert customers.height == 5
    assert customers["FullName"][1] == 'Frank "Frankie" O\'Neil, Jr.'
    assert customers["EMail"][1] == "Frank@Contoso.com "


def test_marks_differ() -> None:
    """Each entity has its own mark."""
    assert _open("Customer").read_refresh_mark() != _open("HighValueSegment").read_refresh_mark()

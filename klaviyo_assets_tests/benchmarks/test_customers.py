"""The customers of each case."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks.cases import Case, member_count
from benchmarks.customers import changed_customers, customers, leavers

COUNTS = [20, 200, 12_345]


@pytest.mark.parametrize("count", COUNTS)
def test_case(count: int) -> None:
    """A hundredth changes, then a hundredth leaves, each time somebody; nobody else is touched."""
    first, unchanged, changed, left = (customers(count, case).collect() for case in Case)
    assert first.equals(unchanged)
    differing = changed.filter(pl.Series([a != b for a, b in zip(first.rows(), changed.rows(), strict=True)]))
    assert differing.equals(changed_customers(count))
    assert 1 <= differing.height <= count // 100 + 1
    assert pl.concat([leavers(count), left]).equals(changed)
    assert left.height == member_count(Case.LEFT, count) < count


def test_customers_are_people() -> None:
    """All addresses, numbers and ids are different, and some fields are empty."""
    frame = customers(1_000, Case.FIRST).collect()
    assert all(frame[column].n_unique() == 1_000 for column in ("EMail", "Mobile", "CustomerId"))
    assert all(0 < frame[column].null_count() < 1_000 for column in ("LastName", "Title", "tier"))

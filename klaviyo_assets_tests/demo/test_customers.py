"""The sample data: both refreshes can be read, hold the dirt that they are for, and differ as they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from demo.customers import write_first_refresh, write_second_refresh
from klaviyo_assets.exports import CustomerInsightsSource, FileSource
from klaviyo_assets.segments import SegmentReader, open_source

HIGH_VALUE = CustomerInsightsSource(type="customer_insights", path="customer_insights", entity="HighValueCustomers")
READERS = FileSource(type="parquet", path="newsletter_readers.parquet")
WELL_FORMED = r"^[^\s@()]+@[^\s@]+\.[a-z]+$"
NAMES = pl.concat_str("FirstName", "LastName", ignore_nulls=True)


@pytest.fixture(scope="module", params=[1, 2], ids=["first refresh", "second refresh"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample data after one refresh, and after both."""
    folder = tmp_path_factory.mktemp("data")
    write_first_refresh(folder)
    if request.param == 2:
        write_second_refresh(folder)
    return folder


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sample data as it was on the first day, and on the second."""
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    write_first_refresh(first)
    write_first_refresh(second)
    write_second_refresh(second)
    return first, second


def _open(source: CustomerInsightsSource | FileSource, folder: Path) -> SegmentReader:
    return open_source(source, root=folder)


def _high_value(folder: Path) -> pl.DataFrame:
    return _open(HIGH_VALUE, folder).read_customers().collect()


def _readers(folder: Path) -> pl.DataFrame:
    return _open(READERS, folder).read_customers().collect()


def _address(email: str) -> pl.Expr:
    return pl.col(email).str.strip_chars().str.to_lowercase()


def _dirt_of_addresses(email: str) -> dict[str, pl.Expr]:
    written, address = pl.col(email), _address(email)
    filled = address != ""
    return {
        "missing": written.is_null(),
        "blank": address == "",
        "mixed case": written != written.str.to_lowercase(),
        "padded": filled & (written != written.str.strip_chars()),
        "invalid": filled & ~address.str.contains(WELL_FORMED),
        "international": address.str.contains(r"@.*[^\x00-\x7f]"),
        "twice": filled & address.is_duplicated(),
    }


def _dirt_of_phones(phone: str) -> dict[str, pl.Expr]:
    digits = pl.col(phone).str.replace_all(r"[ ()-]", "")
    return {
        "good phone": digits.str.contains(r"^\+[1-9]\d{6,14}$"),
        "bad phone": (digits != "") & ~digits.str.starts_with("+"),
    }


HIGH_VALUE_DIRT = {
    **_dirt_of_addresses("EMail"),
    **_dirt_of_phones("Telephone"),
    "quote in a name": NAMES.str.contains('"', literal=True),
    "comma in a name": NAMES.str.contains(",", literal=True),
    "line break in a name": NAMES.str.contains("\n", literal=True),
    "letters beyond ASCII": NAMES.str.contains(r"[^\x00-\x7f]"),
    **{
        f"no {name}": pl.col(name).is_null()
        for name in ("FirstName", "LastName", "Telephone", "City", "DateOfBirth", "RewardPoints", "LifetimeValue")
    },
}
READERS_DIRT = {
    **_dirt_of_addresses("email"),
    **_dirt_of_phones("mobile"),
    "not a number": pl.col("score").is_nan(),
    "infinity": pl.col("score").is_infinite(),
    "no birthday": pl.col("birthday").is_null(),
    "empty list": pl.col("topics").list.len() == 0,
    "empty field of a struct": pl.col("address").struct.field("city").is_null(),
}


@pytest.mark.parametrize("dirt", HIGH_VALUE_DIRT.values(), ids=HIGH_VALUE_DIRT.keys())
def test_high_value_customers_hold_dirt(dirt: pl.Expr, folder: Path) -> None:
    """Each kind of dirt stands in some of the rows, and not in most."""
    assert 0 < _high_value(folder).select(dirt.sum()).item() < 3_500


@pytest.mark.parametrize("dirt", READERS_DIRT.values(), ids=READERS_DIRT.keys())
def test_newsletter_readers_hold_dirt(dirt: pl.Expr, folder: Path) -> None:
    """Each kind of dirt stands in some of the rows, and not in most."""
    assert 0 < _readers(folder).select(dirt.sum()).item() < 2_000


def test_sizes_and_types(folder: Path) -> None:
    """Some thousands of rows each, in the types that the two kinds of source state."""
    high_value, readers = _high_value(folder), _readers(folder)

    assert high_value.height == pytest.approx(4_000, rel=0.01)
    assert readers.height == pytest.approx(2_500, rel=0.01)
    assert high_value["CustomerId"].str.contains("^[0-9a-f]{32}$").all()
    assert high_value["CustomerId"].is_unique().all()
    assert isinstance(high_value.schema["LifetimeValue"], pl.Decimal)
    assert isinstance(high_value.schema["DateOfBirth"], pl.Datetime)
    kinds = {type(dtype) for dtype in readers.schema.values()}
    assert kinds >= {pl.List, pl.Struct, pl.Decimal, pl.Date, pl.Datetime, pl.Float64}


def test_one_address_under_two_ids(folder: Path) -> None:
    """An address that stands twice belongs to two rows with different ids."""
    twice = _high_value(folder).filter(HIGH_VALUE_DIRT["twice"]).group_by(_address("EMail")).n_unique()

    assert (twice["CustomerId"] > 1).any()


def test_nobody_is_real(folder: Path) -> None:
    """Every address is below a domain that is reserved for examples (RFC 2606)."""
    addresses = pl.concat(
        [_high_value(folder).select(_address("EMail").alias("email")), _readers(folder).select(_address("email"))]
    ).filter(pl.col("email").str.contains("@", literal=True))

    assert addresses["email"].str.contains(r"[@.]example\.(com|org|net)$").all()


@pytest.mark.parametrize(
    ("read", "key"), [(_high_value, "CustomerId"), (_readers, "reader_id")], ids=["high value", "readers"]
)
def test_refreshes_differ(read: Callable[[Path], pl.DataFrame], key: str, days: tuple[Path, Path]) -> None:
    """About three in a hundred join, leave and change with the second refresh."""
    first, second = (read(day) for day in days)
    stayed = first.join(second, on=key, how="inner")

    joined = second.height - stayed.height
    left = first.height - stayed.height
    changed = stayed.height - first.join(second, on=first.columns, how="semi", nulls_equal=True).height

    assert {"joined", "left", "changed"} == {
        name
        for name, count in {"joined": joined, "left": left, "changed": changed}.items()
        if 0.02 < count / first.height < 0.04
    }


@pytest.mark.parametrize("source", [HIGH_VALUE, READERS], ids=["high value", "readers"])
def test_marks_differ(source: CustomerInsightsSource | FileSource, days: tuple[Path, Path]) -> None:
    """The second refresh is seen by the mark."""
    first, second = (_open(source, day).read_refresh_mark() for day in days)

    assert first != second


def test_first_partitions_remain(days: tuple[Path, Path]) -> None:
    """The second refresh leaves the partitions of the first where they are, and model.json names its own."""
    first, second = ({path.relative_to(day) for path in day.rglob("*.csv")} for day in days)
    model = json.loads((days[1] / "customer_insights/model.json").read_bytes())
    named = {partition["location"].rpartition("/")[0] for partition in model["entities"][0]["partitions"]}

    assert len(first) == 2
    assert first < second
    assert len(named) == 1
    assert not any(str(path.parent) in name for path in first for name in named)


def test_nothing_is_left_over(days: tuple[Path, Path]) -> None:
    """Writing leaves no temporary file behind."""
    names = {path.name for path in days[1].rglob("*") if path.is_file()}

    assert names == {"model.json", "newsletter_readers.parquet", "HighValueCustomers_1.csv", "HighValueCustomers_2.csv"}


def test_always_the_same(days: tuple[Path, Path], tmp_path: Path) -> None:
    """What is written is the same whenever it is written."""
    write_first_refresh(tmp_path)

    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert path.read_bytes() == (days[0] / path.relative_to(tmp_path)).read_bytes()

"""Sample customers, with the dirt that real data has: two segments, each in two refreshes, the same for every seed.

    demo/data/customer_insights/          a folder as Customer Insights writes it: model.json beside CSV partitions,
                                          one dated folder per refresh; entity HighValueCustomers
    demo/data/newsletter_readers.parquet  a table as a data team has it: lists, structs, decimals, dates

Nobody in it exists: every address ends in a domain that is reserved for examples.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import click
import polars as pl

SEED: Final = 20261123
HIGH_VALUE_COUNT: Final = 4_000
READERS_COUNT: Final = 2_500
NEW_SHARE: Final = 0.03  # of each segment: join, change or leave with the second refresh
EVERY: Final = round(1 / NEW_SHARE)
ENTITY: Final = "HighValueCustomers"
HOST: Final = "https://contosodata.blob.core.windows.net/exports/CustomerInsights_demo/KlaviyoFeed"
REFRESHED: Final = ("2026-11-22T05:00:41.1112223+00:00", "2026-11-23T05:00:39.9876543+00:00")

FIRST: Final = ("Ada", "Anna-Maria", "Bérénice", "Chiamaka", "Dmitrijs", "Frank", "Holly", "Jānis", "Nguyễn", "Zoë")
LAST: Final = (
    "Bērziņa",
    "Dickson",
    'Mc"Quote"',
    "Müller",
    "O'Neil, Jr.",
    "Okafor",
    "Ozoliņš",
    "Smith",
    "van\nDijk",
    "Ōta",
)
PLACES: Final = (("Riga", "LV"), ("München", "DE"), ("New York, NY", "US"), ("Lagos", "NG"), ("Ōsaka", "JP"), ("", ""))
DOMAINS: Final = ("example.com", "mail.example.org", "example.net")
# Well-formed, and nobody's: no operator gives out numbers in these ranges.
PHONES: Final = ("+371 1{:07}", "+49 (0)10 {:07}", "+1-555-5{:06}", "+44 1000 {:06}", "12{:05}", "n/a", "", "")
TYPES: Final = {
    "DateOfBirth": "dateTime",
    "RewardPoints": "int64",
    "LifetimeValue": "decimal",
    "NewsletterConsent": "boolean",
}


def write_first_refresh(folder: Path) -> None:
    """Write both segments as they were on the first day."""
    _write_customer_insights(folder / "customer_insights", _high_value().head(HIGH_VALUE_COUNT), refresh=0)
    _write_parquet(folder / "newsletter_readers.parquet", _readers().head(READERS_COUNT))


def write_second_refresh(folder: Path) -> None:
    """Write both segments as they were a day later: some joined, some left, some changed."""
    worth = pl.col("LifetimeValue") + Decimal("99.50")
    high_value = _a_day_later(_high_value(), HIGH_VALUE_COUNT, LifetimeValue=worth)
    _write_customer_insights(folder / "customer_insights", high_value, refresh=1)
    readers = _a_day_later(_readers(), READERS_COUNT, topics=pl.lit(["news", "offers"]))
    _write_parquet(folder / "newsletter_readers.parquet", readers)


def _a_day_later(everybody: pl.DataFrame, count: int, **changed: pl.Expr) -> pl.DataFrame:
    """Who was there without one in `EVERY`, changed for another, and with who is new."""
    place = pl.int_range(pl.len())
    return everybody.with_columns(
        pl.when(place % EVERY == 1).then(value).otherwise(name).alias(name) for name, value in changed.items()
    ).filter((place >= count) | (place % EVERY != 0))


def _high_value() -> pl.DataFrame:
    """High-value customers, with those at the end who join later; columns as Customer Insights names them."""
    count = _with_new(HIGH_VALUE_COUNT)
    chance = random.Random(SEED)  # noqa: S311
    first, last = _names(chance, count)
    places = chance.choices(PLACES, k=count)
    return pl.DataFrame(
        {
            "CustomerId": [f"{chance.getrandbits(128):032x}" for _ in range(count)],
            "FirstName": first,
            "LastName": last,
            "EMail": _addresses(chance, count, "vip"),
            "Telephone": _phones(chance, count),
            "City": [city for city, _ in places],
            "Country": [country for _, country in places],
            "DateOfBirth": _sometimes(
                chance, [_day(chance, 1940, 60).isoformat() + "T00:00:00Z" for _ in range(count)]
            ),
            "RewardPoints": _sometimes(chance, [chance.randrange(5_000) for _ in range(count)]),
            "LifetimeValue": _sometimes(chance, [Decimal(chance.randrange(900_000)) / 100 for _ in range(count)]),
            "NewsletterConsent": chance.choices(["True", "False", ""], k=count),
        },
        schema_overrides={"LifetimeValue": pl.Decimal(12, 2)},
    )


def _readers() -> pl.DataFrame:
    """Readers of the newsletter, with those at the end who join later; columns as a data team has them."""
    count = _with_new(READERS_COUNT)
    chance = random.Random(SEED + 1)  # noqa: S311
    first, last = _names(chance, count)
    places = chance.choices(PLACES, k=count)
    scores = [chance.random() for _ in range(count - 2)]
    return pl.DataFrame(
        {
            "reader_id": range(70_000, 70_000 + count),
            "email": _addresses(chance, count, "reader"),
            "first_name": first,
            "last_name": last,
            "mobile": _phones(chance, count, first=500_000),
            "birthday": _sometimes(chance, [_day(chance, 1950, 50) for _ in range(count)]),
            "signed_up": [datetime(2024, 1, 1) + timedelta(minutes=chance.randrange(10**6)) for _ in range(count)],  # noqa: DTZ001
            "spent": [Decimal(chance.randrange(10**6)) / 1000 for _ in range(count)],
            "score": [*scores[:2], float("nan"), float("inf"), *scores[2:]],
            "topics": [chance.sample(["news", "offers", "travel", "wine"], chance.randrange(4)) for _ in range(count)],
            "address": [{"city": city or None, "country": country or None} for city, country in places],
        },
        schema_overrides={"spent": pl.Decimal(12, 3)},
    ).with_columns(pl.col("signed_up").dt.replace_time_zone("UTC"))


def _with_new(count: int) -> int:
    return count + round(count * NEW_SHARE)


def _names(chance: random.Random, count: int) -> tuple[Sequence[Any], Sequence[Any]]:
    return _sometimes(chance, chance.choices(FIRST, k=count)), _sometimes(chance, chance.choices(LAST, k=count))


def _addresses(chance: random.Random, count: int, who: str) -> list[str | None]:
    """Addresses of which about one in ten is blank, invalid, international, doubled, or oddly written."""
    clean = [f"{who}.{number}@{chance.choice(DOMAINS)}" for number in range(count)]
    kinds = chance.choices(
        ["clean", "mixed", "padded", "blank", "missing", "invalid", "international", "doubled"],
        weights=[90, 3, 2, 1, 1, 1, 0.5, 1.5],
        k=count,
    )
    return [
        _dirty(kind, address, clean[number // 2])
        for number, (kind, address) in enumerate(zip(kinds, clean, strict=True))
    ]


def _dirty(kind: str, address: str, other: str) -> str | None:
    name = address.partition("@")[0]
    written = {
        "mixed": address.title(),
        "padded": f"  {address}\u00a0",
        "blank": "   ",
        "missing": None,
        "invalid": f"{name}(at)example.com",
        "international": f"{name}@bücher.example.org",
        "doubled": other.upper(),
    }
    return written.get(kind, address)


def _phones(chance: random.Random, count: int, *, first: int = 0) -> list[str]:
    return [chance.choice(PHONES).format(number) for number in range(first, first + count)]


def _sometimes(chance: random.Random, values: Sequence[Any]) -> list[Any]:
    """The values, with one in twelve missing."""
    return [value if chance.random() > 1 / 12 else None for value in values]


def _day(chance: random.Random, year: int, years: int) -> date:
    return date(year, 1, 1) + timedelta(days=chance.randrange(365 * years))


def _write_customer_insights(folder: Path, customers: pl.DataFrame, *, refresh: int) -> None:
    """Two header-less CSV partitions in a folder of the refresh's date, and then the model.json that names them."""
    refreshed = REFRESHED[refresh]
    dated = f"{ENTITY}/{refreshed[:10].replace('-', '/')}/{refreshed[11:16].replace(':', '')}"
    (folder / dated).mkdir(parents=True, exist_ok=True)
    half = customers.height // 2
    names = []
    for number, part in enumerate((customers[:half], customers[half:]), start=1):
        names.append(f"{dated}/{ENTITY}_{number}.csv")
        part.write_csv(folder / names[-1], include_header=False, quote_style="always")
    _replace(folder / "model.json", json.dumps(_model(customers, names, refreshed), indent=2).encode())


def _model(customers: pl.DataFrame, names: Sequence[str], refreshed: str) -> dict[str, Any]:
    settings = {"$type": "CsvFormatSettings", "columnHeaders": False, "delimiter": ",", "quoteStyle": "QuoteStyle.Csv"}
    partitions = [
        {
            "name": Path(name).stem,
            "refreshTime": refreshed,
            "location": f"{HOST}/{name}",
            "fileFormatSettings": settings,
        }
        for name in names
    ]
    attributes = [{"name": name, "dataType": TYPES.get(name, "string")} for name in customers.columns]
    entity = {"$type": "LocalEntity", "name": ENTITY, "attributes": attributes, "partitions": partitions}
    return {"name": "KlaviyoFeed", "version": "1.0", "modifiedTime": REFRESHED[0], "entities": [entity]}


def _write_parquet(path: Path, readers: pl.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f".{path.name}.{uuid4().hex}")
    readers.write_parquet(written)
    written.replace(path)


def _replace(path: Path, content: bytes) -> None:
    written = path.with_name(f".{path.name}.{uuid4().hex}")
    written.write_bytes(content)
    written.replace(path)


@click.command()
@click.argument("refresh", type=click.Choice(["first", "second"]))
def main(refresh: str) -> None:
    """Write the sample customers of one of the two refreshes into demo/data."""
    write = {"first": write_first_refresh, "second": write_second_refresh}[refresh]
    write(Path(__file__).resolve().parent / "data")


if __name__ == "__main__":
    main()

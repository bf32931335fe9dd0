"""Customers to measure with: e-mail, three names and phone, five properties, some of them empty."""

from __future__ import annotations

from pathlib import Path

import polars as pl


def write_customers(path: Path, count: int, *, left: int = 0, changed_share: float = 0.0) -> None:
    """Write so many customers, all different, as Parquet.

    Args:
        path: the file.
        count: how many there are in all.
        left: how many of them, from the first, are not there any more.
        changed_share: how many of the others have another number of orders than before.
    """
    number = pl.int_range(left, count, dtype=pl.Int64)
    is_changed = pl.col("number") % 10_000 < changed_share * 10_000
    text = number.cast(pl.String)
    pl.select(number=number).lazy().select(
        EMail=pl.format("Person.{}@Example.com", text),
        FirstName=pl.format("Anna-{}", text),
        LastName=pl.when(pl.col("number") % 7 != 0).then(pl.lit("Bērziņa")),
        Title=pl.when(pl.col("number") % 3 == 0).then(pl.lit("Dr.")),
        Mobile=pl.format("+371{}", (pl.col("number") + 20_000_000).cast(pl.String)),
        CustomerId=pl.format("C-{}", text),
        tier=pl.when(pl.col("number") % 5 != 0).then(pl.lit("gold")),
        ltv=pl.col("number") / 7,
        orders=pl.col("number") % 40 + is_changed.cast(pl.Int64),
        newsletter=pl.col("number") % 2 == 0,
        since=pl.date(2020, 1, 1) + pl.duration(days=pl.col("number") % 2_000),
    ).sink_parquet(path)

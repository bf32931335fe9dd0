"""Customers to measure with: e-mail, three names and phone, five properties, some of them empty."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.cases import Case, leaver_count


def write_customers(path: Path, count: int, case: Case) -> None:
    """Write the segment as it is in a case, as Parquet: all customers are different."""
    customers(count, case).sink_parquet(path)


def customers(count: int, case: Case) -> pl.LazyFrame:
    """The segment as it is in a case; what has changed or left in a case stays so in those after it."""
    first = leaver_count(count) if case is Case.LEFT else 0
    is_changed = is_among_changed() if case in (Case.CHANGED, Case.LEFT) else pl.lit(False)
    number, text = pl.col("number"), pl.col("number").cast(pl.String)
    numbers = pl.select(number=pl.int_range(first, count, dtype=pl.Int64)).lazy()
    return numbers.select(
        EMail=pl.format("Person.{}@Example.com", text),
        FirstName=pl.format("Anna-{}", text),
        LastName=pl.when(number % 7 != 0).then(pl.lit("Bērziņa")),
        Title=pl.when(number % 3 == 0).then(pl.lit("Dr.")),
        Mobile=pl.format("+371{}", (number + 20_000_000).cast(pl.String)),
        CustomerId=pl.format("C-{}", text),
        tier=pl.when(number % 5 != 0).then(pl.lit("gold")),
        ltv=number / 7,
        orders=number % 40 + is_changed.cast(pl.Int64),
        newsletter=number % 2 == 0,
        since=pl.date(2020, 1, 1) + pl.duration(days=number % 2_000),
    )


def changed_customers(count: int) -> pl.DataFrame:
    """Those of the segment who are not as before where 1 % have changed."""
    is_changed = pl.int_range(pl.len(), dtype=pl.Int64).alias("number").pipe(_hundredth)
    return customers(count, Case.CHANGED).filter(is_changed).collect()


def leavers(count: int) -> pl.DataFrame:
    """Those who are not in the segment any more where 1 % have left."""
    return customers(count, Case.CHANGED).head(leaver_count(count)).collect()


def is_among_changed() -> pl.Expr:
    """Whether the customer of this `number` has another number of orders than before: one in a hundred."""
    return _hundredth(pl.col("number"))


def _hundredth(number: pl.Expr) -> pl.Expr:
    return number % 100 == 10

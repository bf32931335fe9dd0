"""A segment that changes: people leave it, come, come back, and become others; rows that cannot be sent among them."""

from __future__ import annotations

from typing import Final

import polars as pl

SEGMENT_SIZE: Final = 50_000
EVERYBODY: Final = pl.select(
    EMail=pl.format("p{}@example.com", pl.int_range(SEGMENT_SIZE + 3_000, dtype=pl.Int64)), value=pl.lit(0, pl.Int64)
)
"""Whoever may ever be in the segment."""
MOVING: Final = 1_500  # leave, and join, from one segment to the next
CHANGING: Final = 25_000
UNUSABLE: Final = pl.DataFrame({"EMail": [None] * 100, "value": [0] * 100}, schema=EVERYBODY.schema)

OTHERS: Final = pl.concat(
    [EVERYBODY["EMail"].gather_every(900), pl.Series([f"x{number}@example.com" for number in range(40)])]
)
"""Members whom others put on the list: some are in the segment, some will be, some never."""


def first_customers() -> pl.DataFrame:
    """The segment at first: all but the last of everybody."""
    return pl.concat([EVERYBODY.head(SEGMENT_SIZE), UNUSABLE])


def next_customers(customers: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Some have left, as many have come, many of whom had left before, and half of the rest have changed."""
    usable = customers.drop_nulls("EMail")
    value = int(str(usable["value"].max() or 0)) + 1
    stayed = usable.sample(usable.height - MOVING, shuffle=True, seed=seed)
    outside = EVERYBODY.join(usable, on="EMail", how="anti", maintain_order="left")
    come = outside.sample(MOVING, shuffle=True, seed=seed).with_columns(value=pl.lit(value, pl.Int64))
    is_changed = pl.int_range(pl.len()) < CHANGING
    changed = stayed.with_columns(value=pl.when(is_changed).then(value).otherwise("value").cast(pl.Int64))
    return pl.concat([changed, come, UNUSABLE])

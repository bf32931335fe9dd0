"""What is stored of the segment cannot be read any more while it is being sent."""

from __future__ import annotations

import polars as pl
import pytest

from klaviyo_assets.errors import LedgerError
from klaviyo_assets_tests.delivery.scene import Scene, crowd

PEOPLE = crowd(25_000)
READABLE = 15_000


def damaged(stored: pl.LazyFrame) -> pl.LazyFrame:
    """The same people, of whom only some can be read with their payloads."""

    def fail(payloads: pl.Series) -> pl.Series:
        raise pl.exceptions.ComputeError("secret@example.com is no text")

    rest = stored.slice(READABLE).with_columns(pl.col("payload").map_batches(fail, return_dtype=pl.String))
    return pl.concat([stored.head(READABLE), rest])


def test_what_cannot_be_read_is_told_without_a_value(scene: Scene) -> None:
    """Only additions are read as late as that: the error names the export and the remedy, and quotes no row."""
    with pytest.raises(LedgerError, match=r"'vip' cannot be read .* materialize the profiles again") as told:
        scene.run(PEOPLE, read=damaged)

    assert "secret" not in str(told.value)
    assert told.value.__suppress_context__


def test_once_it_can_be_read_everybody_arrives(scene: Scene) -> None:
    """Nobody is lost or sent twice by a delivery that could read a part of the segment only."""
    with pytest.raises(LedgerError):
        scene.run(PEOPLE, read=damaged)
    report = scene.run(PEOPLE)

    assert scene.members(report) == PEOPLE
    assert report.pending == 0
    assert scene.run(PEOPLE).unchanged == len(PEOPLE)

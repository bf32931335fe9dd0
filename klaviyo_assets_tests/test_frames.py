"""How rows are passed on of which there may be any number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.io.plugins import register_io_source

from klaviyo_assets.frames import UNREADABLE, look_up, read_in_parts

PART_COUNT = 1_000
PART_HEIGHT = 1_000


class Numbers:
    """Numbers from 0 on, read part by part; and how many parts were read."""

    def __init__(self, step: int = 1) -> None:
        self.read_count = 0
        self._step = step

    def scan(self) -> pl.LazyFrame:
        """As one frame."""

        def read(*_: object) -> Iterator[pl.DataFrame]:
            for part in range(PART_COUNT):
                self.read_count += 1
                numbers = pl.int_range(part * PART_HEIGHT, (part + 1) * PART_HEIGHT, self._step, eager=True)
                yield pl.DataFrame({"number": numbers})

        return register_io_source(read, schema={"number": pl.Int64})


@pytest.mark.parametrize("how", ["inner", "left", "semi", "anti"])
def test_what_is_looked_up_is_not_held(how: str) -> None:
    """The first rows come out long before the last ones were read, also where nobody asks for their order."""
    rows, facts = Numbers(), Numbers(step=2)
    found = look_up(rows.scan(), facts.scan(), "number", how)  # type: ignore[arg-type]
    batches = found.collect_batches(chunk_size=10, maintain_order=False, lazy=True)

    assert not next(iter(batches)).is_empty()
    assert rows.read_count < PART_COUNT / 2


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("inner", [(2, "b"), (1, "a")]),
        ("left", [(3, None), (2, "b"), (1, "a")]),
        ("semi", [(2,), (1,)]),
        ("anti", [(3,)]),
    ],
)
def test_rows_stand_as_they_stood(how: str, expected: list[tuple[object, ...]]) -> None:
    """The order is that of the rows, whatever the facts' is."""
    facts = pl.DataFrame({"number": [1, 2], "fact": ["a", "b"]})

    assert look_up(pl.LazyFrame({"number": [3, 2, 1]}), facts, "number", how).collect().rows() == expected  # type: ignore[arg-type]


def test_parts_are_all_of_it() -> None:
    """They come in their order, each of at most so many rows, and none when there are none."""
    rows = pl.LazyFrame({"number": range(25)})

    assert [part.height for part in read_in_parts(rows, height=25, part_height=10)] == [10, 10, 5]
    assert pl.concat(read_in_parts(rows, height=25, part_height=10)).equals(rows.collect())
    assert list(read_in_parts(rows.clear(), height=0)) == []


def test_rows_that_get_lost_on_the_way_are_missed(tmp_path: Path) -> None:
    """Where a file was cut off since it was opened, what can still be read of it is not taken for all."""
    file = tmp_path / "rows.parquet"
    pl.DataFrame({"number": range(100_000)}).write_parquet(file, row_group_size=10_000)
    rows = pl.scan_parquet(file)
    rows.collect_schema()
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    with pytest.raises(UNREADABLE):
        list(read_in_parts(rows, height=100_000))

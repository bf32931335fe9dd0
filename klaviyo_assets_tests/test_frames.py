"""How a frame of any size is held against a smaller one."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest
from polars.io.plugins import register_io_source

from klaviyo_assets.frames import look_up

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

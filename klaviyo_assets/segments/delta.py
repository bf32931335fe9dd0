"""A Delta table as a segment: the rows of one version of it.

The table is read by its log, so that files of rows that were deleted or replaced are not. Format:
https://github.com/delta-io/delta/blob/master/PROTOCOL.md. Plain files are `files.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.exports import DeltaSource
from klaviyo_assets.segments.places import Place, missing, resolve
from klaviyo_assets.segments.refresh_mark import mark_of
from klaviyo_assets.segments.unreadable import reading


@dataclass(frozen=True)
class DeltaReader:
    """Reads the table of a `DeltaSource`."""

    source: DeltaSource
    root: Path

    def read_customers(self) -> pl.LazyFrame:
        """See `SegmentReader`: the rows of the version that is the newest now, whatever is committed later."""
        place = self._find_folder()
        with _reading_table(place):
            customers = pl.scan_delta(_open(place))
            customers.collect_schema()
            return customers

    def read_refresh_mark(self) -> str:
        """See `SegmentReader`: a digest of the table's id and version.

        The id, since a table that is made anew under the same path begins with version 0 again.
        """
        place = self._find_folder()
        with _reading_table(place):
            table = _open(place)
            return mark_of([(str(table.metadata().id), str(table.version()))])

    def _find_folder(self) -> Place:
        place = resolve(self.source.path, root=self.root)
        with reading(place.name):
            is_there = place.path.exists()
        if not is_there:
            raise missing(place.file(), "the folder of a Delta table")
        return place


def _open(place: Place) -> DeltaTable:
    if not DeltaTable.is_deltatable(place.url):
        raise SourceUnreadable(
            f"{place.name} is not a Delta table, expected a folder with _delta_log in it; name the table's own folder, "
            f"or declare the files as what they are."
        )
    return DeltaTable(place.url)


@contextmanager
def _reading_table(place: Place) -> Iterator[None]:
    try:
        with reading(place.name):
            yield
    except DeltaError:
        raise SourceUnreadable(
            f"{place.name} cannot be read: its log is damaged, half written, or of a kind that the library deltalake "
            f"does not know; restore the table, or have it written without the newest features of the format."
        ) from None

"""Where customers come from: one reader for each kind of source, all with the same two methods.

A reader finds a source, says when it was refreshed, and hands on its rows as a lazy frame, in the source's own
columns. What a row means, who is valid and who is a duplicate is not judged here: that is `mapping`.

    places.py              a declared path as files: one file, a glob or a folder, here or in a store
    files.py               Parquet and ndjson, and the choice among the formats
    csv_files.py           CSV: layout, rows (csv_rows.py), types (text_types.py)
    customer_insights.py   model.json and its partitions (model_json.py, partitions.py, declared_types.py)
    synapse_link.py        the same from the tables that Synapse Link for Dataverse writes
    delta.py               one version of a Delta table
    sql.py                 a query: databases (sql_databases.py), types (sql_columns.py), errors (sql_errors.py)
    identity.py            by whose identity a source is read
    refresh_mark.py        the token that changes when a source was refreshed
    unreadable.py          what Polars says about damaged data, in words that quote no customer

To add a kind of source: its declaration in `exports`, its reader here, one line in `open_source`, one line in
the tests' contract suite.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import polars as pl

from klaviyo_assets.exports import CustomerInsightsSource, DeltaSource, Source, SqlSource, SynapseLinkSource
from klaviyo_assets.segments.customer_insights import CustomerInsightsReader
from klaviyo_assets.segments.delta import DeltaReader
from klaviyo_assets.segments.files import FilesReader
from klaviyo_assets.segments.identity import identity_of
from klaviyo_assets.segments.sql import SqlReader
from klaviyo_assets.segments.synapse_link import SynapseLinkReader
from klaviyo_assets.segments.unreadable import reading

__all__ = [
    "CustomerInsightsReader",
    "DeltaReader",
    "FilesReader",
    "SegmentReader",
    "SqlReader",
    "SynapseLinkReader",
    "identity_of",
    "open_source",
    "reading",
]


class SegmentReader(Protocol):
    """What every source of customers can do."""

    def read_customers(self) -> pl.LazyFrame:
        """All rows of the source, in its own columns and order; nothing but samples is held.

        What is wrong with the source is raised here, where it can be known without holding the rows; who collects
        or sinks the frame does it under `reading`, for what shows only then.

        Raises:
            SourceMissing: nothing is there.
            SourceUnreadable: what is there is not what was declared, or is damaged.
        """

    def read_refresh_mark(self) -> str:
        """A token that changes exactly when the source was refreshed; it holds no secret and no customer.

        Raises:
            SourceMissing: nothing is there.
            SourceUnreadable: what is there cannot be understood.
        """


def open_source(source: Source, *, root: Path) -> SegmentReader:
    """The reader of a declared source; nothing is read before one of its methods is called.

    Args:
        source: the declaration.
        root: the folder that relative paths start from: the project's root.
    """
    if isinstance(source, CustomerInsightsSource):
        return CustomerInsightsReader(source, root)
    if isinstance(source, DeltaSource):
        return DeltaReader(source, root)
    if isinstance(source, SqlSource):
        return SqlReader(source, root)
    if isinstance(source, SynapseLinkSource):
        return SynapseLinkReader(source, root)
    return FilesReader(source, root)

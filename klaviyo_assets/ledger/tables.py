"""Delta tables for their owner's eyes: how they are written so that nobody else, and no log, has a value of a person.

Ledgers and the history are such tables. What their rows mean belongs to the modules beside this one.
https://delta-io.github.io/delta-rs/ is the library that writes them; Polars reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final, Literal
from urllib.parse import unquote

import polars as pl
from deltalake import ColumnProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError
from polars.io.plugins import register_io_source
from upath import UPath

from klaviyo_assets.errors import LedgerError
from klaviyo_assets.frames import UNREADABLE, read_in_parts
from klaviyo_assets.ledger.private import list_files, make_folder, make_private

_LOG: Final = "_delta_log"
_LAST_CHECKPOINT: Final = "_last_checkpoint"

# A person's texts are all different: a dictionary of them would only cost time.
_OF_PEOPLE: Final = ("email", "external_id", "payload")
_PROPERTIES: Final = WriterProperties(
    compression="ZSTD",
    compression_level=1,
    max_row_group_size=25_000,  # it is read as a whole, several groups at a time
    column_properties=dict.fromkeys(_OF_PEOPLE, ColumnProperties(dictionary_enabled=False)),
)
# How long a file is kept that only older versions need: for so long it is told what was sent before a compaction.
DAYS_KEPT: Final = 90
_LARGE_FILE: Final = 16_000_000  # bytes: the receipts of some 600 000 people


def is_table(folder: UPath) -> bool:
    """Whether a table was begun in the folder."""
    return bool(DeltaTable.is_deltatable(str(folder)))


def conform_stored(rows: pl.LazyFrame, schema: pl.Schema) -> pl.LazyFrame:
    """Stored rows in this schema; what an earlier version of this package wrote may lack a column."""
    absent = schema.keys() - rows.collect_schema().keys()
    added = {name: pl.lit(None, dtype=schema[name]) for name in absent}
    return rows.with_columns(**added).select(schema.names()).cast(schema)


@contextmanager
def telling(what: str, remedy: str) -> Iterator[None]:
    """Tell what goes wrong with a table in the block by the kind of error alone, whose text may quote a value.

    Raises:
        LedgerError: instead of what the libraries raise.
    """
    try:
        yield
    except (DeltaError, OSError, *UNREADABLE) as error:
        raise LedgerError(f"{what} ({type(error).__name__}){remedy}") from None


def open_table(folder: UPath) -> DeltaTable | None:
    """The newest version of the folder's table; None where none was begun."""
    return DeltaTable(str(folder)) if is_table(folder) else None


def write_rows(
    folder: UPath,
    rows: pl.DataFrame | pl.LazyFrame,
    *,
    mode: Literal["append", "overwrite"],
    statistics_of: str,
    table: DeltaTable | None = None,
) -> DeltaTable:
    """Add rows, or put them in the place of all that are there, in one commit; new columns are taken in.

    Args:
        folder: the table's.
        rows: of types that Delta has; those of a lazy frame are read as they are written, and may be of this table.
        mode: add, or replace.
        statistics_of: the one column whose least and greatest value Delta's log may keep; of others it would keep
            addresses.
        table: the folder's, where it is open already: opening it reads its whole log. It is the version that rows are
            replaced of: what another process adds meanwhile stays.

    Returns:
        The table, with the rows.
    """
    make_folder(folder)
    table = table or open_table(folder)
    data = _counted(rows).collect_batches(lazy=True) if isinstance(rows, pl.LazyFrame) else rows
    if table is None:
        configuration = {"delta.dataSkippingStatsColumns": statistics_of}
        write_deltalake(str(folder), data, mode=mode, configuration=configuration, writer_properties=_PROPERTIES)
        table = DeltaTable(str(folder))
    else:
        write_deltalake(table, data, mode=mode, schema_mode="merge", writer_properties=_PROPERTIES)
    return table


def _counted(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The same rows; where some of them are lost on the way, that is an error before anything is committed."""
    height = rows.select(pl.len()).collect().item()

    def read(*_: object) -> Iterator[pl.DataFrame]:
        return read_in_parts(rows, height=height)

    return register_io_source(read, schema=rows.collect_schema())


def merge_small_files(table: DeltaTable) -> bool:
    """Put the rows of small files into a few larger ones, in one commit: whether there was anything to put together.

    Each commit adds a file, and each file makes all later commits and readings slower.
    """
    merged = table.optimize.compact(target_size=_LARGE_FILE, writer_properties=_PROPERTIES)
    return bool(merged["numFilesRemoved"])


def take_old_files_away(table: DeltaTable) -> None:
    """Take away the files that the newest version does not need, once they are old enough."""
    table.vacuum(retention_hours=DAYS_KEPT * 24, dry_run=False, full=True)


def keep_newest_version(folder: UPath, *, written_before: datetime | None = None) -> None:
    """Take away what only older versions need: their files, what the log told of them, and files of no version at all.

    The data goes last: whoever finds some of it after a kill does all of this again.

    Args:
        folder: the table's.
        written_before: a file that no version ever had is left where it is younger: somebody may be about to commit it.
    """
    table = DeltaTable(str(folder))
    table.create_checkpoint()
    # What a checkpoint holds need not be in the log: https://github.com/delta-io/delta/blob/master/PROTOCOL.md
    newest = f"{table.version():020}"
    for entry in list_files(folder / _LOG):
        is_version = entry.name[:20].isdigit()
        if (is_version and entry.name[:20] < newest) or not (is_version or entry.name == _LAST_CHECKPOINT):
            _remove_unless_young(entry, None if is_version else written_before)
    table = DeltaTable(str(folder))  # by the checkpoint, not by what was just taken away
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    needed = {unquote(path) for path in pl.DataFrame(table.get_add_actions(flatten=True))["path"]}
    for file in list_data_files(folder):
        if file.name not in needed:
            _remove_unless_young(file, written_before)
    make_private(folder)


def scan_versions(folder: UPath, schema: pl.Schema) -> pl.LazyFrame:
    """The rows of all versions of which a file is left, in this schema: those that were replaced too."""
    files = [file for file in list_data_files(folder) if file.suffix == ".parquet"]
    stored = (conform_stored(pl.scan_parquet(str(file)), schema) for file in files)
    return pl.concat([pl.LazyFrame(schema=schema), *stored])


def list_data_files(folder: UPath) -> list[UPath]:
    """The files of all versions, and those of none: our tables have no partitions, so that none lies deeper."""
    return [file for file in list_files(folder) if file.parent.name != _LOG]


def _remove_unless_young(file: UPath, written_before: datetime | None) -> None:
    # Another process may have taken it away by now.
    with suppress(FileNotFoundError):
        if written_before is None or file.fs.modified(file.path) < written_before:
            file.unlink()


def storable(schema: pl.Schema) -> pl.Schema:
    """The schema in types that Delta has: it knows no enumerations."""
    return pl.Schema({name: pl.String() if isinstance(dtype, pl.Enum) else dtype for name, dtype in schema.items()})

"""Where segments, profiles and rejections are stored, and how Dagster writes and reads them there.

The root of all storage and the IO manager stand here. What the frames mean does not, nor how the ledger lies under
the same root.
"""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import dagster as dg
import polars as pl
from upath import UPath

from klaviyo_assets.errors import SegmentError
from klaviyo_assets.exports import Export
from klaviyo_assets.ledger import is_local, make_folder
from klaviyo_assets.orchestration.keys import export_keys
from klaviyo_assets.orchestration.metadata import count_rules, storage_metadata
from klaviyo_assets.orchestration.times import STORED_S, measured
from klaviyo_assets.segments import reading

STORAGE_ENV: Final = "KLAVIYO_ASSETS_STORAGE"

# Of our own, so that it stands beside any `io_manager` of the project that it is loaded into.
IO_MANAGER_KEY: Final = "klaviyo_assets_frames"
ROW_GROUP: Final = 25_000  # rows of a stored file that are read at once
RULES_IN: Final = "rules_in"  # definition metadata: the column whose rules are counted once it is stored


def storage_root(project_root: Path) -> UPath:
    """The folder or URL under which everything is stored; a folder is made for its owner's eyes only.

    `KLAVIYO_ASSETS_STORAGE` is read now, not when the project was loaded; where it is not set, the root is
    `storage/` in the project's root.
    """
    root = find_storage(project_root)
    if is_local(root):
        make_folder(root)
    return root


def find_storage(project_root: Path) -> UPath:
    """The same, which need not be there yet."""
    declared = os.environ.get(STORAGE_ENV) or "storage"
    return UPath(declared) if "://" in declared else UPath(project_root / declared)


def frame_path(storage: UPath, export_name: str, part: str) -> UPath:
    """Where the profiles or the rejections of an export are stored."""
    return storage / "klaviyo" / export_name / f"{part}.parquet"


def refusals_path(storage: UPath, export: Export) -> UPath:
    """Where the rows that Klaviyo did not take at the last delivery are kept: beside the export's rejections."""
    return storage.joinpath(*export_keys(export).rejections.path[:-1], "refusals.parquet")


def frames_resource(project_root: Path) -> dict[str, dg.IOManagerDefinition]:
    """The IO manager of all our frames, under its key.

    It is the same object for the same root: each declaration brings it, and Dagster takes a key twice only then.
    """
    return {IO_MANAGER_KEY: _frames_io_manager(project_root.resolve())}


@functools.cache
def _frames_io_manager(project_root: Path) -> dg.IOManagerDefinition:
    @dg.io_manager(description="Polars frames as Parquet files under the storage root, replaced as a whole.")
    def frames() -> FrameIOManager:
        return FrameIOManager(storage_root(project_root))

    return frames


class FrameIOManager(dg.UPathIOManager):
    """Streams a frame into a Parquet file, and gives it back as a scan of that file."""

    extension = ".parquet"

    def handle_output(self, context: dg.OutputContext, obj: pl.LazyFrame | pl.DataFrame) -> None:
        """Store the frame, and tell how long it took to compute and write it, which is one pass over its rows."""
        with measured(STORED_S) as times:
            super().handle_output(context, obj)
        context.add_output_metadata(times)

    def make_directory(self, path: UPath) -> None:
        """The folder of a frame, for its owner's eyes only."""
        make_folder(path)

    def dump_to_path(self, context: dg.OutputContext, obj: pl.LazyFrame | pl.DataFrame, path: UPath) -> None:
        """Replace the file; where the frame cannot be computed, the last good file stays."""
        with reading(f"What {context.asset_key.to_user_string()} is made of"):
            replace_file(obj.lazy(), path)

    def load_from_path(self, context: dg.InputContext, path: UPath) -> pl.LazyFrame | pl.DataFrame:
        """A scan of the file, or its rows where a Polars DataFrame was asked for."""
        if not path.exists():
            raise SegmentError(
                f"Asset {context.asset_key.to_user_string()} is not stored at {path}, expected a Parquet file; "
                f"materialize it first."
            )
        frame = scan_file(path)
        return frame.collect() if context.dagster_type.typing_type is pl.DataFrame else frame

    def get_metadata(self, context: dg.OutputContext, obj: Any) -> dict[str, Any]:
        """What the stored file holds, in counts; never a row."""
        path = self._get_path(context)
        stored = scan_file(path)
        column = (context.definition_metadata or {}).get(RULES_IN)
        counts = {"rules": dg.MetadataValue.md(count_rules(stored, column))} if column else {}
        return {**storage_metadata(stored, path), **counts}


def replace_file(frame: pl.LazyFrame, path: UPath) -> None:
    """Stream the frame into a Parquet file that appears under its name when it is complete.

    A folder gets a new file that takes the old one's place; an object store gets one put of a finished file, since
    closing a half-written upload would complete it.
    """
    if not is_local(path):
        with tempfile.TemporaryDirectory() as folder:
            finished = Path(folder) / path.name
            _sink(frame, finished)
            path.fs.put_file(str(finished), path.path)
        return
    make_folder(path.parent)
    unfinished = Path(path.path).with_name(f".{path.name}.{uuid4().hex}")
    unfinished.touch(mode=0o600)
    try:
        _sink(frame, unfinished)
        unfinished.replace(path.path)
    finally:
        unfinished.unlink(missing_ok=True)


def _sink(frame: pl.LazyFrame, path: Path) -> None:
    # The first level takes 0.4 s of CPU less a million people than the default, for a file of the same size. Statistics
    # would help who looks for a range of values, which nobody does. Who reads the file holds several groups of rows.
    frame.sink_parquet(path, compression="zstd", compression_level=1, statistics=False, row_group_size=ROW_GROUP)


def scan_file(path: UPath) -> pl.LazyFrame:
    """A scan of a Parquet file; it keeps to the file that is there now, also once another takes its place.

    So what is measured, checked and delivered in one step is one and the same frame, though it is read several times.
    From an object store the file is fetched, into a temporary one that is gone with the scan.
    """
    with tempfile.TemporaryDirectory() as folder:
        if is_local(path):
            here = Path(path.path)
        else:
            here = Path(folder) / path.name
            path.fs.get_file(path.path, str(here))
        with here.open("rb") as file:
            return pl.scan_parquet(file)

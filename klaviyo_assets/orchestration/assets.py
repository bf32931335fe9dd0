"""The assets that hold customers: a segment as it was read, and the profiles and rejections made of segments.

Each function here is a few lines that call one function below and hand on what it says. The list in Klaviyo is in
`klaviyo_list.py`; where frames are stored is in `storage.py`.
"""

# No `from __future__ import annotations`: Dagster evaluates the annotations of what it decorates again and again.
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import dagster as dg
import polars as pl

from klaviyo_assets.errors import SegmentError
from klaviyo_assets.exports import Export, Segment, Source, SqlSource
from klaviyo_assets.ledger import Forgotten
from klaviyo_assets.mapping import map_profiles
from klaviyo_assets.orchestration.keys import (
    KLAVIYO_GROUP,
    SEGMENTS_GROUP,
    export_keys,
    export_tags,
    segment_key,
)
from klaviyo_assets.orchestration.metadata import (
    column_schema,
    field_map_table,
    profiles_metadata,
    rejections_metadata,
)
from klaviyo_assets.orchestration.storage import IO_MANAGER_KEY, RULES_IN, storage_root
from klaviyo_assets.orchestration.times import COMPARED_S, measured
from klaviyo_assets.segments import identity_of, open_source, reading

_FRAME_KINDS: Final[set[str]] = {"polars", "parquet"}


def segment_asset(segment: Segment, *, project_root: Path) -> dg.AssetsDefinition:
    """The asset segments/<segment>: its customers, as its source held them when it was last read."""

    @dg.asset(
        key=segment_key(segment),
        group_name=SEGMENTS_GROUP,
        kinds={"polars", segment.source.type},
        description=_describe_segment(segment),
        io_manager_key=IO_MANAGER_KEY,
    )
    def read_segment() -> dg.Output[pl.LazyFrame]:
        reader = open_source(segment.source, root=project_root)
        # Before the rows: a mark that is older than they are costs one more reading, a younger one loses rows.
        mark = reader.read_refresh_mark()
        customers = reader.read_customers()
        told = {"refresh_mark": mark, "read_by": identity_of(segment.source)}
        return dg.Output(customers, metadata={**told, "dagster/column_schema": column_schema(customers)})

    return read_segment


def profiles_assets(export: Export, *, owners: list[str], project_root: Path) -> dg.AssetsDefinition:
    """The assets klaviyo/<export>/profiles and klaviyo/<export>/rejections, made by one op.

    Args:
        export: which segments, and which columns.
        owners: who answers for it.
        project_root: the folder below which is stored who must not be sent again.
    """
    keys = export_keys(export)
    ins = {f"segment_{n}": key for n, key in enumerate(export.segments)}

    @dg.multi_asset(
        name=f"klaviyo__{export.name}__profiles",
        group_name=KLAVIYO_GROUP,
        ins={name: _segment_in(key) for name, key in ins.items()},
        outs={
            "profiles": _frame_out(export, keys.profiles, _describe_profiles(export), owners, rules_in="dropped"),
            "rejections": _frame_out(export, keys.rejections, _describe_rejections(export), owners, rules_in="rule"),
        },
    )
    def map_segments(**frames: Any) -> Iterator[dg.Output[pl.LazyFrame]]:
        customers = {key: _as_lazy(frames[name], key) for name, key in ins.items()}
        with measured(COMPARED_S) as times, reading(f"What {keys.profiles.to_user_string()} is made of"):
            mapped = map_profiles(customers, export.field_map)
            forgotten = Forgotten(storage_root(project_root))
            profiles, rejections = forgotten.withhold(mapped.profiles, mapped.rejections)
        columns = _columns(customers)
        yield dg.Output(profiles, "profiles", metadata=profiles_metadata(export.field_map, columns) | times)
        yield dg.Output(rejections, "rejections", metadata=rejections_metadata(export.field_map, columns))

    return map_segments


def _segment_in(key: str) -> dg.AssetIn:
    # Of a partitioned asset the last partition stands for it: of snapshots that is the newest.
    return dg.AssetIn(dg.AssetKey.from_user_string(key), partition_mapping=dg.LastPartitionMapping())


def _frame_out(export: Export, key: dg.AssetKey, description: str, owners: list[str], *, rules_in: str) -> dg.AssetOut:
    return dg.AssetOut(
        key=key,
        description=description,
        io_manager_key=IO_MANAGER_KEY,
        kinds=_FRAME_KINDS,
        owners=owners,
        tags=export_tags(export),
        metadata={RULES_IN: rules_in},
    )


def _as_lazy(frame: object, key: str) -> pl.LazyFrame:
    if isinstance(frame, pl.LazyFrame | pl.DataFrame):
        return frame.lazy()
    raise SegmentError(
        f"Segment {key} holds a {type(frame).__module__}.{type(frame).__qualname__}, expected a Polars DataFrame or "
        f"LazyFrame; let the asset return one, as polars.from_pandas(frame) does."
    )


def _columns(customers: Mapping[str, pl.LazyFrame]) -> dict[str, list[str]]:
    return {key: frame.collect_schema().names() for key, frame in customers.items()}


def _describe_segment(segment: Segment) -> str:
    refreshed = [
        "when its source was refreshed" if segment.watch else "",
        f"at `{'`, `'.join(segment.refresh)}` ({segment.timezone})" if segment.refresh else "",
    ]
    when = " and ".join(filter(None, refreshed)) or "when somebody materializes it; exports do not wait for it"
    where = f"{_describe_source(segment.source)} ({segment.source.type})"
    return f"The customers of segment `{segment.name}`, read from {where}. Read anew {when}."


def _describe_source(source: Source) -> str:
    if isinstance(source, SqlSource):
        return f"a query on the database of `{source.database_env}`"
    # What follows a question mark in an address may be a signature, which is as good as a key.
    return f"`{source.path.partition('?')[0]}`"


def _describe_profiles(export: Export) -> str:
    segments = ", ".join(f"`{key}`" for key in export.segments)
    return (
        f"The people of {segments} as Klaviyo will receive them, one row per address. Rows that cannot be sent are "
        f"in `klaviyo/{export.name}/rejections`.\n\n{field_map_table(export.field_map)}"
    )


def _describe_rejections(export: Export) -> str:
    return (
        f"Rows of the segments that are not sent to Klaviyo by `{export.name}`, each with its place, the rule and the "
        f"reason. The file holds addresses; Dagster's page shows counts only."
    )

"""How long the frames of an export took before its delivery, as their materializations tell it.

What a delivery took by itself is in `report`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

import dagster as dg

from klaviyo_assets.exports import Export
from klaviyo_assets.orchestration.keys import export_keys

# Metadata of a stored frame, in seconds:
STORED_S: Final = "stored_s"  # it was read, computed and written, which is one pass over its rows
COMPARED_S: Final = "compared_s"  # of profiles: rows were compared with one another before that


@contextmanager
def measured(name: str) -> Iterator[dict[str, float]]:
    """Gives metadata that holds, once the block is over, how long it took."""
    started, metadata = perf_counter(), dict[str, float]()
    yield metadata
    metadata[name] = round(perf_counter() - started, 3)


def mapping_s(instance: dg.DagsterInstance, export: Export) -> float | None:
    """The seconds that the profiles and rejections of the export took last; None where they were never stored."""
    keys = export_keys(export)
    told = [_told_s(instance, key) for key in (keys.profiles, keys.rejections)]
    known = [seconds for seconds in told if seconds is not None]
    return sum(known) if known else None


def _told_s(instance: dg.DagsterInstance, key: dg.AssetKey) -> float | None:
    event = instance.get_latest_materialization_event(key)
    materialization = event.asset_materialization if event else None
    if materialization is None:
        return None
    told = [materialization.metadata.get(name) for name in (STORED_S, COMPARED_S)]
    return sum(float(value.value) for value in told if isinstance(value, dg.FloatMetadataValue) and value.value)

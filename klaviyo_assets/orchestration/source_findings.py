"""Whether the sources of a connection's exports can be read now, and by whose identity: a finding for each segment.

Nothing is kept, and no asset is materialized. What Klaviyo says of the connection is in `delivery.verifying`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from klaviyo_assets.delivery.verifying import Finding
from klaviyo_assets.errors import SegmentError
from klaviyo_assets.exports import Export, KlaviyoConnection, Segment
from klaviyo_assets.mapping import match_columns
from klaviyo_assets.segments import identity_of, open_source


def find_sources(
    connection: KlaviyoConnection, segments: Sequence[Segment], exports: Sequence[Export], *, root: Path
) -> Iterator[Finding]:
    """A finding for each segment of each enabled export of the connection.

    Args:
        connection: whose exports.
        segments: all that are declared; what else an export names is an asset of somebody else's.
        exports: all that are declared.
        root: the folder that relative paths start from.
    """
    declared = {segment.asset_key: segment for segment in segments}
    for export in exports:
        if export.connection == connection.name and export.enabled:
            for key in export.segments:
                yield _find(export, key, declared.get(key), root)


def _find(export: Export, key: str, segment: Segment | None, root: Path) -> Finding:
    name = f"{key} of {export.name}"
    if segment is None:
        words = f"Export {export.name!r}: {key} is no declared segment; its own IO manager reads it, as its run may."
        return Finding(name, words, is_good=None)
    reader = open_source(segment.source, root=root)
    who = identity_of(segment.source)
    try:
        mark = reader.read_refresh_mark()
        schema = reader.read_customers().collect_schema()
        match_columns({key: schema}, export.field_map)
    except SegmentError as error:
        return Finding(name, f"Export {export.name!r}, reading {key} by {who}: {error}", is_good=False)
    return Finding(
        name,
        f"Export {export.name!r}: {key} can be read, by {who}; it has the columns of the field map, and the refresh "
        f"mark {mark[:12]}.",
    )

"""What things are called in Dagster: asset keys, group names, op names and tags, each in one place.

A name that two modules of this room use belongs here; what carries the name does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import dagster as dg

from klaviyo_assets.exports import Export, Segment

SEGMENTS_GROUP: Final = "segments"
KLAVIYO_GROUP: Final = "klaviyo"

# Run retries of the host's instance ignore Failure(allow_retries=False); this tag holds them back, while a run
# whose worker died is still continued.
NO_RETRY_TAGS: Final = {"dagster/retry_on_asset_or_op_failure": "false"}

EXPORT_TAG: Final = "klaviyo_assets/export"
PROGRESS_TAG: Final = "klaviyo_assets/progress"  # of a run: how far its delivery is


@dataclass(frozen=True)
class ExportKeys:
    """The three assets of an export."""

    profiles: dg.AssetKey
    rejections: dg.AssetKey
    klaviyo_list: dg.AssetKey

    @property
    def all(self) -> tuple[dg.AssetKey, dg.AssetKey, dg.AssetKey]:
        """In the order in which they are made."""
        return (self.profiles, self.rejections, self.klaviyo_list)


def export_keys(export: Export) -> ExportKeys:
    """The assets klaviyo/<export>/profiles, rejections and list."""
    profiles, rejections, klaviyo_list = (
        dg.AssetKey(["klaviyo", export.name, part]) for part in ("profiles", "rejections", "list")
    )
    return ExportKeys(profiles, rejections, klaviyo_list)


def segment_key(segment: Segment) -> dg.AssetKey:
    """The asset segments/<segment>."""
    return dg.AssetKey.from_user_string(segment.asset_key)


def list_op_name(export: Export) -> str:
    """The op whose run config a delivery reads: `ops: {<this>: {config: {…}}}`."""
    return f"klaviyo__{export.name}__list"


def export_tags(export: Export) -> dict[str, str]:
    """Tags by which the assets of an export, or of a connection, are selected in Dagster."""
    tags = {EXPORT_TAG: export.name}
    return tags | (connection_tags(export.connection) if export.connection else {})


def connection_tags(connection: str) -> dict[str, str]:
    """The tag by which what belongs to a connection is selected."""
    return {"klaviyo_assets/connection": connection}

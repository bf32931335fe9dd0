"""The files of an entity: where its partitions lie, and by what its refresh is known.

A partition's location is the URI under which it was written; it is looked up beside model.json, so that a copied
folder can be read. How rows are read is `customer_insights.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

from klaviyo_assets.errors import SourceMissing, SourceUnreadable
from klaviyo_assets.segments.model_json import CsvSettings, Entity, Partition
from klaviyo_assets.segments.places import Place, SourceFile, looking_up

# <Entity>/<yyyy>/<MM>/<dd>/<HHmm>/<Entity>_<N>.csv; the stem need not be the entity's name.
_DATED: Final = re.compile(r"(?:^|/)(\d{4}/\d{2}/\d{2}/\d{4})/[^/]*$")
_HOST: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")
_NUMBERED: Final = re.compile(r"_(\d+)\.csv(?:\.gz)?$")


@dataclass(frozen=True)
class PartitionFile:
    """A partition that was found."""

    name: str
    file: SourceFile
    settings: CsvSettings


def find_partitions(folder: Place, entity: Entity) -> tuple[PartitionFile, ...]:
    """The files with the entity's rows, in the order of model.json.

    Raises:
        SourceMissing: the file of a partition is not there, or the entity has no data: its partitions have no
            location, or it has neither partitions nor files.
        SourceUnreadable: a partition is not CSV.
    """
    if not entity.partitions:
        return _find_newest(folder, entity)
    located = [partition for partition in entity.partitions if partition.location]
    if not located:
        # An empty segment has a file without rows; this one would be taken for it, and empty its list.
        raise SourceMissing(
            f"Entity {entity.name!r} has no data: model.json gives no location for its partitions, as of a segment "
            f"that is inactive or was never refreshed, expected one; activate and refresh it in Customer Insights."
        )
    return tuple(_find(folder, entity, partition) for partition in located)


def refresh_facts(folder: Place, entity: Entity) -> Iterator[tuple[str, str]]:
    """What changes when the entity was refreshed: the partitions' locations, each with its time of refresh.

    Where there is no time, the dated folder in the location tells; where there is none, size and time of the file.
    """
    if not entity.partitions:
        for found in _find_newest(folder, entity):
            yield found.file.name, "" if _DATED.search(found.file.name) else found.file.read_version()
    for partition in entity.partitions:
        location = _path_of(partition.location or "")
        if partition.refresh_time or not location or _DATED.search(location):
            yield location, partition.refresh_time or ""
        else:
            yield location, _find(folder, entity, partition).file.read_version()


def _find(folder: Place, entity: Entity, partition: Partition) -> PartitionFile:
    """The file under the longest trailing part of the location that exists in the folder."""
    label = f"Partition {partition.name!r} of entity {entity.name!r}"
    location = _path_of(partition.location or "")
    if "csv" not in partition.file_format_settings.kind.lower() or location.lower().endswith(".parquet"):
        raise SourceUnreadable(f"{label} is not CSV, expected CsvFormatSettings; export the entity as CSV.")
    parts = [part for part in location.split("/") if part not in ("", ".", "..")]
    for start in range(len(parts)):
        file = folder.file("/".join(parts[start:]))
        with looking_up(f"The location of {label[0].lower()}{label[1:]}"):
            if file.is_there():
                return PartitionFile(partition.name or parts[-1], file, partition.file_format_settings)
    raise SourceMissing(
        f"{label} is missing: found no file beside model.json under any trailing part of {location}, expected one; "
        f"wait until the export is complete, or copy the whole folder."
    )


def _find_newest(folder: Place, entity: Entity) -> tuple[PartitionFile, ...]:
    """Without partitions in model.json: the numbered files of the newest dated folder under the entity's name."""
    base = folder.path / entity.name
    numbered = {
        relative: int(match[1])
        for path in base.glob("**/*")
        if (match := _NUMBERED.search(relative := path.relative_to(base).as_posix())) and path.is_file()
    }
    newest = max((_date_of(relative) for relative in numbered), default="")
    chosen = sorted((number, relative) for relative, number in numbered.items() if _date_of(relative) == newest)
    if not chosen:
        raise SourceMissing(
            f"Entity {entity.name!r} has no partitions in model.json, and no files {entity.name}/**/*_N.csv beside it, "
            f"expected one of the two; activate and refresh the segment, or copy the whole folder."
        )
    return tuple(
        PartitionFile(PurePosixPath(relative).name, folder.file(f"{entity.name}/{relative}"), CsvSettings())
        for _, relative in chosen
    )


def _date_of(relative: str) -> str:
    match = _DATED.search(relative)
    return match[1] if match else ""


def _path_of(location: str) -> str:
    # Without the query: it may be ?snapshot=…, or a signature.
    return unquote(_HOST.sub("", location).partition("?")[0]).lstrip("/")

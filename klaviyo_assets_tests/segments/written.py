"""Sources as other programs write them, small enough to state in a test what must come out."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BLOB = "https://contoso.blob.core.windows.net/exports/CustomerInsights_1/Feed"

Rows = Sequence[Sequence[str | None]]


def csv_bytes(
    columns: Sequence[str] | None, rows: Rows, *, separator: str = ",", quote_all: bool = False, line_end: str = "\r\n"
) -> bytes:
    """A CSV file in UTF-8; without columns it has no header. None is written as nothing."""
    text = io.StringIO(newline="")

    writer = csv.writer(text, delimiter=separator, lineterminator=line_end)
    if quote_all:
        writer = csv.writer(text, delimiter=separator, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([columns] if columns else [])
    writer.writerows([["" if value is None else value for value in row] for row in rows])
    return text.getvalue().encode()


def ndjson_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """One JSON object a line."""
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def write(path: Path, data: bytes) -> Path:
    """The file with that content, in folders made for it; compressed where its name ends in .gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def partition(
    location: str | None, *, refresh_time: str | None = "2026-01-02T06:05:40.1112223+00:00", **settings: Any
) -> dict[str, Any]:
    """A partition of model.json; `settings` become its fileFormatSettings."""
    return {
        "name": (location or "schema").rpartition("/")[2].partition(".")[0],
        "refreshTime": refresh_time,
        "location": location,
        "fileFormatSettings": {"$type": "CsvFormatSettings", **settings} if settings else None,
    }


def entity(
    attributes: Mapping[str, str], partitions: Sequence[Mapping[str, Any]], *, name: str = "Vip"
) -> dict[str, Any]:
    """An entity of model.json: attributes as name and dataType."""
    return {
        "$type": "LocalEntity",
        "name": name,
        "attributes": [{"name": column, "dataType": kind} for column, kind in attributes.items()],
        "partitions": list(partitions),
    }


def write_model(folder: Path, *entities: Mapping[str, Any], **more: Any) -> Path:
    """model.json with those entities; the folder is returned."""
    model = {"name": "Feed", "version": "1.0", "modifiedTime": "2026-01-01T00:00:00Z", "entities": entities, **more}
    write(folder / "model.json", json.dumps(model, ensure_ascii=False).encode())
    return folder

"""What is told about the assets in Dagster's page: columns, where they came from, counts, the field map.

A function belongs here when it turns a value of ours into metadata or Markdown. It never shows a row, an address
or a key: metadata stays in Dagster's event log for years, and everybody with the page reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import dagster as dg
import polars as pl
from upath import UPath

from klaviyo_assets.exports import FieldMap
from klaviyo_assets.frames import FORGOTTEN_RULE, PROFILES, REJECTIONS
from klaviyo_assets.ledger import REASON
from klaviyo_assets.mapping import RULES, WARNINGS

_MEANINGS: Final = {
    "email": "trimmed and lower-cased; who this is",
    "external_id": "the customer's id on our side",
    "payload": "what Klaviyo receives for this person",
    "segment": "the segment that the row came from",
    "row": "the row's place in that segment, from 0",
    "dropped": "rules that cost an optional field",
    "rule": "the rule that rejected the row",
    "reason": "the rule in words",
}


def storage_metadata(stored: pl.LazyFrame, path: UPath) -> dict[str, Any]:
    """How many rows a stored frame has, and where it lies."""
    return {"dagster/row_count": stored.select(pl.len()).collect().item(), "dagster/uri": str(path)}


def column_schema(frame: pl.LazyFrame) -> dg.TableSchema:
    """The columns of a frame and their types."""
    return dg.TableSchema([dg.TableColumn(name, type=str(dtype)) for name, dtype in frame.collect_schema().items()])


def profiles_metadata(field_map: FieldMap, segments: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Columns of the profiles, each with the columns that it came from, and the field map as a table.

    Args:
        field_map: which column feeds which field.
        segments: the columns of each segment, by its asset key.
    """
    sources = _profile_sources(field_map, segments)
    return {
        "dagster/column_schema": _described_schema(PROFILES, sources),
        "dagster/column_lineage": _lineage(sources, segments),
        "field_map": dg.MetadataValue.md(field_map_table(field_map)),
    }


def rejections_metadata(field_map: FieldMap, segments: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Columns of the rejections, each with the columns that it came from."""
    sources = {"email": [field_map.email]}
    return {
        "dagster/column_schema": _described_schema(REJECTIONS, sources),
        "dagster/column_lineage": _lineage(sources, segments),
    }


def field_map_table(field_map: FieldMap) -> str:
    """The field map as a Markdown table: profile field, and the column that feeds it; and the column for consent."""
    fields = {
        "email": field_map.email,
        **({"opted_in (not sent)": field_map.opted_in} if field_map.opted_in else {}),
        **field_map.attributes,
        **{f"location.{name}": column for name, column in field_map.location.items()},
        **{f"properties.{name}": column for name, column in field_map.properties.items()},
    }
    others = [("properties.*", "all other columns")] if field_map.other_columns else []
    return markdown_table(
        ("profile field", "column"), [*((name, f"`{column}`") for name, column in fields.items()), *others]
    )


def count_rules(frame: pl.LazyFrame, column: str) -> str:
    """How many rows each rule cost something, as a Markdown table; several rules of a row stand between commas."""
    rule = pl.col(column).str.split(",").explode().alias("rule")
    counts = frame.select(rule).drop_nulls().group_by("rule").len().sort("len", "rule", descending=[True, False])
    words = {**RULES, **WARNINGS, FORGOTTEN_RULE: REASON}
    rows = [(rule, count, words.get(rule, "")) for rule, count in counts.collect().iter_rows()]
    return markdown_table(("rule", "rows", "meaning"), rows) if rows else "none"


def counts_table(title: str, counts: Mapping[str, int]) -> str:
    """Counts by name as a Markdown table."""
    return markdown_table((title, "rows"), counts.items()) if counts else "none"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _profile_sources(field_map: FieldMap, segments: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    every = (column for columns in segments.values() for column in columns if column != field_map.opted_in)
    payload = [*field_map.columns, *every] if field_map.other_columns else field_map.columns
    external_id = field_map.attributes.get("external_id")
    return {
        "email": [field_map.email],
        "external_id": [external_id] if external_id else [],
        "payload": list(dict.fromkeys(payload)),
    }


def _described_schema(schema: pl.Schema, sources: Mapping[str, Sequence[str]]) -> dg.TableSchema:
    def describe(name: str) -> str:
        found = sources.get(name)
        return f"← {', '.join(found)}; {_MEANINGS[name]}" if found else _MEANINGS[name]

    return dg.TableSchema(
        [dg.TableColumn(name, type=str(dtype), description=describe(name)) for name, dtype in schema.items()]
    )


def _lineage(sources: Mapping[str, Sequence[str]], segments: Mapping[str, Sequence[str]]) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(asset_key=dg.AssetKey.from_user_string(segment), column_name=name)
                for segment, present in segments.items()
                for name in names
                if name in present
            ]
            for column, names in sources.items()
            if names
        }
    )


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")

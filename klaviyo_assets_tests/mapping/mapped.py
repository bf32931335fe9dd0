"""Customers and field maps from the few columns that matter to a case, and what mapping makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from klaviyo_assets.exports import FieldMap
from klaviyo_assets.mapping import map_profiles

SEGMENT = "segments/vip"


def field_map(
    *,
    location: Mapping[str, str] | None = None,
    properties: Mapping[str, str] | None = None,
    other_columns: bool = False,
    opted_in: str | None = None,
    **attributes: str,
) -> FieldMap:
    """A field map that takes the address from the column `email`."""
    return FieldMap("email", attributes, location or {}, properties or {}, other_columns, opted_in)


def mapped(customers: pl.DataFrame | Mapping[str, pl.DataFrame], fields: FieldMap) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Profiles and rejections of one segment, or of several by their keys."""
    segments = {SEGMENT: customers} if isinstance(customers, pl.DataFrame) else customers
    made = map_profiles({key: frame.lazy() for key, frame in segments.items()}, fields)
    return made.profiles.collect(), made.rejections.collect()


def with_addresses(columns: Mapping[str, Sequence[Any] | pl.Series]) -> pl.DataFrame:
    """Customers with these columns, each row with a good address of its own."""
    frame = pl.DataFrame(columns)
    return frame.with_columns(pl.format("p{}@example.com", pl.int_range(pl.len())).alias("email"))


def attributes(payload: str) -> dict[str, Any]:
    """What a payload says of its person, once it is seen to be a profile."""
    profile = json.loads(payload)
    assert profile.keys() == {"type", "attributes"}
    assert profile["type"] == "profile"
    said: dict[str, Any] = profile["attributes"]
    return said


def property_payloads(values: pl.Series) -> list[str | None]:
    """The JSON of the values, each as the property `v` of its person; None where it is absent."""
    profiles, _ = mapped(with_addresses({"v": values}), field_map(properties={"v": "v"}))
    start, end = ',"properties":{"v":', "}}}"
    parts = [payload.partition(start)[2] for payload in profiles["payload"]]
    return [part.removesuffix(end) if part else None for part in parts]

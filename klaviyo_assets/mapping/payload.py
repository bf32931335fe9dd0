"""The payload: the fragment of JSON that Klaviyo receives for one person.

    {"type":"profile","attributes":{"email":…,"first_name":…,"location":{…},"properties":{…}}}

Its keys stand in a fixed order and null never stands in it, so that it changes only when the person does. What
the JSON of a single value looks like is a matter of `json_text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from klaviyo_assets.frames import look_up
from klaviyo_assets.mapping.columns import Field
from klaviyo_assets.mapping.identities import SHARED_RULES
from klaviyo_assets.mapping.json_text import json_object
from klaviyo_assets.mapping.normalise import unless
from klaviyo_assets.mapping.rows import Rows, encode, identify, judge
from klaviyo_assets.mapping.rules import FIELD_RULES


def build_payloads(rows: Rows, *, shared: Mapping[str, pl.DataFrame]) -> pl.LazyFrame:
    """The rows that can be sent, in their order, with `payload` and the rules that cost a field, `dropped`.

    Args:
        rows: some or all rows of one segment.
        shared: for each mapped identifier the values that are left out, because they stand for several people.
    """
    frame = judge(identify(rows)).filter(pl.col("rule").is_null())
    for identifier, rule in SHARED_RULES.items():
        frame = _without_shared(frame, identifier, shared.get(identifier), flag=rule.name)
    broken = (pl.when(rule.name).then(pl.lit(rule.name)) for rule in FIELD_RULES)
    return encode(frame, rows.dtypes).with_columns(
        _payload(rows.dtypes).alias("payload"),
        unless(pl.concat_str(broken, separator=",", ignore_nulls=True), "").alias("dropped"),
    )


def _without_shared(frame: pl.LazyFrame, identifier: str, values: pl.DataFrame | None, *, flag: str) -> pl.LazyFrame:
    if values is None or values.is_empty():
        return frame.with_columns(pl.lit(False).alias(flag))
    joined = look_up(frame, values.with_columns(pl.lit(True).alias(flag)), identifier, "left")
    return joined.with_columns(pl.when(pl.col(flag).is_null()).then(identifier).alias(identifier))


def _payload(fields: Iterable[Field]) -> pl.Expr:
    members: dict[str, list[pl.Expr]] = {"attributes": [], "location": [], "properties": []}
    for field in fields:
        members[field.part].append(pl.col(field.name))
    # An address that keeps the rules holds nothing that JSON would escape.
    start = pl.concat_str(pl.lit('{"type":"profile","attributes":{"email":"'), "email", pl.lit('"'))
    nested = (json_object(members[part], key=part) for part in ("location", "properties"))
    unclosed = pl.concat_str(start, *members["attributes"], *nested, separator=",", ignore_nulls=True)
    return pl.concat_str(unclosed, pl.lit("}}"))

"""Who becomes a profile, with which payload, and who does not, by which rule.

The steps follow one another here; each of them stands in a file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from klaviyo_assets.exports import FieldMap
from klaviyo_assets.frames import PROFILES, REJECTIONS, look_up
from klaviyo_assets.mapping.columns import match_columns
from klaviyo_assets.mapping.identities import find_beaten, find_repeated, find_rivals, find_shared, find_tied
from klaviyo_assets.mapping.payload import build_payloads
from klaviyo_assets.mapping.rows import ROW, Rows, identify, judge, may_be_too_large, number
from klaviyo_assets.mapping.rules import RULES, email_duplicate, too_large


class Mapped(NamedTuple):
    """What mapping makes of customers: every row stands in exactly one of the two frames.

    Attributes:
        profiles: PROFILES, one row a person, in the order of the segments and of their rows.
        rejections: REJECTIONS, in the same order.
    """

    profiles: pl.LazyFrame
    rejections: pl.LazyFrame


def map_profiles(customers: Mapping[str, pl.LazyFrame], field_map: FieldMap) -> Mapped:
    """Maps the customers of one or more segments to profiles.

    Addresses and identifiers are read here, to know which rows give way to others; everything else when the two
    frames are collected or sunk, each in one pass, streaming. (Put into the frames' own plans, the same questions
    make Polars read the segments a dozen times.)

    Args:
        customers: each segment's rows by its asset key, in the order in which the export lists them; at least one.
            A frame must give its rows in the same order whenever it is collected, as the scan of a file does.
        field_map: which column feeds which field.

    Raises:
        ColumnMissing: a mapped column is in not every segment.
        SegmentError: a column's type cannot feed its field, or segments disagree on it.
    """
    schemas = {segment: frame.collect_schema() for segment, frame in customers.items()}
    fields = match_columns(schemas, field_map)
    segments = []
    for order, (segment, frame) in enumerate(customers.items()):
        dtypes = {field: schemas[segment].get(field.column, pl.Null()) for field in fields}
        segments.append(number(frame, segment, order=order, field_map=field_map, dtypes=dtypes))
    return _map(segments, identifiers=[field.key for field in fields if field.identifies])


def _map(segments: Sequence[Rows], *, identifiers: Sequence[str]) -> Mapped:
    people = pl.concat(
        identify(rows).select(*ROW, "opted_in", "address", "email", "phone_number", "external_id") for rows in segments
    )
    repeated = find_repeated(people, ["email", *identifiers])
    shared = {identifier: find_shared(people, identifier, repeated[identifier]) for identifier in identifiers}
    losers = _find_losers(segments, find_rivals(people, repeated["email"]), shared)
    profiles = pl.concat(build_payloads(rows.without(losers), shared=shared) for rows in segments)
    return Mapped(profiles=profiles.select(PROFILES.names()), rejections=_rejections(segments, losers))


def _find_losers(segments: Sequence[Rows], rivals: pl.DataFrame, shared: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """`order` and `row` of the rows that agree and have a good address, yet are not sent, and the rule: `loses_by`."""
    bulky = pl.concat(build_payloads(rows.filter(may_be_too_large(rows.dtypes)), shared=shared) for rows in segments)
    large = bulky.filter(too_large.broken_by(pl.col("payload"))).select(ROW).collect(engine="streaming")
    fitting = rivals.join(large, on=ROW, how="anti")
    tied = find_tied(fitting)
    payloads = pl.concat(build_payloads(rows.among(tied), shared=shared) for rows in segments)
    weighed = payloads.select(*ROW, "payload").collect(engine="streaming")
    beaten = find_beaten(fitting.join(weighed, on=ROW, how="left"))
    return pl.concat(
        losers.with_columns(pl.lit(rule.name).alias("loses_by"))
        for losers, rule in ((large, too_large), (beaten, email_duplicate))
    )


def _rejections(segments: Sequence[Rows], losers: pl.DataFrame) -> pl.LazyFrame:
    judged = pl.concat(judge(identify(rows)).select(*ROW, "segment", "email", "rule") for rows in segments)
    rejected = (
        look_up(judged, losers, ROW, "left")
        .with_columns(pl.coalesce("rule", "loses_by").alias("rule"))
        .drop_nulls("rule")
    )
    reason = pl.coalesce(pl.when(pl.col("rule") == name).then(pl.lit(words)) for name, words in RULES.items())
    return rejected.with_columns(reason.alias("reason")).select(REJECTIONS.names())

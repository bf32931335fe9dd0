"""Which fields of whom are to be emptied in Klaviyo: what we sent once, and what is empty now.

    a custom property       emptied by the import that brings the person's other fields (`unset`)
    a field of Klaviyo's    emptied by a request of its own, once that import is confirmed (`clears`, change `clear`)

A field stays where another export of the account sends it for this person, and where it is missing only because its
value was dropped by a rule: a bad value is no reason to lose a good one.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from klaviyo_assets.frames import CHANGES
from klaviyo_assets.plan.fields import PROPERTIES, fields_of

# Rules that cost an optional field begin with what they cost; see PROFILES.dropped.
_COST: Final = {
    "phone_number": "phone_",
    "external_id": "external_id_",
    "location.latitude": "latitude_",
    "location.longitude": "longitude_",
}
_gone: Final = pl.col("gone")
_is_property: Final = pl.element().str.starts_with(PROPERTIES)


def add_clears(changes: pl.DataFrame, others: pl.LazyFrame) -> pl.DataFrame:
    """The changes with `unset` and `clears`, and with a change `clear` for each person who needs one.

    Args:
        changes: CHANGES, and of who is updated or cleared also `known_payload`, `uncleared` and `dropped`; a person
            whose payload is confirmed and who may only have to be cleared stands there as `clear`.
        others: `email` and `payload` of the people whom other exports of the account send.
    """
    is_known = pl.col("change").is_in(["update", "clear"])
    candidates = changes.filter(is_known)
    if candidates.is_empty():
        return changes.select(CHANGES.names()).cast(CHANGES)
    known = _without_others(_find_gone(candidates), others).with_columns(
        clears=_or_null(_gone.list.filter(~_is_property)), unset=_as_json(_gone.list.filter(_is_property))
    )
    updates = known.filter(pl.col("change") == "update")
    clears = known.filter(pl.col("clears").is_not_null()).with_columns(
        change=pl.lit("clear", dtype=CHANGES["change"]), payload=pl.lit(None, dtype=pl.String), unset=None
    )
    parts = (changes.filter(~is_known), updates, clears)
    return pl.concat(part.select(CHANGES.names()).cast(CHANGES) for part in parts).sort("change", "email")


def _find_gone(known: pl.DataFrame) -> pl.DataFrame:
    """With `gone`: the fields that we sent and that are empty now."""
    none = pl.lit([], dtype=pl.List(pl.String))
    before = pl.coalesce("fields_before", none).list.set_union(pl.coalesce("uncleared", none))
    lost = pl.concat_list(
        pl.when(pl.col("dropped").str.contains(rule, literal=True)).then(pl.lit(field)) for field, rule in _COST.items()
    )
    return known.with_columns(
        fields_before=fields_of(known["known_payload"]), fields_now=fields_of(known["payload"])
    ).with_columns(gone=before.list.set_difference("fields_now").list.set_difference(lost.list.drop_nulls()))


def _without_others(known: pl.DataFrame, others: pl.LazyFrame) -> pl.DataFrame:
    """With what other exports send for a person taken out of `gone`."""
    concerned = known.filter(_gone.list.len() > 0).select("email")
    if concerned.is_empty():
        return known
    theirs = others.join(concerned.lazy(), on="email", how="semi").drop_nulls("payload").collect()
    sent = (
        theirs.with_columns(theirs=fields_of(theirs["payload"]))
        .explode("theirs")
        .group_by("email")
        .agg(pl.col("theirs").drop_nulls())
    )
    none = pl.lit([], dtype=pl.List(pl.String))
    return known.join(sent, on="email", how="left").with_columns(
        gone=_gone.list.set_difference(pl.coalesce("theirs", none))
    )


def _or_null(fields: pl.Expr) -> pl.Expr:
    return pl.when(fields.list.len() > 0).then(fields.list.sort())


def _as_json(properties: pl.Expr) -> pl.Expr:
    # Names stand here as JSON writes them, so that they need only their quotes.
    names = properties.list.eval(pl.element().str.strip_prefix(PROPERTIES)).list.sort()
    return pl.when(properties.list.len() > 0).then(pl.concat_str(pl.lit('["'), names.list.join('","'), pl.lit('"]')))

"""Which fields of whom are to be emptied in Klaviyo: what we sent once, and what is empty now.

    a custom property       emptied by the import that brings the person's other fields (`unset`)
    a field of Klaviyo's    emptied by a request of its own, once that import is confirmed (`clears`, change `clear`)

A field stays where another export of the account sends it for this person, and where it is missing only because its
value was dropped by a rule: a bad value is no reason to lose a good one.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from klaviyo_assets.frames import CHANGES, PERSON
from klaviyo_assets.plan.fields import PROPERTIES, fields_of, skeleton
from klaviyo_assets.plan.sides import look_up_people

# Rules that cost an optional field begin with what they cost; see PROFILES.dropped.
_COST: Final = {
    "phone_number": "phone_",
    "external_id": "external_id_",
    "location.latitude": "latitude_",
    "location.longitude": "longitude_",
}
_CLEARS: Final = pl.Schema({"place": pl.get_index_type(), "clears": CHANGES["clears"], "unset": CHANGES["unset"]})
_gone: Final = pl.col("gone")
_is_property: Final = pl.element().str.starts_with(PROPERTIES)


def find_clears(
    people: pl.DataFrame, profiles: pl.LazyFrame, ledger: pl.LazyFrame, others: pl.LazyFrame
) -> pl.DataFrame:
    """What is to be emptied of whom: `place`, the row in `people`, and as CHANGES `clears` and `unset`.

    Args:
        people: PERSON and `uncleared` of those who are in the segment and in the ledger, and may have fields emptied.
        profiles: PROFILES.
        ledger: LEDGER.
        others: `email` and `payload` of the people whom other exports of the account send.
    """
    if people.is_empty():
        return pl.DataFrame(schema=_CLEARS)
    placed = people.select(PERSON).with_row_index("place")
    shape = skeleton(pl.col("payload"))
    now = look_up_people(profiles.select("email", "payload", "dropped"), placed)
    before = look_up_people(ledger.select("email", "payload"), placed)
    gone = _find_gone(
        people.select("uncleared").with_row_index("place"),
        now.select("place", now=shape, dropped=pl.col("dropped").cast(pl.Categorical)).collect(),
        before.select("place", before=shape).collect(),
    )
    return _without_others(gone, placed, others).select(
        "place",
        clears=_or_null(_gone.list.filter(~_is_property)),
        unset=_as_json(_gone.list.filter(_is_property)),
    )


def _find_gone(known: pl.DataFrame, now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """`place` and `gone`, the fields that we sent and that are empty now, of everybody who has any.

    Few people differ in what they have: it is found once for all who are alike.
    """
    people = known.join(now, on="place").join(before, on="place")
    alike = ["before", "now", "dropped", "uncleared"]
    kinds = people.select(alike).unique()
    none = pl.lit([], dtype=pl.List(pl.String))
    sent = pl.coalesce("fields_before", none).list.set_union(pl.coalesce("uncleared", none))
    rules = pl.col("dropped").cast(pl.String)
    lost = pl.concat_list(
        pl.when(rules.str.contains(rule, literal=True)).then(pl.lit(field)) for field, rule in _COST.items()
    )
    gone = (
        kinds.with_columns(fields_before=fields_of(kinds["before"]), fields_now=fields_of(kinds["now"]))
        .with_columns(gone=sent.list.set_difference("fields_now").list.set_difference(lost.list.drop_nulls()))
        .filter(_gone.list.len() > 0)
    )
    return people.join(gone.select(*alike, "gone"), on=alike, nulls_equal=True).select("place", "gone")


def _without_others(gone: pl.DataFrame, placed: pl.DataFrame, others: pl.LazyFrame) -> pl.DataFrame:
    """With what other exports send for a person taken out of `gone`."""
    if gone.is_empty():
        return gone
    concerned = placed.join(gone.select("place"), on="place", how="semi")
    theirs = look_up_people(others.drop_nulls("payload"), concerned)
    shapes = theirs.select("place", shape=skeleton(pl.col("payload"))).collect()
    sent = (
        shapes.select("place", theirs=fields_of(shapes["shape"]))
        .explode("theirs")
        .group_by("place")
        .agg(pl.col("theirs").drop_nulls())
    )
    none = pl.lit([], dtype=pl.List(pl.String))
    return gone.join(sent, on="place", how="left").select(
        "place", gone=_gone.list.set_difference(pl.coalesce("theirs", none))
    )


def _or_null(fields: pl.Expr) -> pl.Expr:
    return pl.when(fields.list.len() > 0).then(fields.list.sort())


def _as_json(properties: pl.Expr) -> pl.Expr:
    # Names stand here as JSON writes them, so that they need only their quotes.
    names = properties.list.eval(pl.element().str.strip_prefix(PROPERTIES)).list.sort()
    return pl.when(properties.list.len() > 0).then(pl.concat_str(pl.lit('["'), names.list.join('","'), pl.lit('"]')))

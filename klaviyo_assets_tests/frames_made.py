"""Frames for tests, from the few columns that matter to a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from klaviyo_assets.frames import LEDGER, MEMBERS, PROFILES, REJECTIONS
from klaviyo_assets.plan import Plan

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def made(schema: pl.Schema, rows: Sequence[Mapping[str, Any]], **defaults: Any) -> pl.DataFrame:
    """A frame of the schema; what a row does not say is a default, or null."""
    full = [{**dict.fromkeys(schema), **defaults, **row} for row in rows]
    return pl.DataFrame(full, schema=schema, orient="row")


def profiles(
    people: Mapping[str, str],
    external_ids: Mapping[str, str] | None = None,
    dropped: Mapping[str, str] | None = None,
) -> pl.LazyFrame:
    """PROFILES from address to payload."""
    ids, lost = external_ids or {}, dropped or {}
    rows = [
        {"email": email, "payload": payload, "external_id": ids.get(email), "row": row, "dropped": lost.get(email)}
        for row, (email, payload) in enumerate(people.items())
    ]
    return made(PROFILES, rows, segment="segments/vip").lazy()


def rejections(rules: Sequence[tuple[str | None, str]]) -> pl.LazyFrame:
    """REJECTIONS from address and rule."""
    rows = [{"email": email, "rule": rule, "row": row} for row, (email, rule) in enumerate(rules)]
    return made(REJECTIONS, rows, segment="segments/vip", reason="a reason").lazy()


def ledger(people: Mapping[str, str | None], **facts: Any) -> pl.LazyFrame:
    """LEDGER from address to the payload that was confirmed; `facts` hold for all."""
    rows = [{"email": email, "payload": payload} for email, payload in people.items()]
    defaults = {
        "ours": True,
        "open": False,
        "incomplete": False,
        "joined_from": NOON,
        "joined_until": NOON,
    }
    return made(LEDGER, rows, **{**defaults, **facts}).lazy()


def members(emails: Sequence[str], joined_at: datetime = NOON) -> pl.DataFrame:
    """MEMBERS from addresses."""
    rows = [{"email": email, "profile_id": f"01{index:04}"} for index, email in enumerate(emails)]
    return made(MEMBERS, rows, joined_at=joined_at)


def all_changes(plan: Plan) -> pl.DataFrame:
    """CHANGES of everybody about whom a plan has something to do."""
    return pl.concat([plan.additions.collect(), plan.updates.collect(), plan.changes])

"""Bulk imports: how people are packed into bodies, and what Klaviyo tells of its bulk jobs. No I/O.

https://developers.klaviyo.com/en/reference/bulk_import_profiles. A body is a join of payloads: no person is ever a
Python object on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl

from klaviyo_assets.errors import RowRefusal
from klaviyo_assets.klaviyo.answers import row_refusal

MOST_PROFILES: Final = 10_000  # in one body
MOST_BYTES: Final = 5_000_000  # of one body; whether Klaviyo means 5 MB or 5 MiB is not said

_HEAD: Final = '{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":['
_FOOT: Final = "]}}%s}}"
_LIST: Final = ',"relationships":{"lists":{"data":[{"type":"list","id":"%s"}]}}'
_UNSET: Final = (',"meta":{"patch_properties":{"unset":', "}}}")  # instead of a payload's last brace
_ENVELOPE_BYTES: Final = 256  # head, list and foot, generously

COMPLETE: Final = "complete"
CANCELLED: Final = "cancelled"


@dataclass(frozen=True)
class BulkJob:
    """What Klaviyo tells of one bulk job.

    Attributes:
        status: queued, processing, complete or cancelled; others may come.
        created_at: by Klaviyo's clock.
        completed_at: by Klaviyo's clock; None while it runs.
        total_count: rows submitted.
        completed_count: rows done so far; 0 while queued.
        failed_count: rows that failed so far.
        list_ids: the lists that its people join.
        dropped: the field that Klaviyo left out for somebody, as it said when it took the body; else None.
    """

    id: str
    status: str
    created_at: datetime
    completed_at: datetime | None
    total_count: int
    completed_count: int
    failed_count: int
    list_ids: tuple[str, ...]
    dropped: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it will do no more."""
        return self.status in (COMPLETE, CANCELLED)


@dataclass(frozen=True)
class FailedRow:
    """One row of a bulk job that failed.

    Attributes:
        refusal: where a pointer names the row, its place in the body, and the code.
        code: Klaviyo's code.
        email: the row's address, where Klaviyo gives it back.
    """

    refusal: RowRefusal | None
    code: str
    email: str | None

    def __repr__(self) -> str:
        return f"FailedRow({self.code!r})"


def cut_bodies(parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The people in the order in which they stand, cut by count and by the bytes of their `payload` and `unset`.

    Args:
        parts: the people, in parts of any size; no more of them is taken than the next body needs.
    """
    rest: pl.DataFrame | None = None
    for part in parts:
        rest = part if rest is None else pl.concat([rest, part])
        while (count := _fitting(rest)) < rest.height:
            yield rest[:count]
            rest = rest[count:]
    if rest is not None and rest.height:
        yield rest


def _fitting(people: pl.DataFrame) -> int:
    """How many of the people, from the first on, fit into one body."""
    unset = pl.col("unset").str.len_bytes().cast(pl.Int64) + sum(map(len, _UNSET))
    first = people.lazy().head(MOST_PROFILES)
    size = pl.col("payload").str.len_bytes().cast(pl.Int64) + 1 + unset.fill_null(0)
    count = first.select((size.cum_sum() <= MOST_BYTES - _ENVELOPE_BYTES).sum()).collect().item()
    # A single payload over the limit is sent alone, and Klaviyo says what it thinks of it.
    return max(1, int(count))


def render_body(people: pl.DataFrame, *, list_id: str | None) -> bytes:
    """The request body for these people, by `payload` and `unset`; with a list, they join it."""
    joins = _LIST % list_id if list_id else ""
    payload = pl.col("payload")
    if people["unset"].null_count() < people.height:
        head, foot = map(pl.lit, _UNSET)
        unsetting = pl.concat_str(payload.str.strip_suffix("}"), head, "unset", foot)
        payload = pl.when(pl.col("unset").is_null()).then(payload).otherwise(unsetting)
    body = pl.concat_str(pl.lit(_HEAD), payload.str.join(","), pl.lit(_FOOT % joins))
    rendered: bytes = people.select(body.cast(pl.Binary)).item()  # as it is sent, and no text of Python's on the way
    return rendered


def parse_bulk_job(resource: Mapping[str, Any]) -> BulkJob:
    """A bulk job from its resource; what is absent counts as none."""
    facts = resource["attributes"]
    lists = ((resource.get("relationships") or {}).get("lists") or {}).get("data") or []
    return BulkJob(
        id=resource["id"],
        status=facts["status"],
        created_at=datetime.fromisoformat(facts["created_at"]),
        completed_at=datetime.fromisoformat(facts["completed_at"]) if facts.get("completed_at") else None,
        total_count=facts.get("total_count") or 0,
        completed_count=facts.get("completed_count") or 0,
        failed_count=facts.get("failed_count") or 0,
        list_ids=tuple(item["id"] for item in lists),
    )


def parse_failed_row(resource: Mapping[str, Any]) -> FailedRow:
    """An import error from its resource."""
    facts = resource.get("attributes") or {}
    payload = facts.get("original_payload")
    return FailedRow(refusal=row_refusal(facts), code=str(facts.get("code") or "invalid"), email=_find_email(payload))


def _find_email(payload: Any) -> str | None:
    """The address in a payload that may be the profile, or its attributes, or wrapped in `data`."""
    while isinstance(payload, Mapping):
        if isinstance(payload.get("email"), str):
            return str(payload["email"]).strip().lower()
        payload = payload.get("attributes") or payload.get("data")
    return None

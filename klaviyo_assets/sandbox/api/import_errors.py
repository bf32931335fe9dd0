"""The rows that a bulk import job does not take: which they are, why, and how they are told.

https://developers.klaviyo.com/en/reference/get_errors_for_bulk_import_profiles_job
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from klaviyo_assets.sandbox.account.bulk_jobs import RowFailure
from klaviyo_assets.sandbox.account.payload import Row
from klaviyo_assets.sandbox.api import documents, paging, profiles, requests, validation
from klaviyo_assets.sandbox.api.documents import Json
from klaviyo_assets.sandbox.api.exchange import Answer, Call
from klaviyo_assets.sandbox.api.paging import Order
from klaviyo_assets.sandbox.effects import DropFields, FailRows

ROWS_AT = "/data/attributes/profiles/data"
FIELDS = ("code", "detail", "id", "original_payload", "source", "title")
TOO_LARGE = FailRows(code="too_large", detail="The profile is larger than 100KB.")
TWO_PEOPLE = FailRows(
    code="duplicate_profile",
    title="Conflict.",
    detail="A profile already exists with one of these identifiers.",
)


def read_all(call: Call) -> Answer:
    """The rows that a job did not take."""
    failures = requests.bulk_job_of(call).failures_told(call.now)
    order: Order[RowFailure] = Order("id", lambda failure: (failure.id, failure.id))
    size = call.query.page_size(default=profiles.PAGE_SIZE, most=profiles.MOST_PER_PAGE)
    page = paging.cut(sorted(failures, key=order.key), order=order, cursor=call.query.cursor(), size=size)
    return Answer(200, documents.paged(call, [_import_error(call, failure) for failure in page.items], page))


def failures(call: Call, entries: Sequence[Any], rows: Sequence[Row]) -> dict[int, RowFailure]:
    """By index, the rows that a new job will not take: those that are too large, and those that a fault names."""
    found = {
        index: _failure(call, TOO_LARGE, index, entry)
        for index, (entry, row) in enumerate(zip(entries, rows, strict=True))
        if validation.is_too_large(entry, row)
    }
    for fault in (effect for effect in call.effects if isinstance(effect, FailRows)):
        found |= {index: _failure(call, fault, index, entries[index]) for index in named(fault, rows)}
    return found


def named(fault: FailRows | DropFields, rows: Sequence[Row]) -> list[int]:
    """The indexes of the rows that a fault is about."""
    emails, indexes = set(map(validation.normalized_email, fault.emails)), set(fault.indexes)
    return [index for index, row in enumerate(rows) if index in indexes or row.email in emails]


def on_two_people(call: Call, entries: Sequence[Any]) -> Callable[[Row], RowFailure] | None:
    """What becomes of a row that turns out to name two people when the job comes to it; None if it is no failure."""
    if call.settings.two_people != "fail":
        return None
    return lambda row: _failure(call, TWO_PEOPLE, row.index, entries[row.index])


def _failure(call: Call, fault: FailRows, index: int, entry: dict[str, Any]) -> RowFailure:
    return RowFailure(
        id=call.account.ids.ulid(call.now),
        code=fault.code,
        title=fault.title,
        detail=fault.detail,
        pointer=f"{ROWS_AT}/{index}" if fault.with_pointer else None,
        payload=entry if fault.with_payload else None,
    )


def _import_error(call: Call, failure: RowFailure) -> Json:
    attributes = {
        "code": failure.code,
        "title": failure.title,
        "detail": failure.detail,
        "source": {"pointer": failure.pointer} if failure.pointer else {},
        "original_payload": failure.payload,
    }
    fields = call.query.names("fields[import-error]")
    return {"type": "import-error", "id": failure.id, "attributes": documents.sparse(attributes, fields)}

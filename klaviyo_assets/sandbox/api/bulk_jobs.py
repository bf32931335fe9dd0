"""Bulk profile import jobs: submit one, and follow it. What it refused is told in `import_errors.py`.

A body is checked as a whole, and one bad row refuses it: then there is no job and nothing was imported.
https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klaviyo_assets.sandbox.account.bulk_jobs import BulkJob
from klaviyo_assets.sandbox.account.payload import Row
from klaviyo_assets.sandbox.api import documents, errors, import_errors, lists, paging, profiles, requests, validation
from klaviyo_assets.sandbox.api.documents import Json
from klaviyo_assets.sandbox.api.exchange import Answer, Call
from klaviyo_assets.sandbox.api.filters import Rules
from klaviyo_assets.sandbox.api.import_errors import ROWS_AT
from klaviyo_assets.sandbox.api.paging import NUMBERED, Key, Order, Page
from klaviyo_assets.sandbox.effects import DropFields, EndBulkJob

KIND = "profile-bulk-import-job"
PATH = "profile-bulk-import-jobs"
MOST_ROWS = 10_000
FIELDS = (
    *("completed_at", "completed_count", "created_at", "expires_at", "failed_count", "id", "started_at"),
    *("status", "total_count"),
)
STATUSES = ("queued", "processing", "complete")
FILTERS: Rules = {"status": ("any", "equals")}


def submit(call: Call) -> Answer:
    """Takes a body of profiles as a new job, which is queued."""
    resource = requests.resource_of(call, KIND)
    entries = _entries(resource["attributes"])
    list_ids = _list_ids(call, resource)
    rows = validation.read_bulk_rows(entries, pointer=ROWS_AT, settings=call.settings)
    _drop_fields(call, rows)
    failures = import_errors.failures(call, entries, rows)
    ending = next((effect for effect in call.effects if isinstance(effect, EndBulkJob)), None)
    job = call.account.submit(
        [row for index, row in enumerate(rows) if index not in failures],
        list_ids=list_ids,
        total_count=len(entries),
        at=call.now,
        failures=tuple(failures.values()),
        on_two_people=import_errors.on_two_people(call, entries),
        ending=ending.ending if ending else "complete",
        applied_share=ending.applied_share if ending else 1.0,
    )
    return Answer(202, documents.single(call, render(call, job)), validation.partial_failure(rows))


def read_all(call: Call) -> Answer:
    """Jobs, oldest first unless asked otherwise."""
    conditions = call.query.conditions(KIND, FILTERS)
    if unknown := [value for condition in conditions for value in condition.values if value not in STATUSES]:
        raise errors.invalid_parameter(f"'{unknown[0]}' is not a valid status.", "filter")
    _, descending = call.query.sort(("created_at",), default="created_at")
    found = [job for job in call.account.bulk_jobs() if all(job.status(call.now) in each.values for each in conditions)]
    order: Order[BulkJob] = Order("created_at", _by_creation, descending)
    size = call.query.page_size(default=profiles.PAGE_SIZE, most=profiles.MOST_PER_PAGE)
    page = paging.cut(sorted(found, key=order.key), order=order, cursor=call.query.cursor(), size=size)
    return Answer(200, documents.paged(call, [render(call, job, microseconds=True) for job in page.items], page))


def read_one(call: Call) -> Answer:
    """One job, as far as it has come."""
    job = requests.bulk_job_of(call)
    included = call.query.names("include")
    document = documents.single(call, render(call, job), included=_lists(call, job) if included else None)
    return Answer(200, document)


def read_profiles(call: Call) -> Answer:
    """The profiles that a job made or changed."""
    page = _profile_ids(call)
    return Answer(200, documents.paged(call, [profiles.render(call, one) for one in page.items], page))


def read_profile_ids(call: Call) -> Answer:
    """Their ids alone."""
    page = _profile_ids(call)
    return Answer(200, documents.paged(call, documents.identifiers("profile", page.items), page))


def read_lists(call: Call) -> Answer:
    """The lists that a job puts people on. Not paged."""
    return Answer(200, documents.unpaged(call, _lists(call, requests.bulk_job_of(call))))


def read_list_ids(call: Call) -> Answer:
    """Their ids alone."""
    return Answer(200, documents.unpaged(call, documents.identifiers("list", requests.bulk_job_of(call).list_ids)))


def render(call: Call, job: BulkJob, *, microseconds: bool = False) -> Json:
    """A job as a resource; listings tell microseconds, single answers do not."""
    now = call.now
    attributes = {
        "status": job.status(now),
        "created_at": documents.timestamp(job.created_at, microseconds=microseconds),
        "total_count": job.total_count,
        "completed_count": job.completed_count(now),
        "failed_count": job.failed_count(now),
        "completed_at": documents.timestamp(job.completed_at(now), microseconds=microseconds),
        "expires_at": documents.timestamp(job.course.expires_at, microseconds=microseconds),
        "started_at": documents.timestamp(job.started_at(now), microseconds=microseconds),
    }
    chosen = documents.sparse(attributes, call.query.names(f"fields[{KIND}]"))
    owner = f"{PATH}/{job.id}"
    errors_link = documents.relationship(call, owner, "import-errors")["links"]["related"]
    relationships = {
        "lists": documents.relationship(call, owner, "lists", documents.identifiers("list", job.list_ids)),
        "profiles": documents.relationship(call, owner, "profiles"),
        "import-errors": {"links": {"related": errors_link}},
    }
    return documents.resource(call, KIND, job.id, chosen, path=PATH, relationships=relationships)


def _entries(attributes: dict[str, Any]) -> list[Any]:
    """The rows as they were sent. Relationships inside the attributes are overlooked, as Klaviyo overlooks them."""
    for name in attributes:
        if name not in ("profiles", "relationships"):
            raise errors.invalid(errors.unknown_field(name, KIND), f"/data/attributes/{name}")
    given = attributes.get("profiles")
    entries = given.get("data") if isinstance(given, dict) else None
    if not isinstance(entries, list) or not entries:
        raise errors.invalid(pointer=ROWS_AT)
    if len(entries) > MOST_ROWS:
        raise errors.invalid(f"At most {MOST_ROWS} profiles are allowed, {len(entries)} were given.", ROWS_AT)
    return entries


def _list_ids(call: Call, resource: dict[str, Any]) -> tuple[str, ...]:
    relationships = resource.get("relationships") or {}
    if not isinstance(relationships, dict) or not isinstance(relationships.get("lists") or {}, dict):
        raise errors.invalid(pointer="/data/relationships")
    given = (relationships.get("lists") or {}).get("data")
    list_ids = tuple(dict.fromkeys(requests.ids_of(given, "list"))) if given else ()
    for list_id in list_ids:
        if list_id not in call.account.lists:
            raise errors.invalid(f"List ID {list_id} does not exist.", "/data")
    return list_ids


def _drop_fields(call: Call, rows: Sequence[Row]) -> None:
    """Lets the rows that a fault names go without some of their fields."""
    for fault in (effect for effect in call.effects if isinstance(effect, DropFields)):
        for index in import_errors.named(fault, rows):
            rows[index].drop(fault.fields)


def _profile_ids(call: Call) -> Page[str]:
    order: Order[str] = Order(NUMBERED, lambda profile_id: (profile_id, profile_id))
    size = call.query.page_size(default=profiles.PAGE_SIZE, most=profiles.MOST_PER_PAGE)
    return paging.cut(requests.bulk_job_of(call).profile_ids, order=order, cursor=call.query.cursor(), size=size)


def _lists(call: Call, job: BulkJob) -> list[Json]:
    found = [call.account.lists[list_id] for list_id in job.list_ids if list_id in call.account.lists]
    return [lists.render(call, one) for one in found]


def _by_creation(job: BulkJob) -> Key:
    return (job.created_at, job.id)

"""Lists: create, find, rename, delete.

https://developers.klaviyo.com/en/reference/lists_api_overview
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from klaviyo_assets.sandbox.account.lists import Flow, KlaviyoList
from klaviyo_assets.sandbox.api import documents, errors, paging, requests
from klaviyo_assets.sandbox.api.documents import Json
from klaviyo_assets.sandbox.api.exchange import Answer, Call
from klaviyo_assets.sandbox.api.filters import Condition, Rules
from klaviyo_assets.sandbox.api.paging import Key, Order

FIELDS = ("created", "id", "name", "opt_in_process", "updated")
FLOW_FIELDS = ("archived", "created", "id", "name", "status", "trigger_type", "updated")
INCLUDES = ("flow-triggers", "tags")
SORTS = ("created", "id", "name", "updated")
OPT_IN = ("double_opt_in", "single_opt_in", None)
FILTERS: Rules = {
    "name": ("any", "equals"),
    "id": ("any", "equals"),
    "created": ("greater-than",),
    "updated": ("greater-than",),
}
PAGE_SIZE = 10


def read_all(call: Call) -> Answer:
    """Lists, by id unless asked otherwise, at most ten at a time."""
    field, descending = call.query.sort(SORTS, default="id")
    conditions = call.query.conditions("list", FILTERS)
    order: Order[KlaviyoList] = Order(field, _key(field), descending)
    found = [one for one in call.account.lists.values() if all(_meets(one, each) for each in conditions)]
    size = call.query.page_size(default=PAGE_SIZE, most=PAGE_SIZE)
    page = paging.cut(sorted(found, key=order.key), order=order, cursor=call.query.cursor(), size=size)
    include = call.query.names("include")
    data = [render(call, one, include=include) for one in page.items]
    document = documents.paged(call, data, page, included=_included(call, page.items, include))
    return Answer(200, _with_junk_link(call, document, conditions))


def create(call: Call) -> Answer:
    """A new list. Names may repeat."""
    attributes = requests.resource_of(call, "list")["attributes"]
    _check(attributes, required=("name",))
    opt_in_process = attributes.get("opt_in_process") or "single_opt_in"
    created = call.account.create_list(attributes["name"], at=call.now, opt_in_process=opt_in_process)
    return Answer(201, documents.single(call, render(call, created, microseconds=True)))


def read_one(call: Call) -> Answer:
    """One list, with the number of its members if asked."""
    found = requests.list_of(call)
    include = call.query.names("include")
    data = render(call, found, include=include)
    return Answer(200, documents.single(call, data, included=_included(call, [found], include)))


def update(call: Call) -> Answer:
    """Renames a list, or changes how people opt in."""
    found = requests.list_of(call)
    resource = requests.resource_of(call, "list")
    requests.same_id(call, resource)
    _check(resource["attributes"])
    for name, value in resource["attributes"].items():
        if value is not None:
            setattr(found, name, value)
    found.updated_at = call.now
    return Answer(200, documents.single(call, render(call, found, microseconds=True)))


def delete(call: Call) -> Answer:
    """The list goes; the profiles that were on it stay."""
    del call.account.lists[requests.list_of(call).id]
    return Answer(204)


def render(call: Call, one: KlaviyoList, *, include: Sequence[str] = (), microseconds: bool = False) -> Json:
    """A list as a resource, with the ids of what is to be included."""
    attributes: Json = {
        "name": one.name,
        "created": documents.timestamp(one.created_at, microseconds=microseconds),
        "updated": documents.timestamp(one.updated_at, microseconds=microseconds),
        "opt_in_process": one.opt_in_process,
    }
    if "profile_count" in call.query.names("additional-fields[list]"):
        attributes["profile_count"] = one.members.count_at(call.now - call.settings.count_lag_s)
    chosen = documents.sparse(attributes, call.query.names("fields[list]"))
    flows = documents.identifiers("flow", [flow.id for flow in one.flows]) if "flow-triggers" in include else None
    owner = f"lists/{one.id}"
    relationships = {
        "profiles": documents.relationship(call, owner, "profiles"),
        "tags": documents.relationship(call, owner, "tags", [] if "tags" in include else None),
        "flow-triggers": documents.relationship(call, owner, "flow-triggers", flows),
    }
    return documents.resource(call, "list", one.id, chosen, path="lists", relationships=relationships)


def _included(call: Call, found: Sequence[KlaviyoList], include: Sequence[str]) -> list[Json] | None:
    """The flows that the lists start, where they are asked for; None where nothing is. The sandbox has no tags."""
    if not include:
        return None
    flows = {flow.id: (flow, one) for one in found for flow in one.flows} if "flow-triggers" in include else {}
    return [_flow(call, flow, one) for flow, one in flows.values()]


def _flow(call: Call, flow: Flow, one: KlaviyoList) -> Json:
    attributes = {
        "name": flow.name,
        "status": flow.status,
        "archived": flow.archived,
        "created": documents.timestamp(one.created_at),
        "updated": documents.timestamp(one.created_at),
        "trigger_type": "Added to List",
    }
    owner = f"flows/{flow.id}"
    relationships = {name: documents.relationship(call, owner, name) for name in ("flow-actions", "tags")}
    chosen = documents.sparse(attributes, call.query.names("fields[flow]"))
    return documents.resource(call, "flow", flow.id, chosen, path="flows", relationships=relationships)


def _check(attributes: dict[str, Any], *, required: Sequence[str] = ()) -> None:
    problems = [
        errors.problem(errors.unknown_field(name, "list"), f"/data/attributes/{name}")
        for name in attributes
        if name not in ("name", "opt_in_process")
    ]
    name = attributes.get("name")
    if (name is None and "name" in required) or (name is not None and (not isinstance(name, str) or not name)):
        problems.append(errors.problem(errors.PAYLOAD_INVALID, "/data/attributes/name"))
    if attributes.get("opt_in_process") not in OPT_IN:
        problems.append(errors.problem(errors.PAYLOAD_INVALID, "/data/attributes/opt_in_process"))
    if problems:
        raise errors.all_invalid(problems)


def _meets(one: KlaviyoList, condition: Condition) -> bool:
    if condition.field in ("name", "id"):
        return getattr(one, condition.field) in condition.values
    at: float = getattr(one, f"{condition.field}_at")
    return at > condition.times()[0]


def _key(field: str) -> Callable[[KlaviyoList], Key]:
    def key(one: KlaviyoList) -> Key:
        return (getattr(one, f"{field}_at" if field in ("created", "updated") else field), one.id)

    return key


def _with_junk_link(call: Call, document: Json, conditions: Sequence[Condition]) -> Json:
    """Klaviyo answers a look-up by ids with a previous page that there is not; only `next` is worth following."""
    looked_up = next((c for c in conditions if c.field == "id" and c.operator == "any"), None)
    if looked_up is not None:
        junk = paging.encode(f"<Filters: any(id,{list(looked_up.values)})>")
        document["links"]["prev"] = f"{call.base_url}{call.route}?{call.query.at_page(junk)}"
    return document

"""JSON:API as Klaviyo renders it: documents, links, resources of no particular kind, and times.

Links are absolute, on the address that the request came to. Those of resources and relationships end in a slash,
and those of documents echo the request without one. https://developers.klaviyo.com/en/docs/relationships_
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from klaviyo_assets.sandbox.api.exchange import Call
from klaviyo_assets.sandbox.api.paging import Page

Json = dict[str, Any]


def single(call: Call, data: Json, *, included: Sequence[Json] | None = None) -> Json:
    """A document about one thing. `included` is left out where no include was asked for."""
    document: Json = {"data": data, "links": {"self": _self(call)}}
    return document if included is None else document | {"included": list(included)}


def unpaged(call: Call, data: Iterable[Json]) -> Json:
    """A document about several things that is never cut into pages."""
    return {"data": list(data), "links": {"self": _self(call)}}


def paged(call: Call, data: Iterable[Json], page: Page[Any], *, included: Sequence[Json] | None = None) -> Json:
    """A document about one page of many. Where there is no next or previous page, its link is null."""
    links = {"self": _self(call), "next": _page_link(call, page.next), "prev": _page_link(call, page.prev)}
    document: Json = {"data": list(data), "links": links}
    return document if included is None else document | {"included": list(included)}


def resource(call: Call, kind: str, resource_id: str, attributes: Json, *, path: str, relationships: Json) -> Json:
    """A thing, with a link to itself at `path`."""
    return {
        "type": kind,
        "id": resource_id,
        "attributes": attributes,
        "relationships": relationships,
        "links": {"self": f"{call.base_url}/api/{path}/{resource_id}/"},
    }


def relationship(call: Call, owner: str, name: str, data: Sequence[Json] | None = None) -> Json:
    """Links to what a resource is related to, and its ids where they were asked for. `owner` is its path."""
    root = f"{call.base_url}/api/{owner}"
    links: Json = {"links": {"self": f"{root}/relationships/{name}/", "related": f"{root}/{name}/"}}
    return links if data is None else {"data": list(data)} | links


def identifiers(kind: str, ids: Iterable[str]) -> list[Json]:
    """Things by their kind and id alone."""
    return [{"type": kind, "id": item_id} for item_id in ids]


def sparse(attributes: Mapping[str, Any], fields: Sequence[str]) -> Json:
    """The attributes that were asked for; `a.b` asks for one key of an object. No fields: all."""
    if not fields:
        return dict(attributes)
    chosen: Json = {}
    for field in fields:
        name, _, inner = field.partition(".")
        if name not in attributes:
            continue
        value = attributes[name]
        if inner and isinstance(value, Mapping):
            chosen.setdefault(name, {}).update(sparse(value, [inner]))
        else:
            chosen[name] = value
    return chosen


def timestamp(at: float | None, *, microseconds: bool = False) -> str | None:
    """`2026-09-04T13:39:28+00:00`. Some answers carry microseconds and others cut them off."""
    if at is None:
        return None
    moment = datetime.fromtimestamp(at, UTC)
    return (moment if microseconds else moment.replace(microsecond=0)).isoformat()


def _self(call: Call) -> str:
    query = call.query.encoded()
    return f"{call.base_url}{call.route}" + (f"?{query}" if query else "")


def _page_link(call: Call, cursor: str | None) -> str | None:
    return None if cursor is None else f"{call.base_url}{call.route}?{call.query.at_page(cursor)}"

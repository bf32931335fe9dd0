"""Cursors, and the page of a sorted list that one stands for.

A cursor names the last item that was seen, so that a page is right even if items came or went before it. Its text is
Klaviyo's: base64url, without padding, of `next::id::<last id>`, and for the profiles of a bulk job of
`next::<last id>::<page number>`. Clients must not look inside.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar
from urllib.parse import parse_qs, quote, unquote

from klaviyo_assets.sandbox.api import errors

T = TypeVar("T")
Key = tuple[str | float, str]
"""What items are sorted by: a value, and the id where values are equal."""

NUMBERED = "numbered"
"""The field of an order by id whose cursors count pages."""

NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Order(Generic[T]):
    """A way in which a collection can be sorted: ascending by `key`, or the other way round."""

    field: str
    key: Callable[[T], Key]
    descending: bool = False


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: after an item, or before it on the way back."""

    direction: Literal["next", "prev"]
    field: str
    key: Key
    page_number: int = 1

    def encoded(self) -> str:
        """As a client gets it."""
        value, item_id = self.key
        if self.field == NUMBERED:
            return encode(f"{self.direction}::{item_id}::{self.page_number}")
        if self.field == "id":
            return encode(f"{self.direction}::id::{item_id}")
        return encode(f"{self.direction}::{self.field}::{quote(str(value))}::{item_id}")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page, and the cursors of its neighbours."""

    items: Sequence[T]
    next: str | None
    prev: str | None


def cut(items: Sequence[T], *, order: Order[T], cursor: Cursor | None, size: int) -> Page[T]:
    """The page of `items`, which are sorted ascending by the order's key, that a cursor stands for.

    Raises:
        ApiError: 400, for a cursor of a collection that is sorted otherwise.
    """
    if cursor is not None and cursor.field != order.field:
        raise _invalid()
    start, stop = _bounds(items, order, cursor, size)
    page = items[start:stop]
    shown = page[::-1] if order.descending else page
    before, after = start > 0, stop < len(items)
    if order.descending:
        before, after = after, before
    number = 1 if cursor is None else cursor.page_number
    return Page(
        shown,
        next=Cursor("next", order.field, order.key(shown[-1]), number + 1).encoded() if shown and after else None,
        prev=Cursor("prev", order.field, order.key(shown[0]), number - 1).encoded() if shown and before else None,
    )


def decode(text: str) -> Cursor:
    """A cursor from a request.

    The official Python SDK sends some with `=` in front, and some as the whole address of the next page: both are
    understood.

    Raises:
        ApiError: 400, for anything that is no cursor.
    """
    if "://" in text:
        text = parse_qs(text.partition("?")[2]).get("page[cursor]", [""])[0]
    match _decoded(text.strip("=")).split("::"):
        case ["next" | "prev" as direction, "id", item_id]:
            return Cursor(direction, "id", (item_id, item_id))
        case ["next" | "prev" as direction, item_id, number] if NUMBER.fullmatch(number):
            return Cursor(direction, NUMBERED, (item_id, item_id), int(number))
        case ["next" | "prev" as direction, "email" | "name" as field, value, item_id]:
            return Cursor(direction, field, (unquote(value), item_id))
        case ["next" | "prev" as direction, field, value, item_id]:
            return Cursor(direction, field, (_number(value), item_id))
    raise _invalid()


def encode(text: str) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _bounds(items: Sequence[T], order: Order[T], cursor: Cursor | None, size: int) -> tuple[int, int]:
    upward = (cursor is None or cursor.direction == "next") is not order.descending
    if upward:
        start = 0 if cursor is None else bisect_right(items, cursor.key, key=order.key)
        return start, min(start + size, len(items))
    stop = len(items) if cursor is None else bisect_left(items, cursor.key, key=order.key)
    return max(stop - size, 0), stop


def _decoded(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        raise _invalid() from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _invalid() from None


def _invalid() -> errors.ApiError:
    return errors.invalid("Invalid cursor provided.", "/data/")

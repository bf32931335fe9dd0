"""Cursors and pages."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.sandbox.api.errors import ApiError
from klaviyo_assets.sandbox.api.paging import NUMBERED, Cursor, Order, cut, decode, encode

BY_ID: Order[str] = Order("id", lambda item: (item, item))
Person = tuple[float, str]


def text_of(cursor: str | None) -> str:
    """What is inside a cursor, which no client may look at."""
    assert cursor is not None
    return base64.urlsafe_b64decode(cursor + "==").decode()


def test_the_form_of_a_cursor() -> None:
    """It is base64url, unpadded, of the last id of the page."""
    page = cut(["N6", "N7umbW", "Z"], order=BY_ID, cursor=None, size=2)

    assert page.next == "bmV4dDo6aWQ6Ok43dW1iVw"
    assert page.prev is None


def test_the_form_of_a_bulk_job_s_cursor() -> None:
    """Its cursors count pages instead of naming the field."""
    order: Order[str] = Order(NUMBERED, BY_ID.key)
    first = cut("ABCDE", order=order, cursor=None, size=2)
    assert first.next is not None
    second = cut("ABCDE", order=order, cursor=decode(first.next), size=2)

    assert (text_of(first.next), text_of(second.next)) == ("next::B::2", "next::D::3")
    assert text_of(second.prev) == "prev::C::1"


@pytest.mark.parametrize(
    "sent",
    ["bmV4dDo6aWQ6OkI", "=bmV4dDo6aWQ6OkI", "http://127.0.0.1:1/api/lists?page%5Bcursor%5D=bmV4dDo6aWQ6OkI&x=1"],
    ids=["as given", "with the SDK's equals sign", "as a whole address"],
)
def test_how_a_cursor_may_be_sent(sent: str) -> None:
    """The official SDK sends it in all three ways."""
    assert decode(sent) == Cursor("next", "id", ("B", "B"))


@pytest.mark.parametrize(
    "sent",
    [
        *("x", "!!!", "bmV4dA", "=", "é", "http://x/?page=1", "http://[x?page%5Bcursor%5D=x"),
        *map(encode, ("next::created::noon::A", "after::id::A", "next::A::two", "next::A::nan")),
    ],
)
def test_what_is_no_cursor(sent: str) -> None:
    """It is refused in Klaviyo's words."""
    with pytest.raises(ApiError) as refused:
        decode(sent)

    [problem] = refused.value.problems
    assert (problem.detail, problem.source) == ("Invalid cursor provided.", {"pointer": "/data/"})


def test_a_cursor_of_another_order_is_refused() -> None:
    """A cursor by id says nothing about a list that is sorted by time."""
    with pytest.raises(ApiError):
        cut([(1.0, "A")], order=Order("created", lambda item: item), cursor=Cursor("next", "id", ("A", "A")), size=1)


people = st.lists(st.tuples(st.integers(0, 3).map(float), st.text("AB", min_size=1)), unique_by=lambda one: one[1])


@given(people=people, size=st.integers(1, 4), descending=st.booleans())
def test_following_next_shows_everybody_once_in_order(people: list[Person], size: int, descending: bool) -> None:
    """Whatever the values, pages put together are the whole list, sorted; and back again by `prev`."""
    order: Order[Person] = Order("created", lambda item: item, descending)
    found = sorted(people)
    page = cut(found, order=order, cursor=None, size=size)
    pages = [page]
    while page.next is not None:
        page = cut(found, order=order, cursor=decode(page.next), size=size)
        pages.append(page)
    back = [page]
    while page.prev is not None:
        page = cut(found, order=order, cursor=decode(page.prev), size=size)
        back.append(page)

    assert [item for each in pages for item in each.items] == sorted(people, reverse=descending)
    assert [each.items for each in back[::-1]] == [each.items for each in pages]


@given(people=people.filter(bool), gone=st.data())
def test_a_page_does_not_move_when_somebody_leaves(people: list[Person], gone: st.DataObject) -> None:
    """Who left before the next page was asked for takes nobody else along."""
    order: Order[Person] = Order("created", lambda item: item)
    found = sorted(people)
    first = cut(found, order=order, cursor=None, size=2)
    leaver = gone.draw(st.sampled_from(found))
    left = [one for one in found if one != leaver]
    second = cut(left, order=order, cursor=decode(first.next), size=100).items if first.next else []

    assert list(second) == [one for one in found[2:] if one != leaver]


@given(value=st.text(), item=st.text("abc", min_size=1))
def test_a_name_with_anything_in_it_survives_a_cursor(value: str, item: str) -> None:
    """Names may hold what parts a cursor, and are quoted."""
    if value.isprintable():
        cursor = Cursor("next", "name", (value, item))
        assert decode(cursor.encoded()) == cursor

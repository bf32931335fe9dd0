"""How a new word changes an old one."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.sandbox.account.payload import EMPTY, Row, merged, pack, unpack, without_nulls

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
nested = st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(), max_size=3)
payloads = st.fixed_dictionaries(
    {}, optional={"title": st.none() | st.text(max_size=3), "properties": nested, "location": nested}
)


def row(payload: dict[str, Any], *, may_clear: bool = True) -> Row:
    """Somebody who says so much."""
    return Row(None, "a@b.co", None, None, payload=pack(payload), may_clear=may_clear)


@given(st.dictionaries(st.text(), values))
def test_nothing_is_lost_in_packing(attributes: dict[str, Any]) -> None:
    """What JSON can hold comes out as it went in."""
    assert unpack(pack(attributes)) == attributes


@given(old=payloads, new=payloads)
def test_merging_is_field_by_field(old: dict[str, Any], new: dict[str, Any]) -> None:
    """A value is set, a null clears, and what is absent stays: at the top and one level below."""
    start = merged(EMPTY, row(old))
    result, before = unpack(merged(start, row(new))), unpack(start)

    assert result.get("title") == new.get("title", before.get("title"))
    for name in ("properties", "location"):
        changed = {**before.get(name, {}), **new.get(name, {})}
        assert result.get(name, {}) == {key: value for key, value in changed.items() if value is not None}


@given(old=payloads, new=payloads)
def test_an_import_without_nulls_clears_nothing(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Every key that was there is there afterwards."""
    start = merged(EMPTY, row(old))
    result, before = unpack(merged(start, row(without_nulls(new), may_clear=False))), unpack(start)

    assert before.keys() <= result.keys()
    for name in ("properties", "location"):
        assert before.get(name, {}).keys() <= result.get(name, {}).keys()
        assert None not in result.get(name, {}).values()


@given(payload=payloads)
def test_saying_it_again_changes_nothing(payload: dict[str, Any]) -> None:
    """An import is repeatable."""
    once = merged(EMPTY, row(payload))

    assert unpack(merged(once, row(payload))) == unpack(once)

"""Who is who: which of several rows with one address is sent, and which identifiers are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.exports import FieldMap
from klaviyo_assets.frames import PROFILES, REJECTIONS
from klaviyo_assets_tests.mapping.mapped import attributes, field_map, mapped

Row = tuple[str | None, str | None, str | None, str | None]  # address, external id, phone, name

SCHEMA = {"email": pl.String, "id": pl.String, "phone": pl.String, "name": pl.String}
FIELDS = field_map(external_id="id", phone_number="phone", properties={"name": "name"})
PHONE = "+37120000000"


def segments(*rows: Sequence[Row]) -> dict[str, pl.DataFrame]:
    """Segments a, b, … of these rows."""
    return {
        f"segments/{name}": pl.DataFrame(part, SCHEMA, orient="row") for name, part in zip("abcdef", rows, strict=False)
    }


def kept(customers: Mapping[str, pl.DataFrame]) -> list[tuple[str, int]]:
    """Segment and row of whom is sent."""
    return mapped(customers, FIELDS)[0].select("segment", "row").rows()


# what competes, segment by segment: which row is sent
COMPETING: dict[str, tuple[dict[str, pl.DataFrame], tuple[str, int]]] = {
    "first-listed segment": (
        segments([("a@x.com", "2", None, "z")], [("a@x.com", "1", None, "a")]),
        ("segments/a", 0),
    ),
    "lowest external id": (
        segments([("a@x.com", "c2", None, "a"), ("a@x.com", "c1", None, "b")]),
        ("segments/a", 1),
    ),
    "shorter external id": (
        segments([("a@x.com", "10", None, "a"), ("a@x.com", "9", None, "b")]),
        ("segments/a", 1),
    ),
    "any external id before none": (
        segments([("a@x.com", None, None, "a"), ("a@x.com", "zz", None, "b")]),
        ("segments/a", 1),
    ),
    "smallest payload": (
        segments([("a@x.com", "1", None, "b"), ("a@x.com", "1", None, "a")]),
        ("segments/a", 1),
    ),
    "smallest payload without ids": (
        segments([("a@x.com", None, None, "b"), ("a@x.com", None, None, "a")]),
        ("segments/a", 1),
    ),
    "first of equals": (
        segments([("a@x.com", "1", None, "a"), ("a@x.com", "1", None, "a")]),
        ("segments/a", 0),
    ),
    "in one form": (
        segments([("A@X.com ", "2", None, "a"), ("\u00a0a@x.COM", "1", None, "a")]),
        ("segments/a", 1),
    ),
    "the ids of the first segment only": (
        segments([], [("a@x.com", "3", None, "a"), ("a@x.com", "2", None, "a")], [("a@x.com", "1", None, "a")]),
        ("segments/b", 1),
    ),
    "what is too large does not compete": (
        segments([("a@x.com", "1", None, "x" * 100_000)], [("a@x.com", "2", None, "a")]),
        ("segments/b", 0),
    ),
}


@pytest.mark.parametrize(("customers", "winner"), COMPETING.values(), ids=COMPETING)
def test_one_row_of_an_address_is_sent(customers: dict[str, pl.DataFrame], winner: tuple[str, int]) -> None:
    """Of rows with one address the first by precedence is sent."""
    assert kept(customers) == [winner]


def test_the_others_are_duplicates() -> None:
    """Every row that gives way is `email_duplicate`, with its own segment and row."""
    customers = segments(
        [("a@x.com", "2", None, None), ("b@x.com", None, None, None), ("a@x.com", "1", None, None)],
        [("B@x.com", None, None, None), ("c@x.com", None, None, None)],
    )

    profiles, rejections = mapped(customers, FIELDS)

    assert profiles.select("segment", "row").rows() == [("segments/a", 1), ("segments/a", 2), ("segments/b", 1)]
    assert rejections.select("segment", "row", "email", "rule").rows() == [
        ("segments/a", 0, "a@x.com", "email_duplicate"),
        ("segments/b", 0, "b@x.com", "email_duplicate"),
    ]


def test_a_row_that_cannot_be_sent_does_not_compete() -> None:
    """Rows with the same bad address are all rejected for being bad, and missing ones for being missing."""
    customers = segments([("n/a", "1", None, None), ("n/a", "2", None, None), (None,) * 4, (None,) * 4])

    _, rejections = mapped(customers, FIELDS)

    assert rejections["rule"].to_list() == ["email_invalid"] * 2 + ["email_missing"] * 2


def test_a_bad_address_does_not_beat_the_good_one_that_it_resembles() -> None:
    """The Kelvin sign's small letter is an ASCII k: an address with one is bad, and no rival of the one with k."""
    customers = segments([("\u212a@x.com", "1", None, None), ("k@x.com", "2", None, None)])

    profiles, rejections = mapped(customers, FIELDS)

    assert profiles["row"].to_list() == [1]
    assert rejections.select("email", "rule").rows() == [("k@x.com", "email_invalid")]


def test_of_many_equal_rows_the_first_is_sent() -> None:
    """Between rows of which the same would be sent, the place in the segment decides, however many there are."""
    customers = segments([("a@x.com", "1", None, "a")] * 5_000)

    assert kept(customers) == [("segments/a", 0)]


SHARED = {"external_id": ("id", "i"), "phone_number": ("phone", PHONE)}


def dropped(identifier: str, rows: Sequence[tuple[str, str | None]]) -> list[tuple[str, bool, str | None]]:
    """Of each person sent: the address, whether the identifier is, and the rules that cost a field."""
    column, _ = SHARED[identifier]
    customers = pl.DataFrame(rows, {"email": pl.String, column: pl.String}, orient="row")
    profiles, _ = mapped(customers, FieldMap("email", {identifier: column}, {}, {}))
    return [
        (email, identifier in attributes(payload), rules)
        for email, payload, rules in profiles.select("email", "payload", "dropped").rows()
    ]


@pytest.mark.parametrize("identifier", SHARED)
def test_an_identifier_of_several_people_is_nobodys(identifier: str) -> None:
    """An identifier that stands with several addresses is left out of all of them, and of nobody else."""
    _, value = SHARED[identifier]
    rule = f"{identifier.removesuffix('_number')}_shared"
    rows = [("a@x.com", value), ("b@x.com", value + "1"), ("c@x.com", f" {value} "), ("d@x.com", None), ("e@x.com", "")]

    assert dropped(identifier, rows) == [
        ("a@x.com", False, rule),
        ("b@x.com", True, None),
        ("c@x.com", False, rule),
        ("d@x.com", False, None),
        ("e@x.com", False, None),
    ]


@pytest.mark.parametrize("identifier", SHARED)
def test_rows_of_one_person_do_not_share(identifier: str) -> None:
    """Two rows with the same address and identifier are one person, who keeps it."""
    _, value = SHARED[identifier]

    assert dropped(identifier, [("a@x.com", value), ("A@x.com ", value)]) == [("a@x.com", True, None)]


@pytest.mark.parametrize("identifier", SHARED)
@pytest.mark.parametrize("address", ["a@x,com", "", None], ids=["bad", "blank", "missing"])
def test_who_cannot_be_sent_to_does_not_share(identifier: str, address: str | None) -> None:
    """A row without a usable address, likely the same person mistyped, takes no identifier away."""
    _, value = SHARED[identifier]

    rows: list[Any] = [("a@x.com", value), (address, value)]
    assert dropped(identifier, rows) == [("a@x.com", True, None)]


def test_identifiers_are_shared_across_segments() -> None:
    """An identifier that stands with different addresses in two segments is left out in both."""
    customers = segments([("a@x.com", "1", PHONE, None)], [("b@x.com", "1", PHONE, None)])

    profiles, _ = mapped(customers, FIELDS)

    assert profiles["external_id"].to_list() == [None, None]
    assert profiles["dropped"].to_list() == ["phone_shared,external_id_shared"] * 2
    assert profiles["payload"].str.contains("external_id|phone_number").to_list() == [False, False]


def test_a_shared_external_id_still_decides_between_rows() -> None:
    """Precedence goes by the external id that the row holds, sent or not."""
    customers = segments([("a@x.com", "2", None, "a"), ("a@x.com", "1", None, "z"), ("b@x.com", "1", None, None)])

    assert kept(customers) == [("segments/a", 1), ("segments/a", 2)]


ROWS = st.tuples(
    st.sampled_from(["a@x.com", " A@x.com", "b@x.com", "c@x.com", "bad", "ü@x.com", "a@ü.com", "", None]),
    st.sampled_from(["1", "2", "10", "", None, "i" * 300]),
    st.sampled_from([PHONE, "+371 20000000", "+37120000001", "1", None]),
    st.sampled_from(["x", "y", "", None, "z" * 100_000]),
)
PARTS = st.lists(st.lists(ROWS, max_size=6), min_size=1, max_size=3)


def who_and_what(customers: Mapping[str, pl.DataFrame]) -> set[tuple[str, str]]:
    """Address and payload of everybody who is sent."""
    profiles, _ = mapped(customers, FIELDS)
    assert profiles["email"].is_unique().all()
    return set(profiles.select("email", "payload").rows())


@given(PARTS, st.randoms())
def test_the_order_of_rows_never_decides(parts: list[list[Row]], random: Any) -> None:
    """The same people are sent with the same payloads, in whatever order the rows of each segment stand."""
    shuffled = [random.sample(part, len(part)) for part in parts]

    assert who_and_what(segments(*parts)) == who_and_what(segments(*shuffled))


@given(st.lists(ROWS, max_size=8))
def test_how_people_are_spread_over_segments_does_not_matter(rows: list[Row]) -> None:
    """As long as the rows of one address stay together, one segment or several give the same."""
    by_letter = [[row for row in rows if (row[0] or "").strip().lower().startswith(start)] for start in "abc"]
    rest = [row for row in rows if not (row[0] or "").strip().lower().startswith(("a", "b", "c"))]

    assert who_and_what(segments(rows)) == who_and_what(segments(*by_letter, rest))


@given(st.lists(ROWS, max_size=8))
def test_uniting_a_segment_with_itself_changes_nothing(rows: list[Row]) -> None:
    """A segment that is listed twice gives the same people with the same payloads."""
    assert who_and_what(segments(rows)) == who_and_what(segments(rows, rows))


@given(PARTS)
def test_nobody_vanishes(parts: list[list[Row]]) -> None:
    """Every row is either sent or rejected, once; in the order of the segments and their rows."""
    customers = segments(*parts)

    profiles, rejections = mapped(customers, FIELDS)

    places = [(segment, row) for segment, frame in customers.items() for row in range(len(frame))]
    found = [*profiles.select("segment", "row").rows(), *rejections.select("segment", "row").rows()]
    assert sorted(found) == places
    for frame in (profiles, rejections):
        assert frame.select("segment", "row").rows() == sorted(frame.select("segment", "row").rows())
    assert (profiles.schema, rejections.schema) == (PROFILES, REJECTIONS)


@given(PARTS)
def test_columns_agree_with_the_payload(parts: list[list[Row]]) -> None:
    """The columns email and external_id say what the payload says."""
    profiles, _ = mapped(segments(*parts), FIELDS)

    for email, external_id, payload in profiles.select("email", "external_id", "payload").rows():
        assert attributes(payload)["email"] == email
        assert attributes(payload).get("external_id") == external_id

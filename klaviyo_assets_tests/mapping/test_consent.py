"""Consent: whose row is sent where a column says who agreed to be contacted, and how the others are rejected."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.errors import ColumnMissing, SegmentError
from klaviyo_assets.exports import CustomerInsightsSource, FileSource
from klaviyo_assets.frames import NOT_OPTED_IN_RULE
from klaviyo_assets.mapping import RULES
from klaviyo_assets.segments import open_source
from klaviyo_assets_tests.mapping.mapped import SEGMENT, attributes, field_map, mapped, with_addresses
from klaviyo_assets_tests.mapping.oracle import agreed, answered
from klaviyo_assets_tests.segments.written import BLOB, entity, partition, write, write_model

FIELDS = field_map(opted_in="consent")
PHONE = "+37120000000"

TEXTS_THAT_AGREE = [
    "true",
    "True",
    "TRUE",
    "tRuE",
    "1",
    "yes",
    "Yes",
    "y",
    "Y",
    "t",
    " true ",
    "\u00a0yes\u200b",
    "\tT\r\n",
]
TEXTS_THAT_DO_NOT = [
    *("", " ", "\u200b", "false", "False", "no", "n", "f", "0", "null", "n/a", "-", "?"),
    *("true.", "true,", '"true"', "true true", "not true", "untrue", "yes please", "ye", "tr", "yy", "y/n", "yes/no"),
    *("on", "ok", "x", "checked", "agreed", "opted in", "subscribed", "oui", "ja", "sí", "да", "是"),
    *("01", "1.0", "+1", "-1", "1e0", "11", "2", "2026-11-23", "ada@example.com"),
    *("１", "ｙｅｓ", "truе", "yeſ", "\u1d57", "t\u0301", "y\x00", "t rue", "tr\u200bue"),  # they only look like it
]


def sent(values: pl.Series, fields: Any = FIELDS) -> list[int]:
    """The rows that are sent, of people with good addresses for whom the column `consent` says this."""
    profiles, rejections = mapped(with_addresses({"consent": values}), fields)
    assert set(rejections["rule"]) <= {"not_opted_in"}
    assert len(profiles) + len(rejections) == len(values)
    return profiles["row"].to_list()


@pytest.mark.parametrize("text", TEXTS_THAT_AGREE, ids=ascii)
def test_a_text_that_says_true_agrees(text: str) -> None:
    """true, 1, yes, y and t agree, in any case, and with what is invisible at their ends."""
    assert sent(pl.Series([text])) == [0]


@pytest.mark.parametrize("text", TEXTS_THAT_DO_NOT, ids=ascii)
def test_no_other_text_agrees(text: str) -> None:
    """Consent is not guessed: whatever else stands there is rejected."""
    assert sent(pl.Series([text])) == []


TYPES = {
    "Boolean": (pl.Series([True, False, None]), [0]),
    "Int8": (pl.Series([1, 0, -1, 2, None], dtype=pl.Int8), [0]),
    "Int64": (pl.Series([1, 0, -1, 10, None]), [0]),
    "UInt64": (pl.Series([1, 0, 2**64 - 1], dtype=pl.UInt64), [0]),
    "Int128": (pl.Series([1, 2**100], dtype=pl.Int128), [0]),
    "Categorical": (pl.Series(["yes", "no", None], dtype=pl.Categorical), [0]),
    "Enum": (pl.Series(["no", "Y", None], dtype=pl.Enum(["Y", "no"])), [1]),
    "no type": (pl.Series([None, None]), []),
}


@pytest.mark.parametrize(("values", "rows"), TYPES.values(), ids=TYPES)
def test_any_type_that_can_say_true_will_do(values: pl.Series, rows: list[int]) -> None:
    """True, the integer 1 and text agree; null, and a column without a type, do not."""
    assert sent(values) == rows


UNFIT = {
    "Float64": pl.Series([1.0]),
    "Float32": pl.Series([1.0], dtype=pl.Float32),
    "Decimal": pl.Series([Decimal(1)]),
    "Date": pl.Series([date(2026, 1, 1)]),
    "Datetime": pl.Series([datetime(2026, 1, 1, tzinfo=UTC)]),
    "Time": pl.Series([time(1)]),
    "Duration": pl.Series([timedelta(1)]),
    "List(Boolean)": pl.Series([[True]]),
    "Array(Boolean)": pl.Series([[True]], dtype=pl.Array(pl.Boolean, 1)),
    "Struct": pl.Series([{"email": True}]),
    "Binary": pl.Series([b"true"]),
    "Object": pl.Series([object()], dtype=pl.Object),
}


@pytest.mark.parametrize("values", UNFIT.values(), ids=UNFIT)
def test_a_type_that_cannot_say_true_is_refused(values: pl.Series) -> None:
    """The message says segment, type, column, what is expected, and the remedy, before anything is read."""
    says = f"Segment {SEGMENT} holds {values.dtype} in column 'consent', by which the export tells who opted in, "

    with pytest.raises(SegmentError, match=f"^{re.escape(says)}expected Boolean, an integer or String; cast"):
        sent(values)


def test_the_column_must_be_there() -> None:
    """A column that is not there rejects nobody silently: it is an error, with the likely name."""
    with pytest.raises(ColumnMissing, match=r"has no column 'Consent' \(did you mean 'consent'\?\).* export's match"):
        sent(pl.Series([True]), field_map(opted_in="Consent"))


def test_each_segment_must_have_the_column() -> None:
    """In a union, the message names the segment that lacks the column; what types they have is their own affair."""
    one, other = (with_addresses({"consent": values}) for values in ([True], ["no"]))

    with pytest.raises(ColumnMissing, match="Segment segments/b has no column 'consent'"):
        mapped({"segments/a": one, "segments/b": other.drop("consent")}, FIELDS)
    assert mapped({"segments/a": one, "segments/b": other}, FIELDS)[0]["segment"].to_list() == ["segments/a"]


def test_who_did_not_agree_is_not_blamed_for_the_address() -> None:
    """Consent is judged first; the rejection holds the address in its one form where there is one."""
    addresses = [" Ada@Example.com", "n/a", "näh@example.com", " ", None, "bob@x.com", "bad", "x@x.com"]
    answers = [False, False, None, False, None, True, True, False]

    profiles, rejections = mapped(pl.DataFrame({"email": addresses, "consent": answers}), FIELDS)

    reason = RULES["not_opted_in"]
    assert profiles["email"].to_list() == ["bob@x.com"]
    assert rejections.rows() == [
        (SEGMENT, 0, "ada@example.com", "not_opted_in", reason),
        (SEGMENT, 1, "n/a", "not_opted_in", reason),
        (SEGMENT, 2, "näh@example.com", "not_opted_in", reason),
        (SEGMENT, 3, None, "not_opted_in", reason),
        (SEGMENT, 4, None, "not_opted_in", reason),
        (SEGMENT, 6, "bad", "email_invalid", RULES["email_invalid"]),
        (SEGMENT, 7, "x@x.com", "not_opted_in", reason),
    ]


def test_the_rule_has_one_name() -> None:
    """The name by which other parts know the rule is the rule's."""
    assert NOT_OPTED_IN_RULE in RULES


def test_of_one_persons_rows_the_one_that_agreed_is_sent() -> None:
    """Each row is judged for itself: a row that did not agree is no rival, though it would come first."""
    rows = [("a@x.com", "1", "no"), ("A@x.com ", "2", "yes"), ("a@x.com", "3", "yes"), ("b@x.com", "4", "no")]
    customers = pl.DataFrame(rows, ["email", "id", "consent"], orient="row")

    profiles, rejections = mapped(customers, field_map(opted_in="consent", external_id="id"))

    assert profiles.select("email", "row", "external_id").rows() == [("a@x.com", 1, "2")]
    assert rejections.select("row", "rule").rows() == [(0, "not_opted_in"), (2, "email_duplicate"), (3, "not_opted_in")]


@pytest.mark.parametrize(
    ("address", "shares"), [("b@x.com", True), ("A@x.com", False), ("bad", False), (None, False)], ids=str
)
def test_who_did_not_agree_still_shares_an_identifier(address: str | None, shares: bool) -> None:
    """Klaviyo may know them by it from before, and would take two people for one; a bad address is nobody's."""
    customers = pl.DataFrame({"email": ["a@x.com", address], "consent": [True, False], "phone": [PHONE, PHONE]})

    profiles, _ = mapped(customers, field_map(opted_in="consent", phone_number="phone"))

    assert profiles["dropped"].to_list() == ["phone_shared" if shares else None]


def test_a_row_that_did_not_agree_may_be_of_any_size() -> None:
    """Who is not sent at all is not told to have too much data."""
    customers = with_addresses({"consent": [False, True], "v": ["x" * 100_000] * 2})

    _, rejections = mapped(customers, field_map(opted_in="consent", properties={"v": "v"}))

    assert rejections["rule"].to_list() == ["not_opted_in", "too_large"]


@pytest.mark.parametrize(
    ("properties", "said"), [({}, {"x": 1}), ({"agreed": "consent"}, {"agreed": True, "x": 1})], ids=["star", "mapped"]
)
def test_the_column_is_sent_only_where_it_is_mapped(properties: dict[str, str], said: dict[str, Any]) -> None:
    """It counts as named, so that all other columns do not include it; who wants it in Klaviyo maps it."""
    fields = field_map(opted_in="consent", properties=properties, other_columns=True)

    profiles, _ = mapped(with_addresses({"consent": [True], "x": [1]}), fields)

    assert attributes(profiles["payload"][0])["properties"] == said


@pytest.mark.parametrize("name", ["*", "^.*$", "opted_in", "row", "rule", "address", 'ä"\\\n', " "], ids=ascii)
def test_any_name_will_do_for_the_column(name: str) -> None:
    """Names that Polars reads as patterns, or that mapping uses itself, are names like any other."""
    customers = with_addresses({"a": [True, True], name: ["no", "yes"], "z": [True, True]})

    profiles, _ = mapped(customers, field_map(opted_in=name, first_name=name))

    assert [(row, attributes(payload)["first_name"]) for row, payload in profiles.select("row", "payload").rows()] == [
        (1, "yes")
    ]


@given(st.integers(0, 6).flatmap(lambda height: answered(height=height)))
def test_exactly_who_agreed_is_sent(column: tuple[pl.Series, list[Any]]) -> None:
    """For columns of every type that can say so, the rows that are sent are those of which plain Python says it."""
    series, values = column

    assert sent(series) == [row for row, value in enumerate(values) if agreed(value)]


ADDRESSES = st.lists(st.sampled_from(["a@x.com", "A@x.com", "b@x.com", "bad", None]), min_size=6, max_size=6)


@given(answered(height=6), ADDRESSES)
def test_who_did_not_agree_changes_nothing_for_the_others(
    column: tuple[pl.Series, list[Any]], addresses: list[str | None]
) -> None:
    """Without the rows that did not agree, the same people are sent with the same payloads."""
    series, values = column
    customers = pl.DataFrame({"email": pl.Series(addresses, dtype=pl.String), "consent": series})
    fields = field_map(opted_in="consent", properties={"said": "consent"})

    profiles, _ = mapped(customers, fields)
    among_themselves, _ = mapped(customers.filter(pl.Series(map(agreed, values), dtype=pl.Boolean)), fields)

    assert set(profiles.select("email", "payload").rows()) == set(among_themselves.select("email", "payload").rows())


def test_what_sources_write_is_understood(tmp_path: Path) -> None:
    """Booleans of Customer Insights, and of CSV files as databases and spreadsheets write them, say who agreed."""
    write(tmp_path / "Vip/Vip_1.csv", b'"a@x.com","True"\r\n"b@x.com","False"\r\n"c@x.com",""\r\n')
    write_model(tmp_path, entity({"email": "string", "consent": "boolean"}, [partition(f"{BLOB}/Vip/Vip_1.csv")]))
    source = CustomerInsightsSource(type="customer_insights", path=".", entity="Vip")
    customers = {"ci": open_source(source, root=tmp_path).read_customers()}
    for yes, no in [("true", "false"), ("TRUE", "FALSE"), ("1", "0"), ("t", "f"), ("Yes", "No")]:
        write(tmp_path / f"{yes}.csv", f"email,consent\na@x.com,{yes}\nb@x.com,{no}\nc@x.com,\n".encode())
        customers[yes] = open_source(FileSource(type="csv", path=f"{yes}.csv"), root=tmp_path).read_customers()

    for frame in customers.values():
        assert mapped(frame.collect(), FIELDS)[0]["email"].to_list() == ["a@x.com"]

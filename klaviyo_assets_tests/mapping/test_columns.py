"""Columns that are not there or cannot feed their field: each has one clear message, and none a value in it."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from klaviyo_assets.errors import ColumnMissing, SegmentError
from klaviyo_assets.exports import FieldMap
from klaviyo_assets.mapping import map_profiles
from klaviyo_assets_tests.mapping.mapped import attributes, field_map, mapped, with_addresses

CUSTOMERS = pl.DataFrame({"EMail": ["ada@example.com"], "FirstName": ["Ada"], "Zipcode": ["LV-1001"]})


@pytest.mark.parametrize(
    ("email", "first_name", "said"),
    [
        ("email", "FirstName", "no column 'email' (did you mean 'EMail'?); its columns are EMail, FirstName, Zipcode"),
        ("EMail", "Firstname", "no column 'Firstname' (did you mean 'FirstName'?)"),
        ("EMail", "xyz", "no column 'xyz'; its columns"),
        ("mail", "nom", "no column 'mail' (did you mean 'EMail'?), 'nom'; its columns"),
    ],
    ids=["address", "other field", "nothing like it", "both"],
)
def test_a_mapped_column_must_be_there(email: str, first_name: str, said: str) -> None:
    """The message names segment, columns, what there is, the likely one, and the remedy."""
    fields = FieldMap(email, {"first_name": first_name}, {}, {})

    with pytest.raises(ColumnMissing, match=re.escape(f"Segment segments/vip has {said}")) as raised:
        mapped(CUSTOMERS, fields)

    assert "correct the name in the export's match or fields" in str(raised.value)
    assert "@" not in str(raised.value)


def test_each_segment_must_have_the_column() -> None:
    """In a union, the message names the segment that lacks the column."""
    segments = {"segments/a": CUSTOMERS.rename({"EMail": "email"}), "segments/b": CUSTOMERS}

    with pytest.raises(ColumnMissing, match="Segment segments/b has no column 'email'"):
        mapped(segments, field_map())


@pytest.mark.parametrize(
    "header",
    [
        ["ada@example.com", "Ada"],
        ["Ada", "+371 2000 0000"],
        ["Ada", "1815-12-10"],
        ["Ada", "4711"],
        ["Ada", "4.711,00 €"],
        ["Ada", "ada@\nexample.com"],
    ],
    ids=ascii,
)
def test_a_row_taken_for_a_header_is_not_shown(header: list[str]) -> None:
    """Where a name looks like a customer's value, as in a file without a header, no name gets into the message."""
    with pytest.raises(ColumnMissing) as raised:
        mapped(pl.DataFrame({name: ["Bob"] for name in header}), FieldMap("Adam", {}, {}, {}))

    assert f"no column 'Adam'; the names of its {len(header)} columns look like a customer's values" in str(
        raised.value
    )
    assert not [name for name in header if name in str(raised.value).replace("'Adam'", "")]


def test_a_segment_without_columns() -> None:
    """A segment that has no columns, as an empty Parquet file, is told so."""
    with pytest.raises(ColumnMissing, match="has no column 'email'; it has no columns; correct"):
        mapped(pl.DataFrame(), field_map())


def test_many_columns_are_not_all_shown() -> None:
    """Of a wide segment's columns the message shows the first forty, and counts the rest."""
    with pytest.raises(ColumnMissing, match=r"c39 and 60 more;"):
        mapped(pl.DataFrame({f"c{n}": [n] for n in range(100)}), field_map())


@pytest.mark.parametrize(
    "values", [[1], [1.5], [True], [date(2026, 1, 1)], [["ada@example.com"]], [b"ada@example.com"]], ids=repr
)
def test_addresses_must_be_text(values: list[object]) -> None:
    """An address column of another type is refused by name and type."""
    customers = pl.DataFrame({"email": values})

    with pytest.raises(SegmentError, match=re.escape(f"holds {customers.schema['email']} in column 'email'")) as raised:
        mapped(customers, field_map())

    assert "expected String" in str(raised.value)


UNSENDABLE = {
    "Binary": pl.Series([b"x"]),
    "List(Binary)": pl.Series([[b"x"]]),
    "Struct with Binary": pl.Series([{"a": {"b": b"x"}}]),
    "Array(Binary)": pl.Series([[b"x"]], dtype=pl.Array(pl.Binary, 1)),
    "Map": pl.Series([None], dtype=pl.Map(pl.String, pl.Int64)),
    "Object": pl.Series([object()], dtype=pl.Object),
}


@pytest.mark.parametrize("values", UNSENDABLE.values(), ids=UNSENDABLE)
@pytest.mark.parametrize("named", [True, False], ids=["named", "star"])
def test_what_json_cannot_hold_is_refused(values: pl.Series, named: bool) -> None:
    """Binary, Map and Object are refused before anything is read, wherever they stand in a type."""
    fields = field_map(properties={"v": "v"}) if named else field_map(other_columns=True)

    with pytest.raises(
        SegmentError, match=r"in column 'v', which feeds properties 'v', and JSON has no (Binary|Map|Object)"
    ):
        mapped(with_addresses({"v": values}), fields)


@pytest.mark.parametrize(
    "values",
    [[True], [date(2026, 1, 1)], [datetime(2026, 1, 1)], [timedelta(1)], [["a"]], [{"a": 1}]],  # noqa: DTZ001
    ids=["Boolean", "Date", "Datetime", "Duration", "List", "Struct"],
)
@pytest.mark.parametrize("part", ["attributes", "location"])
def test_a_text_field_takes_text_and_numbers(values: list[object], part: str) -> None:
    """Klaviyo's own fields are text; what is neither text nor a number is likely not meant."""
    fields = field_map(title="v") if part == "attributes" else field_map(location={"latitude": "v"})

    with pytest.raises(SegmentError, match=rf"which feeds {part} '\w+', expected text or a number; .* to a property"):
        mapped(with_addresses({"v": values}), fields)


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001
SECRET = "ada@secret.example.com"
ENUM = pl.Enum([SECRET])
TELLING = {
    "List(Enum)": pl.Series([[SECRET]], dtype=pl.List(ENUM)),
    "Array(Enum)": pl.Series([[SECRET]], dtype=pl.Array(ENUM, 1)),
    "Struct of addresses": pl.Series([{SECRET: 1}]),
    "Struct of dates": pl.Series([{"2026-11-23": "secret", "secret": 1}]),
    "Struct with Enum": pl.Series([{"a": SECRET}], dtype=pl.Struct({"a": ENUM})),
    "List(Struct)": pl.Series([[{SECRET: 1}]]),
}
FIELD_MAPS = {
    "email": FieldMap("v", {}, {}, {}),
    "opted_in": field_map(opted_in="v"),
    "attributes": field_map(title="v"),
    "location": field_map(location={"city": "v"}),
}


@pytest.mark.parametrize("values", TELLING.values(), ids=TELLING)
@pytest.mark.parametrize("fields", FIELD_MAPS.values(), ids=FIELD_MAPS)
def test_a_type_that_is_made_of_values_is_not_shown(values: pl.Series, fields: FieldMap) -> None:
    """Categories of an Enum, and fields of a Struct that look like values, do not get into the message."""
    with pytest.raises(SegmentError, match=r"holds (List\(|Array\(|Struct).* in column 'v'.*expected") as raised:
        mapped(with_addresses({"v": values}), fields)

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("values", [*TELLING.values(), pl.Series([SECRET], dtype=ENUM)], ids=[*TELLING, "Enum"])
def test_types_that_disagree_are_not_shown_with_values(values: pl.Series) -> None:
    """Nor do they where two segments disagree."""
    segments = {"segments/a": with_addresses({"v": values}), "segments/b": with_addresses({"v": [1]})}

    with pytest.raises(SegmentError, match=r"hold different types in column 'v'.* and Int64; cast") as raised:
        mapped(segments, field_map(properties={"v": "v"}))

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("kind", ["List", "Struct"])
@pytest.mark.parametrize("levels", [9, 50, 150])
def test_values_may_not_be_nested_without_end(kind: str, levels: int) -> None:
    """What is nested so deep that mapping it would not end is refused before anything is read."""
    dtype: pl.DataType = pl.Int64()
    for _ in range(levels):
        dtype = pl.List(dtype) if kind == "List" else pl.Struct({"a": dtype})
    customers = pl.LazyFrame(schema={"email": pl.String, "v": dtype})

    with pytest.raises(SegmentError, match=rf"nested {levels} deep in column 'v', which feeds .*, expected at most 8;"):
        map_profiles({"segments/vip": customers}, field_map(properties={"v": "v"}))


ALIKE = {
    "integers": (pl.Series([1], dtype=pl.Int8), pl.Series([1], dtype=pl.UInt64), 1),
    "integer and float": (pl.Series([1]), pl.Series([1.0]), 1),
    "float and decimal": (pl.Series([1.5]), pl.Series([Decimal("1.50")]), 1.5),
    "text and Categorical": (pl.Series(["a"]), pl.Series(["a"], dtype=pl.Categorical), "a"),
    "Enum and Categorical": (pl.Series(["a"], dtype=pl.Enum(["b", "a"])), pl.Series(["a"], dtype=pl.Categorical), "a"),
    "precisions": (pl.Series([NAIVE], dtype=pl.Datetime("ms")), pl.Series([NAIVE], dtype=pl.Datetime("ns")), None),
    "List and Array": (pl.Series([[1]]), pl.Series([[1.0]], dtype=pl.Array(pl.Float32, 1)), [1]),
    "Structs": (pl.Series([{"a": 1, "b": None}]), pl.Series([{"a": 1.0, "c": None}]), {"a": 1}),
}


@pytest.mark.parametrize(("one", "other", "sent"), ALIKE.values(), ids=ALIKE)
def test_segments_may_differ_where_nothing_is_lost(one: pl.Series, other: pl.Series, sent: object) -> None:
    """Types that become the same kind of JSON may be united, and an equal value is sent as the same bytes."""
    segments = {
        "segments/a": pl.DataFrame({"email": ["a@example.com"], "v": one}),
        "segments/b": pl.DataFrame({"email": ["b@example.com"], "v": other}),
    }

    profiles, _ = mapped(segments, field_map(properties={"v": "v"}))

    first, second = profiles["payload"].str.strip_prefix('{"type":"profile","attributes":{"email":"').str.slice(1)
    assert first == second
    assert sent is None or attributes(profiles["payload"][0])["properties"]["v"] == sent


UNLIKE = {
    "text and number": (pl.Series(["1"]), pl.Series([1])),
    "Boolean and number": (pl.Series([True]), pl.Series([1])),
    "date and date with time": (pl.Series([date(2026, 1, 1)]), pl.Series([NAIVE])),
    "with zone and without": (pl.Series([NAIVE]), pl.Series([NAIVE]).dt.replace_time_zone("UTC")),
    "date and text": (pl.Series([date(2026, 1, 1)]), pl.Series(["2026-01-01"])),
    "Duration and number": (pl.Series([timedelta(1)]), pl.Series([86400])),
    "List and its item": (pl.Series([["a"]]), pl.Series(["a"])),
    "items": (pl.Series([["a"]]), pl.Series([[1]])),
    "fields of a Struct": (pl.Series([{"a": 1}]), pl.Series([{"a": "x"}])),
}


@pytest.mark.parametrize(("one", "other"), UNLIKE.values(), ids=UNLIKE)
def test_segments_must_agree_on_the_kind_of_a_property(one: pl.Series, other: pl.Series) -> None:
    """A property that would be of two kinds in Klaviyo is refused by the names of both segments and types."""
    segments = {"segments/a": with_addresses({"v": one}), "segments/b": with_addresses({"v": other})}

    with pytest.raises(SegmentError, match=r"segments/a and segments/b hold different types in column 'v'") as raised:
        mapped(segments, field_map(properties={"v": "v"}))

    assert f"{one.dtype} and {other.dtype}" in str(raised.value)


def test_a_segment_without_types_does_not_hide_a_disagreement() -> None:
    """Every two segments are compared, not each with the first."""
    values = [pl.Series([None]), pl.Series([1]), pl.Series(["a"])]
    segments = {f"segments/{n}": with_addresses({"v": value}) for n, value in enumerate(values)}

    with pytest.raises(SegmentError, match="segments/1 and segments/2"):
        mapped(segments, field_map(properties={"v": "v"}))


def test_text_fields_may_differ_between_segments() -> None:
    """What is sent as text anyway may be a number in one segment and text in another."""
    segments = {
        "segments/a": pl.DataFrame({"email": ["a@example.com"], "id": ["7"]}),
        "segments/b": pl.DataFrame({"email": ["b@example.com"], "id": [8]}),
        "segments/c": pl.DataFrame({"email": ["c@example.com"], "id": [9.0]}),
    }

    profiles, _ = mapped(segments, field_map(external_id="id"))

    assert profiles["external_id"].to_list() == ["7", "8", "9"]


@pytest.mark.parametrize("name", ["*", "^.*$", "^F.*$", "email.x", "row", "order", "rule", "payload", 'ä"\\\n', " "])
def test_any_name_will_do_for_a_column(name: str) -> None:
    """Names that Polars reads as patterns, or that mapping uses itself, are names like any other."""
    customers = with_addresses({"Foo": ["no"], name: ["yes"], "Fob": ["no"]})

    profiles, _ = mapped(customers, field_map(first_name=name, properties={name: name}))

    sent = attributes(profiles["payload"][0])
    assert sent == {"email": "p0@example.com", "first_name": "yes", "properties": {name: "yes"}}


def test_nothing_is_read_for_a_complaint() -> None:
    """Complaints about columns come before any row is read."""

    def unread(_: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError("a row was read")

    customers = CUSTOMERS.lazy().map_batches(unread, schema=CUSTOMERS.schema)

    with pytest.raises(ColumnMissing):
        map_profiles({"segments/vip": customers}, field_map())

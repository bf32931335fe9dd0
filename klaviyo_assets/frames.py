"""The frames that pass between the steps: their columns and types, and the check at each border.

A frame's schema belongs here when two parts share it; a frame that lives inside one part does not. Nothing
here computes anything: `look_up` and `read_in_parts` say how rows are passed on of which there may be any number.

    CUSTOMERS ──map──▶ PROFILES, REJECTIONS ──diff──▶ CHANGES ──deliver──▶ RECEIPTS ──fold──▶ LEDGER
                                                              │        └──▶ REFUSALS
                                         MEMBERS ◀──fetch─────┘

CUSTOMERS has no schema: it is a segment's rows in its source's own columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import polars as pl

from klaviyo_assets.errors import KlaviyoAssetsError

UTC_TIME: Final[pl.DataType] = pl.Datetime("us", "UTC")

# What Polars raises where its engine breaks down, as over a file that is cut off, is no error of Python's.
UNREADABLE: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException)

CHANGE: Final[pl.DataType] = pl.Enum(["add", "update", "clear", "remove"])
EVENT: Final[pl.DataType] = pl.Enum(
    ["intent", "submitted", "refused", "dropped", "settled", "existing", "adopted", "gone", "member"]
)
OUTCOME: Final[pl.DataType] = pl.Enum(["done", "lost"])
DUPLICATE_RULE: Final = "email_duplicate"  # the one rejection whose address is usable
NOT_OPTED_IN_RULE: Final = "not_opted_in"
FORGOTTEN_RULE: Final = "forgotten"  # the one rule that looks beyond the segments: at whom the storage must not send
WITHHELD_RULES: Final = (NOT_OPTED_IN_RULE, FORGOTTEN_RULE)  # the customer's will, not a fault of the row

# Two hashes of 64 bits stand for an address where many are held, in half the time and memory that it takes: that both
# are the same for two people happens to no list. They are null where the address is.
PERSON: Final = ("person", "person_again")
PERSON_OF_EMAIL: Final = tuple(
    pl.when(pl.col("email").is_not_null()).then(pl.col("email").hash(seed)).alias(name)
    for seed, name in enumerate(PERSON)
)

# As "first_name" or "location.city"; a custom property as "properties." and its name as JSON writes it.
_FIELDS: Final[pl.DataType] = pl.List(pl.String)


def _schema(columns: Mapping[str, pl.DataType | type[pl.DataType]]) -> pl.Schema:
    return pl.Schema(columns)


PROFILES: Final = _schema(
    {
        "email": pl.String,  # trimmed and lower-cased; unique in the frame; who this is
        "external_id": pl.String,  # null where none is mapped
        "payload": pl.String,  # the fragment of JSON that Klaviyo receives for this person
        "segment": pl.String,  # the asset key of the segment that the row came from
        "row": pl.Int64,  # the row's place in that segment, from 0
        "dropped": pl.String,  # rules that cost an optional field, as "phone_invalid"; or null
    }
)

REJECTIONS: Final = _schema(
    {
        "segment": pl.String,
        "row": pl.Int64,
        "email": pl.String,  # as PROFILES, where the row holds anything at all; else null
        "rule": pl.String,  # the rule's name, as "email_missing"
        "reason": pl.String,  # the rule in words, the same for all its rows
    }
)

CHANGES: Final = _schema(
    {
        "change": CHANGE,
        "email": pl.String,
        "external_id": pl.String,
        "payload": pl.String,  # null for a clear and a removal
        "clears": _FIELDS,  # fields that are to be emptied one by one: on a clear, and on the update before it
        "unset": pl.String,  # update: custom properties that the import itself empties, as a JSON array; or null
        "segment": pl.String,  # null for a removal
        "row": pl.Int64,  # null for a removal
        "confirm_first": pl.String,  # removal of a moved person: the new address, to be confirmed before
        "joined_from": UTC_TIME,  # removal: life of the bulk job that put the person on the list,
        "joined_until": UTC_TIME,  # by Klaviyo's clock
    }
)

LEDGER: Final = _schema(
    {
        "email": pl.String,  # unique: one row per person whom we delivered, or are delivering, to the list
        "external_id": pl.String,
        "payload": pl.String,  # the last one confirmed; null where none is yet
        "uncleared": _FIELDS,  # fields that we sent, that are empty now, and that are still to be emptied in Klaviyo
        "incomplete": pl.Boolean,  # Klaviyo took the person, and left a field out
        "ours": pl.Boolean,  # False: was on the list before we came, and is not ours to remove
        "joined_from": UTC_TIME,
        "joined_until": UTC_TIME,
        "open": pl.Boolean,  # a request body with this person is not settled; no new change before it is
    }
)

RECEIPTS: Final = _schema(
    {
        "sequence": pl.Int64,  # the order in which the ledger took them; decides which is the last
        "at": UTC_TIME,
        "run_id": pl.String,
        "event": EVENT,
        "body": pl.String,  # our id of the request body that this belongs to
        "bulk_job_id": pl.String,  # Klaviyo's id; on `submitted`
        "outcome": OUTCOME,  # on `settled`
        "change": CHANGE,  # on `intent`
        "email": pl.String,  # null on `submitted` and `settled`, which are about a whole body
        "external_id": pl.String,
        "payload": pl.String,
        "uncleared": _FIELDS,  # what is still to be emptied after an update, or once adopted; a clear: what it empties
        "code": pl.String,  # on `refused` and `dropped`: Klaviyo's code
        "field": pl.String,  # on these: the attribute that Klaviyo points at; on `submitted`: what it may have dropped
        "joined_from": UTC_TIME,  # on `submitted`, `existing`, `adopted`, `member`
        "joined_until": UTC_TIME,  # on `submitted`, `settled`, `adopted`, `member`
    }
)

MEMBERS: Final = _schema(
    {
        "profile_id": pl.String,
        "email": pl.String,  # trimmed and lower-cased; null for who has none
        "external_id": pl.String,
        "phone_number": pl.String,  # null where it was not asked for
        "joined_at": UTC_TIME,  # when they joined the list, by Klaviyo's clock; null where no list was asked
    }
)

REFUSALS: Final = _schema(
    {
        "email": pl.String,
        "segment": pl.String,
        "row": pl.Int64,
        "code": pl.String,  # Klaviyo's code, as "invalid"
        "field": pl.String,  # the attribute that Klaviyo points at, as "phone_number"; or empty
    }
)


def empty(schema: pl.Schema) -> pl.DataFrame:
    """A frame of the schema without rows."""
    return pl.DataFrame(schema=schema)


def conform(frame: pl.LazyFrame, schema: pl.Schema, *, name: str) -> pl.LazyFrame:
    """The frame, once its columns and types are those of the schema, in its order.

    Raises:
        KlaviyoAssetsError: a column is missing or has another type.
    """
    found = frame.collect_schema()
    wrong = [
        f"{column} is {found.get(column, 'missing')}, expected {dtype}"
        for column, dtype in schema.items()
        if found.get(column) != dtype
    ]
    if wrong:
        raise KlaviyoAssetsError(
            f"The frame {name} is not of its schema: {'; '.join(wrong)}; it was not made by this package's "
            f"current version: materialize it again."
        )
    return frame.select(schema.names())


def look_up(
    rows: pl.LazyFrame,
    facts: pl.LazyFrame | pl.DataFrame,
    on: str | Sequence[str],
    how: Literal["inner", "left", "semi", "anti"] = "inner",
) -> pl.LazyFrame:
    """The join of rows that stream with facts that are held, in the order of the rows.

    By itself Polars reads millions of rows of either side before it decides which one to hold, where nobody asks for
    the order of the result.
    """
    return rows.join(facts.lazy(), on=on, how=how, maintain_order="left", build_side="force_right")


def read_in_parts(rows: pl.LazyFrame, *, height: int, part_height: int | None = None) -> Iterator[pl.DataFrame]:
    """The rows in their order, each part of which is read when it is asked for.

    Where the engine breaks down on the way, Polars says nothing and ends early. So they are counted.

    Args:
        rows: of any number.
        height: how many there are.
        part_height: rows of a part; by default as they come.

    Raises:
        PolarsError: they cannot be read, or there are not so many.
    """
    found = 0
    for part in rows.collect_batches(chunk_size=part_height, lazy=True):
        found += part.height
        yield part
    if found != height:
        raise pl.exceptions.ComputeError(f"{found} rows could be read, expected {height}")

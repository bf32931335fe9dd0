"""Members of a list, and other people, as frames: how they are asked for, and how a page of them is read. No I/O.

https://developers.klaviyo.com/en/reference/get_profiles_for_list. A page goes from JSON into a frame as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

import polars as pl

from klaviyo_assets.errors import UnexpectedAnswer
from klaviyo_assets.frames import MEMBERS, UTC_TIME
from klaviyo_assets.klaviyo.wire import any_of, with_query

BUDGET: Final = "/api/lists/{id}/profiles"
_MOST_VALUES: Final = 100  # in one any(): the page's size, and the most that others found to work
_MOST_ENCODED_BYTES: Final = 7_000  # of a filter in a URL; gateways end at 8 KB

_ATTRIBUTES: Final = pl.Struct(
    {"email": pl.String, "external_id": pl.String, "phone_number": pl.String, "joined_group_at": pl.String}
)
_PAGE: Final = pl.Struct(
    {
        "data": pl.List(pl.Struct({"id": pl.String, "attributes": _ATTRIBUTES})),
        "links": pl.Struct({"next": pl.String}),
    }
)


def page_path(list_id: str) -> str:
    """The first page of all members of a list."""
    return with_query(_list_path(list_id), {"fields[profile]": _FIELDS, "page[size]": "100"})


def lookup_path(list_id: str, emails: list[str]) -> str:
    """Those of up to 100 addresses that are members of a list."""
    query = {"filter": any_of("email", emails), "fields[profile]": _FIELDS, "page[size]": "100"}
    return with_query(_list_path(list_id), query)


def profiles_path(field: str, values: list[str]) -> str:
    """The account's profiles that have one of up to 100 values in this field: email or external_id."""
    query = {"filter": any_of(field, values), "fields[profile]": "email,external_id"}
    return with_query("/api/profiles", {**query, "page[size]": "100"})


def imported_path(job_id: str) -> str:
    """The first page of the profiles that a bulk job created or updated, with their phone numbers."""
    path = f"/api/profile-bulk-import-jobs/{quote(job_id, safe='')}/profiles"
    return with_query(path, {"fields[profile]": "email,external_id,phone_number", "page[size]": "100"})


def cut_lookups(values: pl.Series) -> Iterator[list[str]]:
    """The values in groups that fit into one look-up, by count and by their length in a URL."""
    # Percent-encoding triples a byte at most; counting every byte so costs little, as look-ups are cut by count first.
    size = values.str.len_bytes().cast(pl.Int64) * 3 + len("%22%2C%22")
    offset = 0
    while offset < values.len():
        fits = size.slice(offset, _MOST_VALUES).cum_sum() <= _MOST_ENCODED_BYTES
        count = max(1, int(fits.sum()))
        yield values.slice(offset, count).to_list()
        offset += count


def parse_page(body: bytes) -> tuple[pl.DataFrame, str | None]:
    """A page of people as MEMBERS, addresses lower-cased and trimmed, and the link to the next page.

    Raises:
        UnexpectedAnswer: the page is not one of people.
    """
    try:
        page = pl.Series([body.decode()]).str.json_decode(_PAGE)
        people = page.struct.field("data").explode().struct.unnest().unnest("attributes")
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        # The library's own text may quote people.
        message = f"A page of people from Klaviyo cannot be read ({type(error).__name__}), expected its JSON."
        raise UnexpectedAnswer(message) from None
    joined_at = pl.col("joined_group_at").str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    frame = people.select(
        profile_id="id",
        email=pl.col("email").str.strip_chars().str.to_lowercase(),
        external_id="external_id",
        phone_number="phone_number",
        joined_at=joined_at.cast(UTC_TIME),
    )
    return frame.cast(MEMBERS), page.struct.field("links").struct.field("next").item()


def render_clear(email: str, fields: Iterable[str]) -> bytes:
    """The request body that empties these fields of a person: null clears, and what is absent stays.

    https://developers.klaviyo.com/en/reference/create_or_update_profile
    """
    attributes: dict[str, Any] = {"email": email}
    for field in fields:
        part, _, nested = field.partition(".")
        if nested:
            attributes.setdefault(part, {})[nested] = None
        else:
            attributes[part] = None
    return json.dumps({"data": {"type": "profile", "attributes": attributes}}).encode()


def render_deletion(email: str) -> bytes:
    """The request body that asks for a person to be deleted."""
    profile = {"data": {"type": "profile", "attributes": {"email": email}}}
    return json.dumps({"data": {"type": "data-privacy-deletion-job", "attributes": {"profile": profile}}}).encode()


def render_identifiers(profile_ids: pl.Series) -> bytes:
    """The request body that names these profiles."""
    profiles = '{"type":"profile","id":"' + profile_ids + '"}'
    return f'{{"data":[{profiles.str.join(",").item()}]}}'.encode()


_FIELDS: Final = "email,external_id,joined_group_at"


def _list_path(list_id: str) -> str:
    return f"/api/lists/{quote(list_id, safe='')}/profiles"

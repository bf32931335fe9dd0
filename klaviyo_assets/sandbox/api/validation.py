"""Which profiles Klaviyo takes: attributes, identifiers and their forms. Each mistake is named with its place.

Every rule that is in no schema has its source beside it. What is done with a profile belongs to `account/`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from klaviyo_assets.sandbox.account.payload import (
    IDENTIFIERS,
    LOCATION_FIELDS,
    NESTED,
    PLAIN_FIELDS,
    Patch,
    Row,
    pack,
    without_nulls,
)
from klaviyo_assets.sandbox.api import errors
from klaviyo_assets.sandbox.api.errors import ApiError, Problem, problem
from klaviyo_assets.sandbox.settings import Handling, Settings

MOST_PROFILE_BYTES = 100_000
"""https://developers.klaviyo.com/en/reference/bulk_import_profiles: "per-profile is 100KB"."""

LONGEST_EMAIL = 100
# Refused in practice: `mailto:`, `!` before the @, a numeric and a one-letter top-level domain.
# https://github.com/rudderlabs/rudder-server/issues/7107
ATOM = r"[-#$%&'*+/=?^_`{|}~0-9a-z]+"
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
EMAIL = re.compile(rf"{ATOM}(?:\.{ATOM})*@(?:{LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,59}})")

Mistake = tuple[str, str]
"""What is wrong, and with which attribute; with none of them if it is empty."""

PHONE_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
UNSUPPORTED_REGION = "+999"
"""A country code that nobody has stands for the regions that an account does not support."""

ACCEPTED = frozenset({*IDENTIFIERS, "_kx", *PLAIN_FIELDS, *NESTED})
IDENTIFYING = frozenset({*IDENTIFIERS, "_kx"})
NO_IDENTIFIER = "One or more identifiers is required"
"""https://community.klaviyo.com/developer-group-64/error-creating-new-profiles-with-phone-number-only-11955"""

BAD_PHONE_NUMBER = "Invalid phone number format (Example of a valid format: +12345678901)"
BAD_REGION = "Phone number is valid but is not in a supported region for this account."


def read_bulk_rows(entries: Sequence[object], *, pointer: str, settings: Settings) -> list[Row]:
    """The rows of a bulk import, or every mistake in them: one bad row refuses all.

    Raises:
        ApiError: 400, with a pointer to each place, which holds the row's index.
    """
    rows: list[Row] = []
    problems: list[Problem] = []
    for index, entry in enumerate(entries):
        try:
            rows.append(read_profile(entry, pointer=f"{pointer}/{index}", settings=settings, bulk=True, index=index))
        except ApiError as refused:
            problems += refused.problems
    if problems:
        raise errors.all_invalid(problems)
    return rows


def read_profile(entry: Any, *, pointer: str, settings: Settings, bulk: bool = False, index: int = 0) -> Row:
    """One profile resource as a row.

    Args:
        entry: the decoded resource.
        pointer: where it stands in the body.
        settings: what is done with nulls and phone numbers where Klaviyo's ways are not known.
        bulk: it is one of a bulk import, and not written by itself.
        index: which of them.

    Raises:
        ApiError: 400, for everything that is wrong with it.
    """
    profile_id, attributes = _parts(entry, pointer)
    if mistakes := [*_form_mistakes(attributes)]:
        raise _refusal(mistakes, pointer)
    email, phone_number = attributes.get("email"), attributes.get("phone_number")
    dropped: tuple[str, ...] = ()
    if email is not None:
        email = normalized_email(email)
        handling = _handling(phone_number, settings)
        if handling == "partial" or (handling == "drop" and bulk):
            phone_number, dropped = None, ("phone_number",) if handling == "partial" else ()
    if mistakes := [*_identifier_mistakes(profile_id, email, phone_number, attributes)]:
        raise _refusal(mistakes, pointer)
    stated = {name: value for name, value in attributes.items() if name not in IDENTIFYING}
    may_clear = not bulk or settings.bulk_null == "clear"
    return Row(
        profile_id=profile_id,
        email=email,
        phone_number=phone_number,
        external_id=attributes.get("external_id") or None,
        payload=pack(stated if may_clear else without_nulls(stated)),
        may_clear=may_clear,
        patch=_patch(entry, f"{pointer}/meta") if "meta" in entry else None,
        cleared=tuple(name for name in IDENTIFIERS if attributes.get(name, "") is None) if may_clear else (),
        dropped=dropped,
        index=index,
    )


def partial_failure(rows: Iterable[Row]) -> dict[str, str]:
    """The header that tells which fields somebody was written without; none where nothing was dropped."""
    dropped = sorted({name for row in rows for name in row.dropped})
    return {"x-klaviyo-partial-failure": ", ".join(dropped)} if dropped else {}


def byte_count(resource: Any) -> int:
    """The size of a profile in a body that wastes no blanks."""
    return len(json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode())


def is_too_large(resource: Any, row: Row) -> bool:
    """Whether a profile is over the limit per profile. Only those whose payload is not small are measured."""
    is_small = row.patch is None and len(row.payload) + 4 * len(row.external_id or "") < MOST_PROFILE_BYTES // 8
    return not is_small and byte_count(resource) > MOST_PROFILE_BYTES


def normalized_email(text: str) -> str:
    """Klaviyo compares addresses trimmed and in lower case."""
    return text.strip().lower()


def _parts(entry: object, pointer: str) -> tuple[str | None, dict[str, Any]]:
    """The id, if there is one, and the attributes of a profile resource."""
    if not isinstance(entry, dict) or entry.get("type") != "profile":
        raise errors.invalid(pointer=pointer)
    profile_id, attributes = entry.get("id"), entry.get("attributes", {})
    if not isinstance(attributes, dict) or not (profile_id is None or isinstance(profile_id, str)):
        raise errors.invalid(pointer=pointer)
    return profile_id, attributes


def _form_mistakes(attributes: Mapping[str, Any]) -> Iterator[Mistake]:
    """Unknown attributes, and values of the wrong type."""
    for name, value in attributes.items():
        if type(value) is str or value is None:
            if name not in ACCEPTED:
                yield _unknown(name)
            elif name in NESTED and value is not None:
                yield errors.PAYLOAD_INVALID, name
        elif name == "location" and isinstance(value, dict):
            yield from _location_mistakes(value)
        elif name != "properties" or not isinstance(value, dict):
            yield (errors.PAYLOAD_INVALID, name) if name in ACCEPTED else _unknown(name)


def _location_mistakes(location: Mapping[str, Any]) -> Iterator[Mistake]:
    for name, value in location.items():
        if name not in LOCATION_FIELDS:
            yield _unknown(f"location/{name}")
        elif not (value is None or type(value) is str or _is_coordinate(name, value)):
            yield errors.PAYLOAD_INVALID, f"location/{name}"


def _is_coordinate(name: str, value: object) -> bool:
    return name in ("latitude", "longitude") and type(value) in (int, float)


def _identifier_mistakes(
    profile_id: str | None, email: str | None, phone_number: str | None, attributes: Mapping[str, Any]
) -> Iterator[Mistake]:
    if email is not None and (len(email) > LONGEST_EMAIL or not EMAIL.fullmatch(email)):
        yield "Invalid email address", "email"
    if phone_number is not None and not PHONE_NUMBER.fullmatch(phone_number):
        yield BAD_PHONE_NUMBER, "phone_number"
    elif phone_number is not None and phone_number.startswith(UNSUPPORTED_REGION):
        yield BAD_REGION, "phone_number"
    if email is None and not (profile_id or any(attributes.get(name) for name in IDENTIFYING)):
        yield NO_IDENTIFIER, ""


def _handling(phone_number: str | None, settings: Settings) -> Handling | None:
    """What to do with a phone number beside an e-mail address; None if it is one that can be taken."""
    if phone_number is None:
        return None
    if not PHONE_NUMBER.fullmatch(phone_number):
        return settings.malformed_phone
    return settings.unsupported_phone if phone_number.startswith(UNSUPPORTED_REGION) else None


def _unknown(name: str) -> Mistake:
    return errors.unknown_field(name.rpartition("/")[2], "profile"), name


def _refusal(mistakes: Iterable[Mistake], pointer: str) -> ApiError:
    place = f"{pointer}/attributes"
    return errors.all_invalid([problem(detail, f"{place}/{name}" if name else place) for detail, name in mistakes])


def _patch(entry: Mapping[str, Any], place: str) -> Patch | None:
    """`meta.patch_properties`. Secondary e-mail addresses are not kept here, and refused rather than lost."""
    meta = _object(entry, "meta", place)
    if meta.get("patch_identifiers"):
        raise errors.invalid("The sandbox does not know patch_identifiers.", f"{place}/patch_identifiers")
    place = f"{place}/patch_properties"
    given = _object(meta, "patch_properties", place)
    append, unappend = _object(given, "append", place), _object(given, "unappend", place)
    names = given.get("unset", [])
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise errors.invalid(pointer=place)
    return Patch(append, unappend, tuple(names)) if append or unappend or names else None


def _object(parent: Mapping[str, Any], name: str, place: str) -> dict[str, Any]:
    """An object inside another; empty where it is absent or null."""
    value = parent.get(name)
    if value is not None and not isinstance(value, dict):
        raise errors.invalid(pointer=place)
    return value or {}

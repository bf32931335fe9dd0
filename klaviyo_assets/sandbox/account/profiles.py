"""The profiles of an account: who is found by which identifier, and what becomes of them.

Identity in one place. Order of priority: id, e-mail, phone number, external id. An external id finds a profile only
where neither e-mail nor phone number is given, as it is not used for merging: an address that changed makes a
second profile. https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api

At rest a profile is a plain tuple of texts and numbers: the garbage collector passes those over, where a million
objects would make it slow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from klaviyo_assets.sandbox.account.payload import EMPTY, Row, merged, unpack
from klaviyo_assets.sandbox.account.views import Views


class Profile(NamedTuple):
    """A person as Klaviyo holds them. `payload` is everything but the identifiers, packed."""

    id: str
    email: str | None
    phone_number: str | None
    external_id: str | None
    payload: bytes
    created_at: float
    updated_at: float

    def attributes(self) -> dict[str, Any]:
        """What is known of them besides the identifiers; a field that is not is absent."""
        return unpack(self.payload)


class Profiles:
    """All profiles of an account. E-mail and phone number are unique; an external id need not be."""

    def __init__(self, new_id: Callable[[float], str]) -> None:
        self._new_id = new_id
        self._at_rest: dict[str, tuple[Any, ...]] = {}
        self._by_email: dict[str, str] = {}
        self._by_phone_number: dict[str, str] = {}
        self._by_external_id: dict[str, tuple[str, ...]] = {}
        self._views: Views[str] = Views()

    def __len__(self) -> int:
        return len(self._at_rest)

    def __contains__(self, profile_id: str) -> bool:
        return profile_id in self._at_rest

    def __getitem__(self, profile_id: str) -> Profile:
        return Profile(*self._at_rest[profile_id])

    def ids_with(self, field: str, values: Iterable[str]) -> list[str]:
        """Ids, ascending, of those that have one of the values as id, email, phone_number or external_id."""
        if field == "id":
            return sorted({value for value in values if value in self})
        if field == "external_id":
            return sorted({one for value in values for one in self._by_external_id.get(value, ())})
        unique = self._by_email if field == "email" else self._by_phone_number
        return sorted({unique[value] for value in values if value in unique})

    def match(self, row: Row) -> str | None:
        """The id of whom a row is about, by its first identifier that finds one; None if it is a new person."""
        if row.profile_id is not None and row.profile_id in self:
            return row.profile_id
        if row.email is not None and (found := self._by_email.get(row.email)) is not None:
            return found
        if row.phone_number is not None and (found := self._by_phone_number.get(row.phone_number)) is not None:
            return found
        if row.email is None and row.phone_number is None and row.external_id is not None:
            return next(iter(self._by_external_id.get(row.external_id, ())), None)
        return None

    def others_with(self, row: Row, profile_id: str | None, *, fields: Iterable[str]) -> list[str]:
        """Ids of other profiles that already have an identifier of the row, in the order of the fields."""
        stated = ((field, getattr(row, field)) for field in fields)
        holders = [one for field, value in stated if value is not None for one in self.ids_with(field, [value])]
        return [holder for holder in holders if holder != profile_id]

    def is_two_people(self, row: Row) -> bool:
        """Whether the e-mail address and the phone number of a row are already those of different profiles."""
        profile_id = self.match(row)
        return profile_id is not None and bool(self.others_with(row, profile_id, fields=("email", "phone_number")))

    def create(self, row: Row, *, at: float) -> str:
        """Makes a new profile of a row, and returns its id."""
        profile_id = self._new_id(at)
        self._write(Profile(profile_id, None, None, None, EMPTY, at, at), row, at=at)
        return profile_id

    def update(self, profile_id: str, row: Row, *, at: float) -> None:
        """Writes a row over a profile. An e-mail or phone number that another profile has is left out."""
        self._write(self[profile_id], row, at=at)

    def delete(self, profile_id: str) -> None:
        """Takes a profile away; its identifiers are free again."""
        gone = self[profile_id]
        if gone.email is not None:
            del self._by_email[gone.email]
        if gone.phone_number is not None:
            del self._by_phone_number[gone.phone_number]
        self._file(gone.id, gone.external_id, None, clear=True)
        del self._at_rest[profile_id]
        self._views.forget()

    def ids_by(self, field: str) -> list[str]:
        """All ids, ascending by id, email, created or updated, and then by id."""
        if field == "id":
            # They only grow, so that the order in which they were added is theirs.
            return self._views.get(field, lambda: list(self._at_rest))
        return self._views.get(field, lambda: sorted(self._at_rest, key=lambda one: sort_value(self[one], field)))

    def _write(self, before: Profile, row: Row, *, at: float) -> None:
        self._at_rest[before.id] = (
            before.id,
            self._claim(self._by_email, before.id, before.email, row.email, clear="email" in row.cleared),
            self._claim(
                *(self._by_phone_number, before.id, before.phone_number, row.phone_number),
                clear="phone_number" in row.cleared,
            ),
            self._file(before.id, before.external_id, row.external_id, clear="external_id" in row.cleared),
            merged(before.payload, row),
            before.created_at,
            at,
        )
        self._views.forget()

    def _claim(
        self, index: dict[str, str], profile_id: str, before: str | None, value: str | None, *, clear: bool
    ) -> str | None:
        """What a unique identifier becomes: the value, unless there is none or another profile has it."""
        if not clear and (value is None or value in index):
            return before
        if before is not None:
            del index[before]
        if value is not None:
            index[value] = profile_id
        return value

    def _file(self, profile_id: str, before: str | None, value: str | None, *, clear: bool) -> str | None:
        """What an external id becomes; several profiles may have the same."""
        if not clear and (value is None or value == before):
            return before
        index = self._by_external_id
        if before is not None:
            index[before] = tuple(one for one in index[before] if one != profile_id)
        if value is not None:
            index[value] = (*index.get(value, ()), profile_id)
        return value


def sort_value(profile: Profile, field: str) -> str | float:
    """What a profile is sorted by: a time in seconds for `created` and `updated`, else a text."""
    values: dict[str, str | float] = {
        "id": profile.id,
        "email": profile.email or "",
        "created": profile.created_at,
        "updated": profile.updated_at,
    }
    return values[field]

"""Who cannot become a profile, and what is left out of one: each rule is a function whose name is the rule's name.

A rule takes the value that it judges and is true where the value breaks it. What brings values into the form
that is judged here stands in `normalise`; which rows a rule is asked about, in `rows` and `identities`.

Where Klaviyo documents no limit, there is no rule (locale, time zone, IP address, length of a text): what it
refuses comes back as a refusal that names the row and the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import polars as pl

LARGEST_PAYLOAD: Final = 100_000  # bytes of JSON for one person, by Klaviyo's bulk import
LONGEST_EMAIL: Final = 100  # characters, by Klaviyo's bulk import
LONGEST_LOCAL_PART: Final = 64  # bytes before the @, by RFC 5321
LONGEST_EXTERNAL_ID: Final = 255  # characters; what other senders to Klaviyo cap it at

# The dot-atom of RFC 5322 without "!", which Klaviyo refuses.
_LOCAL_PART: Final = r"[A-Za-z0-9#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9#$%&'*+/=?^_`{|}~-]+)*"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP_LABEL: Final = r"(?:[A-Za-z]{2,63}|[Xx][Nn]--[A-Za-z0-9-]{0,58}[A-Za-z0-9])"
_EMAIL: Final = rf"^{_LOCAL_PART}@(?:{_LABEL}\.)+{_TOP_LABEL}$"

_ANY_LABEL: Final = r"[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?"
_INTERNATIONAL_EMAIL: Final = rf"^{_LOCAL_PART}@(?:{_ANY_LABEL}\.)+{_ANY_LABEL}$"

_E164: Final = r"^\+[1-9][0-9]{6,14}$"


@dataclass(frozen=True)
class Rule:
    """A named rule.

    Attributes:
        name: as it stands in the frames, as "email_missing".
        reason: the rule in words, for whoever has to mend the row.
        broken_by: true where a value breaks the rule; false or null where it does not.
    """

    name: str
    reason: str
    broken_by: Callable[[pl.Expr], pl.Expr]


def _rule(reason: str) -> Callable[[Callable[[pl.Expr], pl.Expr]], Rule]:
    def named(broken_by: Callable[[pl.Expr], pl.Expr]) -> Rule:
        return Rule(name=broken_by.__name__, reason=reason, broken_by=broken_by)

    return named


@_rule("The customer has not agreed to be contacted: the column that match.opted_in names is not true.")
def not_opted_in(opted_in: pl.Expr) -> pl.Expr:
    """Anything but true. Whoever was not asked has not agreed, so null breaks it too."""
    return opted_in.ne_missing(True)


@_rule("The row has no e-mail address.")
def email_missing(address: pl.Expr) -> pl.Expr:
    """Null, or nothing that can be seen; the address is trimmed."""
    return address.is_null() | (address == "")


@_rule("The domain is not written in ASCII: write it in its punycode form, as xn--mnchen-3ya.de for münchen.de.")
def email_not_ascii(address: pl.Expr) -> pl.Expr:
    """A well-formed address in an international domain.

    What Klaviyo makes of one is not documented; in punycode it is the same mailbox everywhere. A local part that
    is not ASCII has no such form, and is `email_invalid`.
    """
    return address.str.contains(_INTERNATIONAL_EMAIL) & (address.str.len_bytes() > address.str.len_chars())


@_rule("This is not an e-mail address that Klaviyo takes.")
def email_invalid(address: pl.Expr) -> pl.Expr:
    """Anything but local-part@domain in ASCII, at most 100 characters long.

    Klaviyo answers 400 to a whole request for one address with a `mailto:` prefix, with `!` before the @, in a
    numeric top-level domain, or in one of a single character. Quoted local parts and IP addresses for a domain,
    which mail knows and no customer has, are refused with them.
    """
    local_part_bytes = address.str.find("@", literal=True)
    well_formed = address.str.contains(_EMAIL) & (local_part_bytes <= LONGEST_LOCAL_PART)
    return ~(well_formed & (address.str.len_bytes() <= LONGEST_EMAIL))


@_rule("Another row has the same e-mail address, and that one is sent.")
def email_duplicate(address: pl.Expr) -> pl.Expr:
    """Any but the first of the rows with one address, where rows stand by address and then by precedence.

    Klaviyo merges repeated addresses silently and does not say which row wins.
    """
    return address == address.shift()


@_rule(f"The person's data is larger than the {LARGEST_PAYLOAD} bytes that Klaviyo takes: map fewer or shorter fields.")
def too_large(payload: pl.Expr) -> pl.Expr:
    """A payload over 100 000 bytes."""
    return payload.str.len_bytes() > LARGEST_PAYLOAD


@_rule("The phone number is not in international form, as +37120000000, and was left out.")
def phone_invalid(phone: pl.Expr) -> pl.Expr:
    """Not E.164: + and country code, 7 to 15 digits in all. Without a country code it could be anyone's.

    Klaviyo was seen to drop such a phone silently, and to refuse the request for it, so it never sees one.
    """
    return ~phone.str.contains(_E164)


@_rule("Several people have this phone number; Klaviyo would take them for one, so it was left out.")
def phone_shared(address: pl.Expr) -> pl.Expr:
    """A number that stands with several addresses, of all rows that have it.

    A phone number is an identifier: sent with a new address, it makes Klaviyo give that address to the profile
    that has the number (https://developers.klaviyo.com/en/docs/update_profile_properties_via_api). So nobody
    gets a shared one. A number that is missing is mended by the next run, two people merged into one by nobody.
    """
    return address.min() != address.max()


@_rule(f"The external id is longer than {LONGEST_EXTERNAL_ID} characters, and was left out.")
def external_id_too_long(external_id: pl.Expr) -> pl.Expr:
    """Over 255 characters. Cutting it would make one id of two."""
    return external_id.str.len_chars() > LONGEST_EXTERNAL_ID


@_rule("Several people have this external id; Klaviyo would take them for one, so it was left out.")
def external_id_shared(address: pl.Expr) -> pl.Expr:
    """An id that stands with more than one address; see `phone_shared`."""
    return address.min() != address.max()


@_rule("The latitude is not a number from -90 to 90, and was left out.")
def latitude_invalid(degrees: pl.Expr) -> pl.Expr:
    """Not a number, or not on the globe."""
    return ~degrees.is_between(-90, 90).fill_null(False)


@_rule("The longitude is not a number from -180 to 180, and was left out.")
def longitude_invalid(degrees: pl.Expr) -> pl.Expr:
    """Not a number, or not on the globe."""
    return ~degrees.is_between(-180, 180).fill_null(False)


# The first broken one is the reason.
ADDRESS_RULES: Final[Sequence[Rule]] = (email_missing, email_not_ascii, email_invalid)
FIELD_RULES: Final[Sequence[Rule]] = (
    phone_invalid,
    phone_shared,
    external_id_too_long,
    external_id_shared,
    latitude_invalid,
    longitude_invalid,
)


def _reasons(rules: Sequence[Rule]) -> Mapping[str, str]:
    return MappingProxyType({rule.name: rule.reason for rule in rules})


RULES: Final = _reasons((not_opted_in, *ADDRESS_RULES, email_duplicate, too_large))
"""Why a row is rejected: the rule's name, and the rule in words."""

WARNINGS: Final = _reasons(FIELD_RULES)
"""Why an optional field is left out: the rule's name, and the rule in words."""


def first_broken(rules: Sequence[Rule], value: pl.Expr) -> pl.Expr:
    """The name of the first of the rules that the value breaks; null where it breaks none."""
    return pl.coalesce([pl.when(rule.broken_by(value)).then(pl.lit(rule.name)) for rule in rules])

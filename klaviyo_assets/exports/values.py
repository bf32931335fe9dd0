"""The values that declarations are made of: text that must have a certain form, each with what is expected.

A type belongs here when a declaration's attribute has it; a whole declaration does not. A check raises a
ValueError that says `expected …; remedy`, or `found …, expected …; remedy` where the value itself says too
little or must not be shown.
"""

from __future__ import annotations

import re
from datetime import date
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticKnownError

_ENV_NAMES: Final = {"api_url_env": "KLAVIYO_API_URL", "database_env": "WAREHOUSE_URL"}
# https://learn.microsoft.com/en-us/dynamics365/customer-insights/data/tables
_NO_SEGMENTS: Final = {
    *("customer", "customer_measure", "unifiedactivity", "alternatekey", "conflationmatchpairs", "segmentmembership")
}
LONGEST_NAME: Final = 63  # characters; Dagster takes no longer values of its tags


class Declaration(BaseModel):
    """What all declarations share: unknown attributes are refused, values are never shown in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)


def as_tuple(value: Any) -> Any:
    """A single text as a tuple of one, so that a list of one need not be written as a list."""
    return (value,) if isinstance(value, str) else value


def _refuse(kind: Any, *types: type) -> BeforeValidator:
    # pydantic reads true as 1, 1 as true, and a number as seconds since 1970.
    def check(value: Any) -> Any:
        if type(value) in types:
            raise PydanticKnownError(kind)
        return value

    return BeforeValidator(check)


def _check_pattern(pattern: str, expected: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


def _check_text(value: str) -> str:
    if not value.strip():
        raise PydanticKnownError("string_too_short", {"min_length": 1})
    return value


def _check_length(value: str) -> str:
    if len(value) > LONGEST_NAME:
        raise ValueError(f"expected at most {LONGEST_NAME} characters, not {len(value)}; write a shorter name")
    return value


def _check_env_name(value: str, info: ValidationInfo) -> str:
    example = _ENV_NAMES.get(info.field_name or "", "KLAVIYO_API_KEY")
    if "pk_" in value:
        raise ValueError(
            "found a private key, expected the NAME of the environment variable that holds it; take the key out of "
            f"the file, revoke it in Klaviyo if the file was shared, and write {info.field_name}: {example}"
        )
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError(
            "found text that names no environment variable, expected a NAME of letters, digits and _; "
            f"write {info.field_name}: {example}"
        )
    return value


# Dagster takes no other addresses of owners, and shows them where it refuses one.
def _check_owner(value: str) -> str:
    if not re.fullmatch(r"team:[\w.-]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}", value):
        found = "found an address that Dagster does not take, " if "@" in value else ""
        raise ValueError(f"{found}expected a whole e-mail address or a team; write it as team:marketing")
    return value


@cache
def _timezones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


def _check_timezone(value: str) -> str:
    names = _timezones()
    if names.get(value.casefold()) == value:
        return value
    near = get_close_matches(value.casefold(), names, n=1, cutoff=0.8)
    raise ValueError(
        "expected a name of the IANA time zone database; "
        f"write {names[near[0]] if near else 'it as Europe/Riga or UTC'}"
    )


def _check_segment_entity(value: str) -> str:
    if value.casefold() in _NO_SEGMENTS or value.casefold().startswith("deduplication_"):
        raise ValueError(
            "expected the output entity of a segment, and not a table that Customer Insights makes of all customers; "
            "write it as HighValueSegment, and where everybody is meant, make a segment of everybody"
        )
    return value


def _check_distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise ValueError(f"found {twice} more than once, expected each once; take one of them away")
    return values


Text = Annotated[str, Field(min_length=1), AfterValidator(_check_text)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(as_tuple, json_schema_input_type=Text | tuple[Text, ...])]
Column = Text
SegmentEntity = Annotated[Text, AfterValidator(_check_segment_entity)]
Name = Annotated[
    str,
    _check_pattern(r"[A-Za-z0-9_]+", "letters, digits and _ only; write it as vip_customers"),
    AfterValidator(_check_length),
]
EnvName = Annotated[str, AfterValidator(_check_env_name)]
KlaviyoId = Annotated[
    str, _check_pattern(r"[A-Za-z0-9]+", "an id from Klaviyo, of letters and digits; write it as YafG4m")
]
AssetKeyText = Annotated[
    str,
    _check_pattern(
        r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*",
        "an asset key with slashes between its parts; write it as segments/vip_customers",
    ),
]
AssetKeys = Annotated[
    tuple[AssetKeyText, ...],
    BeforeValidator(as_tuple, json_schema_input_type=str | tuple[str, ...]),
    Field(min_length=1),
    AfterValidator(_check_distinct),
]
Owner = Annotated[str, AfterValidator(_check_owner)]
Owners = Annotated[tuple[Owner, ...], BeforeValidator(as_tuple, json_schema_input_type=str | tuple[str, ...])]
WebAddress = Annotated[
    str, _check_pattern(r"https://[^\s/<>@]+(/[^\s<>@]*)?", "an https address; write it as https://contoso.com/privacy")
]
Timezone = Annotated[str, AfterValidator(_check_timezone)]
Day = Annotated[date, _refuse("date_type", int, float, bool)]
Switch = Annotated[bool, _refuse("bool_type", int, float)]
Whole = Annotated[int, _refuse("int_type", bool)]
Number = Annotated[float, _refuse("float_type", bool), Field(allow_inf_nan=False)]
Share = Annotated[Number, Field(ge=0, le=1)]

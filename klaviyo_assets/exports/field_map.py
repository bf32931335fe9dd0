"""The field map: which column feeds which field of a profile, as declared and as mapping works by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from klaviyo_assets.exports.values import Column, Declaration, Text


def _read_properties(value: Any) -> Any:
    return {"*": "*"} if value == "*" else value


def _check_star(properties: dict[str, str]) -> dict[str, str]:
    if properties.get("*", "*") != "*":
        raise ValueError(
            'found a column for the property "*", which stands for all other columns by their names, '
            'expected "*": "*"; write that, or the property\'s own name'
        )
    return properties


Properties = Annotated[
    dict[Text, Column],
    BeforeValidator(_read_properties, json_schema_input_type=dict[Text, Column] | Literal["*"]),
    AfterValidator(_check_star),
]


class Match(Declaration):
    """Data matching: which column holds the address by which Klaviyo knows a person, and which their consent."""

    email: Column = Field(examples=["EMail"])
    """The column with the customer's e-mail address."""
    opted_in: Column | None = None
    """The column that says who agreed to be contacted; where it is not true, 1, yes, y or t, the row is rejected."""


class Location(Declaration):
    """Which columns feed a profile's location."""

    address1: Column | None = None
    """The column with the first line of the street address."""
    address2: Column | None = None
    """The column with the second line of the street address."""
    city: Column | None = None
    """The column with the city's name."""
    country: Column | None = None
    """The column with the country's name."""
    latitude: Column | None = None
    """The column with the latitude, in degrees."""
    longitude: Column | None = None
    """The column with the longitude, in degrees."""
    region: Column | None = None
    """The column with the region within the country, as a state's name."""
    zip: Column | None = None
    """The column with the postal code."""
    timezone: Column | None = None
    """The column with the person's time zone, as Europe/Riga."""
    ip: Column | None = None
    """The column with the person's IP address."""


class Fields(Declaration):
    """Which columns feed a profile's other fields, written as profile field: column."""

    phone_number: Column | None = None
    """The column with the phone number, as +37120000000."""
    external_id: Column | None = None
    """The column with the customer's id on our side."""
    first_name: Column | None = None
    """The column with the first name."""
    last_name: Column | None = None
    """The column with the last name."""
    organization: Column | None = None
    """The column with the name of the company or organization."""
    locale: Column | None = None
    """The column with the language, as lv-LV."""
    title: Column | None = None
    """The column with the person's title."""
    image: Column | None = None
    """The column with the address of the person's picture."""
    location: Location = Field(default=Location(), examples=[{"city": "City", "country": "Country"}])
    """Parts of the location, as {city: City, country: Country}."""
    properties: Properties = Field(default_factory=dict, examples=[{"Loyalty tier": "tier"}])
    """Custom properties, as {Loyalty tier: tier}; "*" or {"*": "*"} for all other columns by their names."""


@dataclass(frozen=True)
class FieldMap:
    """Which column feeds which profile field; what mapping works by.

    Attributes:
        email: the column with the address.
        attributes: first-class profile field to column, in the order of the payload.
        location: location field to column, in the order of the payload.
        properties: custom property to column, in the declared order.
        other_columns: whether every column that is named nowhere else here becomes a property of its own name.
        opted_in: the column that says who agreed to be contacted; None: everybody did.
    """

    email: str
    attributes: Mapping[str, str]
    location: Mapping[str, str]
    properties: Mapping[str, str]
    other_columns: bool = False
    opted_in: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that feeds a field, each once."""
        parts = (self.attributes, self.location, self.properties)
        return tuple(dict.fromkeys([self.email, *(column for part in parts for column in part.values())]))

    @property
    def named_columns(self) -> tuple[str, ...]:
        """Every column that the map names, each once: those that feed a field, and the one that says who agreed."""
        consent = [] if self.opted_in is None else [self.opted_in]
        return tuple(dict.fromkeys([*self.columns, *consent]))

"""An export: which segments go to which list, with which fields, within which limits, and when."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from klaviyo_assets.exports.field_map import FieldMap, Fields, Match
from klaviyo_assets.exports.values import (
    AssetKeys,
    Declaration,
    KlaviyoId,
    Name,
    Number,
    Owners,
    Share,
    Switch,
    Text,
    Timezone,
    Whole,
)

EVERY_REFRESH: Final = "every_refresh"
OFF: Final = "off"
LARGEST_EXPORT: Final = 10_000_000  # profiles; one delivery is built for no more


def _read_schedule(value: Any) -> Any:
    # YAML 1.1 reads a bare `off` as false.
    if value is False:
        return OFF
    if value is True:
        raise ValueError('expected every_refresh, off, or a cron expression; write it as "0 5 * * *", in quotes')
    return value


# The checks below stand on a field, not on its model, so that they are told together with other mistakes.
def _check_order(value: int, info: ValidationInfo) -> int:
    largest = info.data.get("max_profiles")
    if largest is not None and value > largest:
        raise ValueError(f"expected at most max_profiles, which is {largest}; lower it, or raise max_profiles")
    return value


def _check_other_name(value: str | None, info: ValidationInfo) -> str | None:
    if value is not None and value == info.data.get("name"):
        raise ValueError("expected another name than its own; write the one that it had before, or take it away")
    return value


def _check_one_list(value: str | None, info: ValidationInfo) -> str | None:
    if "list_id" not in info.data:
        return value
    if value is None and info.data["list_id"] is None:
        raise ValueError("found neither list_id nor list_name, expected one of the two; write list_id: YafG4m")
    if value is not None and info.data["list_id"] is not None:
        raise ValueError("found list_name beside list_id, expected one of the two; take one of them away")
    return value


class Limits(Declaration):
    """What an export may do at most; beyond it nothing is sent."""

    max_profiles: Annotated[Whole, Field(ge=1, le=LARGEST_EXPORT)] = 100_000
    """Profiles in one export, at most 10000000."""
    min_profiles: Annotated[Whole, Field(ge=0, le=LARGEST_EXPORT), AfterValidator(_check_order)] = 0
    """Profiles in one export, at least."""
    min_valid_share: Share = 0.5
    """Share of rows with a usable address, 0 to 1, below which nothing is sent."""
    max_removed_share: Share = 0.3
    """Share of the ledger's members, 0 to 1, above which nothing is sent, from 10 removals up."""
    deadline_minutes: Annotated[Number, Field(gt=0, le=7 * 24 * 60)] = 60
    """How long one delivery may take; what is open then is settled by the next run."""


class Export(Declaration):
    """Which segments go to which Klaviyo list, and how."""

    name: Name = Field(examples=["vip_customers"])
    """Letters, digits and _; the list's asset is klaviyo/<name>/list."""
    connection: Name | None = Field(examples=["contoso"])
    """The name of a connection; null: detached, the export stays and does not run."""
    list_id: KlaviyoId | None = None
    """The id of the list in Klaviyo, as YafG4m."""
    list_name: Annotated[Text | None, AfterValidator(_check_one_list)] = Field(default=None, validate_default=True)
    """Instead of list_id: the list's name; it is created where there is none."""
    segments: AssetKeys = Field(examples=[["segments/vip_customers"]])
    """Asset keys of the segments, as [segments/vip_customers]; several are united."""
    match: Match = Field(examples=[{"email": "EMail"}])
    """Data matching: the column that holds the address, as {email: EMail}."""
    fields: Fields = Field(default=Fields(), examples=[{"first_name": "FirstName"}])
    """Other profile fields, as {first_name: FirstName}."""
    leavers: Literal["keep", "remove"] = "keep"
    """keep or remove: what happens on the list to who leaves the segment."""
    on_null: Literal["clear", "keep"] = "clear"
    """clear or keep: what happens in Klaviyo to a value that we sent and that is now empty."""
    existing_members: Literal["leave", "adopt"] = "leave"
    """leave or adopt: whether members whom others added are never removed, or are the export's from now on."""
    limits: Limits = Field(default=Limits(), examples=[{"max_profiles": 250_000}])
    """What the export may do at most, as {max_profiles: 250000}."""
    schedule: Annotated[Text, BeforeValidator(_read_schedule, json_schema_input_type=Text | Literal[False])] = (
        EVERY_REFRESH
    )
    """every_refresh, off, or a cron expression."""
    timezone: Timezone = "UTC"
    """The time zone of the cron, as Europe/Riga."""
    allow_flows: Switch = False
    """Whether a first delivery may go to a list that starts a live flow, whose mails everybody gets then."""
    renamed_from: Annotated[Name | None, AfterValidator(_check_other_name)] = None
    """The name that the export had before; it goes on with the ledger of the export that was called so."""
    enabled: Switch = True
    """Whether the export may run at all."""
    owners: Owners = Field(default=(), examples=[["team:marketing"]], repr=False)
    """Who answers for the export, as [team:marketing]."""

    @property
    def cron(self) -> str | None:
        """The cron expression, where the schedule is one."""
        return None if self.schedule in (EVERY_REFRESH, OFF) else self.schedule

    @property
    def field_map(self) -> FieldMap:
        """What mapping works by."""
        fields = self.fields.model_dump(exclude={"location", "properties"}, exclude_none=True)
        properties = self.fields.properties
        return FieldMap(
            email=self.match.email,
            attributes=fields,
            location=self.fields.location.model_dump(exclude_none=True),
            properties={name: column for name, column in properties.items() if name != "*"},
            other_columns="*" in properties,
            opted_in=self.match.opted_in,
        )

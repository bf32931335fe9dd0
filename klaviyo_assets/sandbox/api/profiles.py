"""Single profiles: find, create, update, create-or-update.

https://developers.klaviyo.com/en/reference/profiles_api_overview
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klaviyo_assets.sandbox.account.payload import IDENTIFIERS, LOCATION_FIELDS, PLAIN_FIELDS, Row
from klaviyo_assets.sandbox.account.profiles import Profile, sort_value
from klaviyo_assets.sandbox.api import documents, errors, paging, requests, validation
from klaviyo_assets.sandbox.api.documents import Json
from klaviyo_assets.sandbox.api.exchange import Answer, Call
from klaviyo_assets.sandbox.api.filters import Condition, Rules
from klaviyo_assets.sandbox.api.paging import Key, Order

FIELDS = (
    *("id", *IDENTIFIERS, *PLAIN_FIELDS, "created", "updated", "last_event_date", "location", "properties"),
    *("subscriptions", "predictive_analytics"),
)
ADDITIONAL = ("subscriptions", "predictive_analytics")
SORTS = ("created", "email", "id", "updated")
FILTERS: Rules = {
    **dict.fromkeys(("id", *IDENTIFIERS), ("any", "equals")),
    **dict.fromkeys(("created", "updated"), ("greater-than", "less-than")),
}
PAGE_SIZE, MOST_PER_PAGE = 20, 100


def read_all(call: Call) -> Answer:
    """Profiles, all or those that a filter finds."""
    field, descending = call.query.sort(SORTS, default="id")

    def key(profile_id: str) -> Key:
        return (sort_value(call.account.profiles[profile_id], field), profile_id)

    found = _found(call, field, call.query.conditions("profile", FILTERS))
    order: Order[str] = Order(field, key, descending)
    size = call.query.page_size(default=PAGE_SIZE, most=MOST_PER_PAGE)
    page = paging.cut(found, order=order, cursor=call.query.cursor(), size=size)
    return Answer(200, documents.paged(call, [render(call, one) for one in page.items], page))


def read_one(call: Call) -> Answer:
    """One profile, by its id."""
    profile_id = requests.known_profile(call, call.params["id"])
    return Answer(200, documents.single(call, render(call, profile_id)))


def create(call: Call) -> Answer:
    """A new profile; 409 if one of its identifiers is taken."""
    row = _row(call, _resource(call))
    _refuse_duplicate(call, row, None, fields=IDENTIFIERS)
    return _written(call, call.account.profiles.create(row, at=call.now), row, status=201)


def update(call: Call) -> Answer:
    """Changes a profile: what is null is cleared, what is absent stays."""
    profile_id = requests.known_profile(call, call.params["id"])
    resource = _resource(call)
    requests.same_id(call, resource)
    row = _row(call, resource)
    _refuse_duplicate(call, row, profile_id, fields=IDENTIFIERS)
    call.account.profiles.update(profile_id, row, at=call.now)
    return _written(call, profile_id, row, status=200)


def create_or_update(call: Call) -> Answer:
    """201 for a new profile, 200 for one that was there; 409 where e-mail and phone number are two people's."""
    row = _row(call, _resource(call))
    if row.profile_id is not None:
        requests.known_profile(call, row.profile_id)
    profile_id = call.account.profiles.match(row)
    if profile_id is None:
        return _written(call, call.account.profiles.create(row, at=call.now), row, status=201)
    _refuse_duplicate(call, row, profile_id, fields=("email", "phone_number"))
    call.account.profiles.update(profile_id, row, at=call.now)
    return _written(call, profile_id, row, status=200)


def render(call: Call, profile_id: str, *, microseconds: bool = False, joined_at: float | None = None) -> Json:
    """A profile as a resource; with `joined_at` as the member of a list."""
    attributes = _attributes(call.account.profiles[profile_id], microseconds=microseconds)
    for name in call.query.names("additional-fields[profile]"):
        attributes[name] = SUBSCRIPTIONS if name == "subscriptions" else PREDICTIVE_ANALYTICS
    if joined_at is not None:
        attributes["joined_group_at"] = documents.timestamp(joined_at)
    chosen = documents.sparse(attributes, call.query.names("fields[profile]"))
    owner = f"profiles/{profile_id}"
    related = {name: documents.relationship(call, owner, name) for name in ("lists", "segments", "push-tokens")}
    return documents.resource(call, "profile", profile_id, chosen, path="profiles", relationships=related)


def named_by(call: Call, condition: Condition) -> list[str]:
    """Ids, ascending, of the profiles that a condition names by an identifier."""
    return call.account.profiles.ids_with(condition.field, _values(condition))


def _attributes(profile: Profile, *, microseconds: bool) -> Json:
    stated = profile.attributes()
    location = stated.get("location", {})
    return {
        **{name: getattr(profile, name) for name in IDENTIFIERS},
        **{name: stated.get(name) for name in PLAIN_FIELDS},
        "created": documents.timestamp(profile.created_at, microseconds=microseconds),
        "updated": documents.timestamp(profile.updated_at, microseconds=microseconds),
        "last_event_date": None,
        "location": {name: location.get(name) for name in LOCATION_FIELDS},
        "properties": stated.get("properties", {}),
    }


def _row(call: Call, resource: dict[str, Any]) -> Row:
    return validation.read_profile(resource, pointer="/data", settings=call.settings)


def _written(call: Call, profile_id: str, row: Row, *, status: int) -> Answer:
    document = documents.single(call, render(call, profile_id, microseconds=True))
    return Answer(status, document, validation.partial_failure([row]))


def _resource(call: Call) -> dict[str, Any]:
    resource = requests.resource_of(call, "profile")
    if validation.byte_count(resource) > validation.MOST_PROFILE_BYTES:
        raise errors.too_large(validation.MOST_PROFILE_BYTES)
    return resource


def _refuse_duplicate(call: Call, row: Row, profile_id: str | None, *, fields: Sequence[str]) -> None:
    if others := call.account.profiles.others_with(row, profile_id, fields=fields):
        raise errors.duplicate_profile(others[0])


def _found(call: Call, field: str, conditions: Sequence[Condition]) -> Sequence[str]:
    """Ids of the profiles that meet the conditions, ascending by a field."""
    profiles = call.account.profiles
    looked_up = next((condition for condition in conditions if condition.field in ("id", *IDENTIFIERS)), None)
    found = profiles.ids_by(field)
    if looked_up is not None:
        found = sorted(named_by(call, looked_up), key=lambda one: sort_value(profiles[one], field))
    rest = [condition for condition in conditions if condition is not looked_up]
    return [one for one in found if all(_meets(profiles[one], each) for each in rest)] if rest else found


def _meets(profile: Profile, condition: Condition) -> bool:
    if condition.field in ("id", *IDENTIFIERS):
        return getattr(profile, condition.field) in _values(condition)
    at: float = getattr(profile, f"{condition.field}_at")
    bound = condition.times()[0]
    return at > bound if condition.operator == "greater-than" else at < bound


def _values(condition: Condition) -> list[str]:
    return [validation.normalized_email(v) if condition.field == "email" else v for v in condition.values]


NEVER = {"consent": "NEVER_SUBSCRIBED", "consent_timestamp": None}
SUBSCRIPTIONS: Json = {
    "email": {
        "marketing": {
            "can_receive_email_marketing": True,
            **NEVER,
            "last_updated": None,
            "method": None,
            "method_detail": None,
            "custom_method_detail": None,
            "double_optin": None,
            "suppression": [],
            "list_suppressions": [],
        }
    },
    "sms": {"marketing": {"can_receive_sms_marketing": False, **NEVER, "method": None, "method_detail": None}},
    "mobile_push": {"marketing": {"can_receive_push_marketing": False, **NEVER}},
}
"""Nothing that the sandbox does changes anybody's consent: whoever comes by an import has never subscribed."""

PREDICTIVE_ANALYTICS: Json = dict.fromkeys(
    (
        *("historic_clv", "predicted_clv", "total_clv", "historic_number_of_orders", "predicted_number_of_orders"),
        *("average_days_between_orders", "average_order_value", "churn_probability", "expected_date_of_next_order"),
    )
)

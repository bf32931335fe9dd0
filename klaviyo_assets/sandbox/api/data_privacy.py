"""Deleting a person: the whole profile, wherever it is.

https://developers.klaviyo.com/en/reference/request_profile_deletion
"""

from __future__ import annotations

from typing import Any

from klaviyo_assets.sandbox.api import errors, requests, validation
from klaviyo_assets.sandbox.api.exchange import Answer, Call

KIND = "data-privacy-deletion-job"
# In words of ours: Klaviyo's are not known.
ONE_IDENTIFIER = "Exactly one identifier is required: id, email or phone_number."


def delete_profile(call: Call) -> Answer:
    """202; here the profile is gone at once, in Klaviyo some time later."""
    field, value = _identifier(requests.resource_of(call, KIND)["attributes"])
    found = call.account.profiles.ids_with(field, [value])
    if not found:
        raise errors.nobody_to_delete(field, value)
    for profile_id in found:
        call.account.delete_profile(profile_id, at=call.now)
    return Answer(202)


def _identifier(attributes: dict[str, Any]) -> tuple[str, str]:
    profile = attributes.get("profile")
    data = profile.get("data") if isinstance(profile, dict) else None
    if not isinstance(data, dict) or data.get("type") != "profile" or not isinstance(data.get("attributes"), dict):
        raise errors.invalid()
    stated = {"id": data.get("id"), **{name: data["attributes"].get(name) for name in ("email", "phone_number")}}
    given = [(name, value) for name, value in stated.items() if value is not None]
    if len(given) != 1 or not isinstance(given[0][1], str):
        raise errors.invalid(ONE_IDENTIFIER, "/data/attributes/profile/data")
    ((name, value),) = given
    return name, validation.normalized_email(value) if name == "email" else value

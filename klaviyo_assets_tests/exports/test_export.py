"""Exports made in Python: the names, defaults and values that users are promised, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import klaviyo_assets
from klaviyo_assets.exports import FieldMap

REQUIRED: dict[str, Any] = {"name": "vip", "connection": None, "list_id": "YafG4m", "segments": ["customers"]}
DEFAULTS: dict[str, Any] = {
    "leavers": "keep",
    "on_null": "clear",
    "existing_members": "leave",
    "schedule": "every_refresh",
    "timezone": "UTC",
    "allow_flows": False,
    "renamed_from": None,
    "enabled": True,
    "owners": (),
}
VALUES: dict[str, list[Any]] = {
    "leavers": ["keep", "remove"],
    "on_null": ["clear", "keep"],
    "existing_members": ["leave", "adopt"],
    "allow_flows": [False, True],
    "renamed_from": [None, "old_name", "V_1"],
    "enabled": [False, True],
}
# What a value is, and what is said of it.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "on_null: another word": ({"on_null": "remove"}, "Input should be 'clear' or 'keep'"),
    "on_null: nothing": ({"on_null": None}, "Input should be 'clear' or 'keep'"),
    "on_null: capital": ({"on_null": "Keep"}, "Input should be 'clear' or 'keep'"),
    "existing_members: another word": ({"existing_members": "keep"}, "Input should be 'leave' or 'adopt'"),
    "existing_members: true": ({"existing_members": True}, "Input should be 'leave' or 'adopt'"),
    "allow_flows: one": ({"allow_flows": 1}, "Input should be a valid boolean"),
    "allow_flows: nothing": ({"allow_flows": None}, "Input should be a valid boolean"),
    "allow_flows: a flow": ({"allow_flows": "Welcome"}, "Input should be a valid boolean"),
    "renamed_from: its own name": ({"renamed_from": "vip"}, "expected another name than its own"),
    "renamed_from: no name": ({"renamed_from": "klaviyo/old"}, "expected letters, digits and _ only"),
    "renamed_from: empty": ({"renamed_from": ""}, "expected letters, digits and _ only"),
    "match: a blank column": ({"match": {"email": "EMail", "opted_in": " "}}, "should have at least 1 character"),
    "match: a column by its number": ({"match": {"email": "EMail", "opted_in": 3}}, "should be a valid string"),
    "match: another spelling": ({"match": {"email": "EMail", "opt_in": "x"}}, "Extra inputs are not permitted"),
}


def export(**attributes: Any) -> klaviyo_assets.Export:
    """An export with what is required, and these attributes."""
    return klaviyo_assets.Export(**{**REQUIRED, "match": klaviyo_assets.Match(email="EMail"), **attributes})


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_is_not_said_has_its_default(name: str) -> None:
    """The defaults are those of the promise to users."""
    assert getattr(export(), name) == DEFAULTS[name]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in VALUES.items() for value in values])
def test_what_is_said_is_kept(name: str, value: Any) -> None:
    """Each value of the promise to users is taken as it is."""
    assert getattr(export(**{name: value}), name) == value


@pytest.mark.parametrize(("attributes", "says"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(attributes: dict[str, Any], says: str) -> None:
    """An error says what is expected, and shows no value."""
    with pytest.raises(ValidationError) as error:
        export(**attributes)

    assert says in str(error.value)
    assert "input_value" not in str(error.value)


def test_a_former_name_is_not_judged_where_the_name_itself_is_wrong() -> None:
    """One mistake is told once."""
    with pytest.raises(ValidationError) as error:
        export(name="v-ip", renamed_from="vip")

    assert error.value.error_count() == 1


@pytest.mark.parametrize("column", [None, "NewsletterConsent"], ids=str)
def test_the_field_map_knows_who_says_who_agreed(column: str | None) -> None:
    """Mapping is told the column with the consent, or that there is none."""
    made = export(match=klaviyo_assets.Match(email="EMail", opted_in=column))

    assert made.field_map.opted_in == column


@pytest.mark.parametrize(
    ("opted_in", "named"),
    [(None, ("e", "a", "b", "c")), ("x", ("e", "a", "b", "c", "x")), ("b", ("e", "a", "b", "c"))],
    ids=["none", "its own", "mapped too"],
)
def test_the_consent_is_named_and_feeds_nothing(opted_in: str | None, named: tuple[str, ...]) -> None:
    """The column with the consent counts as named, each once, and is no source of a profile's data by itself."""
    field_map = FieldMap("e", {"title": "a"}, {"city": "b"}, {"p": "c", "q": "a"}, opted_in=opted_in)

    assert field_map.named_columns == named
    assert field_map.columns == ("e", "a", "b", "c")

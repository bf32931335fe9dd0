"""Which fields are emptied, by which way, and what keeps them."""

from __future__ import annotations

import json
from typing import Any, Literal

import polars as pl
import pytest

from klaviyo_assets.frames import CHANGES
from klaviyo_assets.mapping.rules import FIELD_RULES
from klaviyo_assets.plan import Plan, diff
from klaviyo_assets_tests.frames_made import all_changes, ledger, profiles, rejections

ADA = "ada@example.com"
FULL: dict[str, Any] = {
    "external_id": "7",
    "first_name": "Ada",
    "location": {"city": "Riga", "latitude": 1.0, "longitude": 2.0},
    "phone_number": "+37120000000",
    "properties": {"tier": "gold", "ltv": 1},
}
COSTLY = {"phone_number", "external_id", "location.latitude", "location.longitude"}


def payload(attributes: dict[str, Any], email: str = ADA) -> str:
    """The payload of a person with these attributes."""
    document = {"type": "profile", "attributes": {"email": email, **attributes}}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def plan(
    now: dict[str, Any],
    before: dict[str, Any] | None = None,
    *,
    uncleared: list[str] | None = None,
    dropped: str | None = None,
    others: list[dict[str, Any]] | None = None,
    on_null: Literal["clear", "keep"] = "clear",
    resend_all: bool = False,
) -> Plan:
    """The plan for one person whom the ledger knows: now, before, and as other exports send her."""
    sent = [{"email": ADA, "payload": payload(each)} for each in others or []]
    return diff(
        profiles({ADA: payload(now)}).with_columns(dropped=pl.lit(dropped, dtype=pl.String)),
        rejections([]),
        ledger({ADA: payload(now if before is None else before)}, uncleared=uncleared),
        leavers="remove",
        on_null=on_null,
        others=None if others is None else pl.LazyFrame(sent, schema={"email": pl.String, "payload": pl.String}),
        resend_all=resend_all,
    )


def emptied(given: Plan) -> tuple[list[str], list[str]]:
    """The fields of Klaviyo's and the properties that a plan empties; and each change says the same of them."""
    update = given.updates.select("clears", "unset").collect().rows(named=True)
    clear = given.changes.select("clears", "payload", "unset").rows(named=True)
    assert all(row["payload"] is None and row["unset"] is None and row["clears"] for row in clear)
    if update and (clear or update[0]["clears"]):
        assert [row["clears"] for row in update] == [row["clears"] for row in clear]
    unset = update[0]["unset"] if update else None
    return (clear[0]["clears"] if clear else []), (json.loads(unset) if unset else [])


def without(*fields: str) -> dict[str, Any]:
    """Everything but these fields."""
    left = {key: dict(value) if isinstance(value, dict) else value for key, value in FULL.items()}
    for field in fields:
        part, _, name = field.partition(".")
        if name:
            del left[part][name]
        else:
            del left[part]
    return left


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(FULL, ([], []), id="nothing-is-gone"),
        pytest.param(without("first_name"), (["first_name"], []), id="a-field-of-klaviyo"),
        pytest.param(without("location.city"), (["location.city"], []), id="a-part-of-the-location"),
        pytest.param(without("properties.tier"), ([], ["tier"]), id="a-property"),
        pytest.param(without("properties"), ([], ["ltv", "tier"]), id="all-properties-in-order"),
        pytest.param(
            without("location"),
            (["location.city", "location.latitude", "location.longitude"], []),
            id="the-location-part-by-part",
        ),
        pytest.param(without("phone_number", "properties.ltv"), (["phone_number"], ["ltv"]), id="both"),
        pytest.param({**FULL, "first_name": "Eve", "title": "x"}, ([], []), id="a-changed-and-a-new-field"),
    ],
)
def test_what_is_gone_is_emptied(now: dict[str, Any], expected: tuple[list[str], list[str]]) -> None:
    """A property is emptied by the import, a field of Klaviyo's by a clear of its own after it."""
    given = plan(now, FULL)

    assert emptied(given) == expected
    assert given.updates.collect_schema() == given.changes.schema == CHANGES
    assert given.counts.cleared_count == (expected != ([], []))
    assert (given.counts.updated, given.counts.unchanged) == ((1, 0) if now is not FULL else (0, 1))


@pytest.mark.parametrize(
    "name", ["a.b", 'say "hi"', "back\\slash", "dzīve ✨", "", "line\nbreak", "first_name", "location.city", "email"]
)
def test_a_property_is_emptied_by_its_own_name(name: str) -> None:
    """However odd its name is, a property that is gone is unset as the JSON text that stood in the payload."""
    assert emptied(plan({"properties": {"x": 1}}, {"properties": {name: 1, "x": 1}})) == ([], [name])


def test_keep_empties_nothing() -> None:
    """With on_null: keep, what is gone stays in Klaviyo, and so does what an earlier delivery left."""
    given = plan(without("first_name", "properties.tier"), FULL, uncleared=["title"], on_null="keep")

    assert emptied(given) == ([], [])
    assert all_changes(given)["change"].to_list() == ["update"]
    assert given.counts.cleared_count == 0
    assert all_changes(plan(FULL, uncleared=["title"], on_null="keep")).is_empty()


@pytest.mark.parametrize("rule", [rule.name for rule in FIELD_RULES])
def test_a_value_that_a_rule_dropped_is_not_emptied(rule: str) -> None:
    """Of each rule that costs a field the field stays in Klaviyo, and the others that are gone do not."""
    given = plan(without("first_name", *COSTLY), FULL, dropped=rule)

    kept = COSTLY - set(emptied(given)[0])
    assert len(kept) == 1
    assert kept.pop().rpartition(".")[2].startswith(rule.split("_")[0])
    assert "first_name" in emptied(given)[0]


def test_several_rules_keep_their_fields() -> None:
    """A row that broke several rules keeps what each of them cost."""
    given = plan(without(*COSTLY), FULL, dropped="phone_invalid,external_id_shared,latitude_invalid")

    assert emptied(given) == (["location.longitude"], [])


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param([{"first_name": "A"}], (["phone_number"], ["tier"]), id="a-field"),
        pytest.param([{"properties": {"tier": 1}}], (["first_name", "phone_number"], []), id="a-property"),
        pytest.param([{"first_name": "A"}, {"phone_number": "+1"}], ([], ["tier"]), id="two-exports-together"),
        pytest.param([{"location": {"first_name": 1}}], (["first_name", "phone_number"], ["tier"]), id="elsewhere"),
        pytest.param([{}], (["first_name", "phone_number"], ["tier"]), id="nothing-but-the-address"),
        pytest.param([], (["first_name", "phone_number"], ["tier"]), id="nobody"),
    ],
)
def test_what_another_export_sends_stays(others: list[dict[str, Any]], expected: tuple[list[str], list[str]]) -> None:
    """A field that another export of the account sends for this person is not emptied."""
    assert emptied(plan(without("first_name", "phone_number", "properties.tier"), FULL, others=others)) == expected


def test_what_another_export_sends_for_others_does_not_count() -> None:
    """Only what is sent for this very person keeps a field, and who has no payload there keeps none."""
    others = {"email": ["eve@example.com", ADA], "payload": [payload({"first_name": "E"}), None]}
    given = diff(
        profiles({ADA: payload({})}),
        rejections([]),
        ledger({ADA: payload({"first_name": "A"})}),
        leavers="keep",
        others=pl.LazyFrame(others),
    )

    assert emptied(given) == (["first_name"], [])


@pytest.mark.parametrize(
    ("now", "uncleared", "others", "expected"),
    [
        pytest.param({}, ["first_name"], [], ["first_name"], id="still-empty"),
        pytest.param({}, ["location.city", "first_name"], [], ["first_name", "location.city"], id="several-in-order"),
        pytest.param({"first_name": "A"}, ["first_name"], [], [], id="it-has-a-value-again"),
        pytest.param({}, ["first_name"], [{"first_name": "A"}], [], id="another-export-sends-it-now"),
    ],
)
def test_what_an_earlier_delivery_did_not_empty(
    now: dict[str, Any], uncleared: list[str], others: list[dict[str, Any]], expected: list[str]
) -> None:
    """Who is confirmed and still has fields to be emptied is cleared, without an import, while that is needed."""
    given = plan(now, uncleared=uncleared, others=others)

    assert all_changes(given)["change"].to_list() == (["clear"] if expected else [])
    assert emptied(given) == (expected, [])
    counts = given.counts
    assert (counts.updated, counts.unchanged, counts.cleared_count) == ((1, 0, 1) if expected else (0, 1, 0))
    assert counts.rows_read == 1


def test_an_update_takes_up_what_is_still_uncleared() -> None:
    """What an earlier delivery left to be emptied is emptied with what this one finds."""
    assert emptied(plan(without("first_name"), FULL, uncleared=["title"])) == (["first_name", "title"], [])


def test_resending_takes_up_what_is_still_uncleared() -> None:
    """Also where everybody is sent again, what is still to be emptied is."""
    given = plan(FULL, uncleared=["title"], resend_all=True)

    assert all_changes(given)["change"].to_list() == ["update", "clear"]
    assert emptied(given) == (["title"], [])
    assert (given.counts.updated, given.counts.cleared_count) == (1, 1)


def test_only_known_people_are_emptied() -> None:
    """Who is added or removed has nothing emptied, whatever the ledger says was left."""
    given = diff(
        profiles({"new@example.com": payload({}, "new@example.com")}),
        rejections([]),
        ledger({ADA: payload(FULL)}, uncleared=["title"]),
        leavers="remove",
    )

    assert all_changes(given).select("change", "clears", "unset").rows() == [
        ("add", None, None),
        ("remove", None, None),
    ]


def test_a_member_of_whom_no_payload_is_known_has_nothing_emptied() -> None:
    """Somebody adopted, whose fields we never sent, is updated and keeps what is in Klaviyo."""
    given = diff(profiles({ADA: payload({})}), rejections([]), ledger({ADA: None}), leavers="keep")

    assert all_changes(given).select("change", "clears", "unset").rows() == [("update", None, None)]

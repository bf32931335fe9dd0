"""Lists."""

from __future__ import annotations

import base64
import re

import httpx
import pytest

from klaviyo_assets.sandbox import Flow, RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import LISTS, error_of, ids_of


def test_a_new_list(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """It has a short id and times to the microsecond, which reading it again cuts off."""
    made = klaviyo.post(LISTS, json=bodies.a_list("VIP")).json()["data"]
    read = klaviyo.get(f"{LISTS}/{made['id']}").json()["data"]

    assert re.fullmatch(r"[A-Za-z0-9]{6}", made["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", made["attributes"]["created"])
    assert read["attributes"]["created"] == re.sub(r"\.\d{6}", "", made["attributes"]["created"])
    assert (read["attributes"]["name"], read["attributes"]["opt_in_process"]) == ("VIP", "single_opt_in")


def test_names_may_repeat(klaviyo: httpx.Client) -> None:
    """Two lists of one name are two lists, and both are found by it."""
    made = {klaviyo.post(LISTS, json=bodies.a_list("Twins")).json()["data"]["id"] for _ in range(2)}

    assert len(made) == 2
    assert set(ids_of(klaviyo.get(LISTS, params={"filter": 'equals(name,"Twins")'}))) == made


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({}, "/data/attributes/name"),
        ({"name": ""}, "/data/attributes/name"),
        ({"name": 5}, "/data/attributes/name"),
        ({"name": "x", "opt_in_process": "maybe"}, "/data/attributes/opt_in_process"),
        ({"name": "x", "colour": "red"}, "/data/attributes/colour"),
    ],
    ids=str,
)
def test_what_is_no_list(klaviyo: httpx.Client, attributes: dict[str, object], pointer: str) -> None:
    """What is wrong with it is pointed at."""
    answer = klaviyo.post(LISTS, json={"data": {"type": "list", "attributes": attributes}})

    assert answer.status_code == 400
    assert error_of(answer)["source"] == {"pointer": pointer}


def test_lists_come_ten_at_a_time_by_id(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Where there is no next page its link is null, and so is the previous one of the first."""
    made = sorted(sandbox.create_list(f"List {number}") for number in range(12))
    first = klaviyo.get(LISTS)
    links = first.json()["links"]
    second = klaviyo.get(links["next"])

    assert ids_of(first) == made[:10]
    assert links["prev"] is None
    assert base64.urlsafe_b64decode(links["next"].partition("Bcursor%5D=")[2] + "==").decode() == f"next::id::{made[9]}"
    assert ids_of(second) == made[10:]
    assert second.json()["links"]["next"] is None
    assert ids_of(klaviyo.get(second.json()["links"]["prev"])) == made[:10]


@pytest.mark.parametrize("size", ["0", "11", "-1", "many", "", "9" * 5000])
def test_pages_of_lists_hold_one_to_ten(klaviyo: httpx.Client, size: str) -> None:
    """Any other size is refused."""
    assert klaviyo.get(LISTS, params={"page[size]": size}).status_code == 400


@pytest.mark.parametrize("sort", ["name", "-name", "created", "-created", "updated", "-id"])
def test_lists_can_be_sorted(klaviyo: httpx.Client, sandbox: RunningSandbox, sort: str) -> None:
    """By name, time or id, both ways, also over several pages."""
    made = []
    for name in ("b", "c", "a"):
        made.append((sandbox.create_list(name), name))
        sandbox.advance(1)
    keys = {"name": sorted(made, key=lambda one: one[1]), "id": sorted(made)}
    expected = [list_id for list_id, _ in keys.get(sort.removeprefix("-"), made)]
    found = bodies.all_pages(klaviyo, LISTS, sort=sort, **{"page[size]": 1})

    assert [one["id"] for one in found] == (expected[::-1] if sort.startswith("-") else expected)


def test_a_name_with_colons_does_not_break_the_pages(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Sorted by name, cursors hold names, whatever is in them."""
    made = {sandbox.create_list(name) for name in ("a::b", "a::b::c", "ä/%3A")}
    found = bodies.all_pages(klaviyo, LISTS, sort="name", **{"page[size]": 1})

    assert {one["id"] for one in found} == made


def test_lists_are_found_by_time(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Only those made later than a time are found."""
    sandbox.create_list("Old")
    sandbox.advance(3600)
    new = sandbox.create_list("New")
    since = klaviyo.get(f"{LISTS}/{new}").json()["data"]["attributes"]["created"]

    assert ids_of(klaviyo.get(LISTS, params={"filter": f"greater-than(created,{since})"})) == [new]
    assert len(ids_of(klaviyo.get(LISTS, params={"filter": "greater-than(updated,2020-01-01T00:00:00Z)"}))) == 2


def test_looking_up_ids_answers_with_a_junk_link(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """As Klaviyo does: a previous page that is none, so that only `next` can be trusted."""
    list_id = sandbox.create_list("VIP")
    answer = klaviyo.get(LISTS, params={"filter": f'any(id,["{list_id}","other"])'})
    links = answer.json()["links"]

    assert ids_of(answer) == [list_id]
    assert links["next"] is None
    assert error_of(klaviyo.get(links["prev"]))["detail"] == "Invalid cursor provided."


def test_renaming(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """A name can change, and the id and what is not named stay."""
    list_id = sandbox.create_list("Before")
    sandbox.advance(60)
    body = {"data": {"type": "list", "id": list_id, "attributes": {"name": "After"}}}
    changed = klaviyo.patch(f"{LISTS}/{list_id}", json=body).json()["data"]

    assert (changed["id"], changed["attributes"]["name"]) == (list_id, "After")
    assert changed["attributes"]["opt_in_process"] == "single_opt_in"
    assert changed["attributes"]["updated"] > changed["attributes"]["created"]


def test_a_body_about_another_list_is_refused(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """The id of the body must be that of the path."""
    body = {"data": {"type": "list", "id": "Other1", "attributes": {"name": "After"}}}
    answer = klaviyo.patch(f"{LISTS}/{sandbox.create_list('Before')}", json=body)

    assert (answer.status_code, error_of(answer)["source"]) == (400, {"pointer": "/data/id"})


def test_a_deleted_list_is_gone_and_its_profiles_stay(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Afterwards it is 404, and whoever was on it is still a profile."""
    list_id = sandbox.create_list("Old")
    sandbox.put_on_list(list_id, ["ann@example.com"])

    assert klaviyo.delete(f"{LISTS}/{list_id}").status_code == 204
    assert klaviyo.get(f"{LISTS}/{list_id}").status_code == 404
    assert len(sandbox.profiles()) == 1


def test_the_count_may_lag(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """With a lag, a list tells how many members it had that long ago; else how many it has."""
    list_id = sandbox.create_list("VIP")
    sandbox.put_on_list(list_id, ["ann@example.com", "bob@example.com"])

    def count() -> int:
        sandbox.advance(1)
        answer = klaviyo.get(f"{LISTS}/{list_id}", params={"additional-fields[list]": "profile_count"})
        told: int = answer.json()["data"]["attributes"]["profile_count"]
        return told

    assert count() == 2
    sandbox.change(count_lag_s=10)
    assert count() == 0
    sandbox.advance(9)
    assert count() == 2


def test_the_count_is_told_only_where_it_is_asked_for(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """Without the additional field there is none, and listings never have it."""
    list_id = sandbox.create_list("VIP")

    assert "profile_count" not in klaviyo.get(f"{LISTS}/{list_id}").json()["data"]["attributes"]
    assert klaviyo.get(LISTS, params={"additional-fields[list]": "profile_count"}).status_code == 400


def test_the_flows_that_a_list_starts(klaviyo: httpx.Client, sandbox: RunningSandbox) -> None:
    """They are included where they are asked for, with their status."""
    list_id = sandbox.create_list("VIP", flows=(Flow("Flow01", "Welcome"), Flow("Flow02", "Old", status="draft")))
    document = klaviyo.get(f"{LISTS}/{list_id}", params={"include": "flow-triggers"}).json()
    triggers = document["data"]["relationships"]["flow-triggers"]["data"]

    assert triggers == [{"type": "flow", "id": "Flow01"}, {"type": "flow", "id": "Flow02"}]
    assert [(flow["id"], flow["attributes"]["status"]) for flow in document["included"]] == [
        ("Flow01", "live"),
        ("Flow02", "draft"),
    ]
    plain = klaviyo.get(f"{LISTS}/{list_id}").json()
    assert "included" not in plain
    assert "data" not in plain["data"]["relationships"]["flow-triggers"]

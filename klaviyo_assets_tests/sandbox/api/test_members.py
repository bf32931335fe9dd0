"""Who is on a list."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import LISTS, error_of, ids_of


@pytest.fixture
def members(list_id: str) -> str:
    """Where its members are added and removed."""
    return f"{LISTS}/{list_id}/relationships/profiles"


def test_adding_and_removing(klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str, members: str) -> None:
    """People join and leave by their profile ids; the profiles stay."""
    ann, bob = bodies.create(klaviyo, email="ann@example.com"), bodies.create(klaviyo, email="bob@example.com")

    assert klaviyo.post(members, json=bodies.ids([ann, bob])).status_code == 204
    gone = klaviyo.request("DELETE", members, json=bodies.ids([ann]))
    assert (gone.status_code, gone.content) == (204, b"")
    assert [member["email"] for member in sandbox.members(list_id)] == ["bob@example.com"]
    assert len(sandbox.profiles()) == 2


def test_adding_and_removing_again_does_nothing(
    klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str, members: str
) -> None:
    """Who is on the list stays as they are, and who is not on it is no mistake."""
    ann = bodies.create(klaviyo, email="ann@example.com")
    klaviyo.post(members, json=bodies.ids([ann]))
    before = sandbox.members(list_id)
    sandbox.advance(100)

    assert klaviyo.post(members, json=bodies.ids([ann])).status_code == 204
    assert sandbox.members(list_id) == before
    for _ in range(2):
        assert klaviyo.request("DELETE", members, json=bodies.ids([ann])).status_code == 204
    assert sandbox.members(list_id) == []


def test_joining_again_may_move_the_date(
    klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str, members: str
) -> None:
    """That it does not is a third party's word, and so it can be chosen."""
    sandbox.change(rejoin_keeps_first=False)
    ann = bodies.create(klaviyo, email="ann@example.com")
    klaviyo.post(members, json=bodies.ids([ann]))
    [before] = sandbox.members(list_id)
    sandbox.advance(100)
    klaviyo.post(members, json=bodies.ids([ann]))
    [after] = sandbox.members(list_id)

    moved = datetime.fromisoformat(after["joined_at"]) - datetime.fromisoformat(before["joined_at"])
    assert moved.total_seconds() == 100


def test_who_left_and_came_back_joined_anew(
    klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str, members: str
) -> None:
    """The date is that of the stay, not of the first one ever."""
    ann = bodies.create(klaviyo, email="ann@example.com")
    klaviyo.post(members, json=bodies.ids([ann]))
    [before] = sandbox.members(list_id)
    klaviyo.request("DELETE", members, json=bodies.ids([ann]))
    sandbox.advance(100)
    klaviyo.post(members, json=bodies.ids([ann]))

    assert sandbox.members(list_id)[0]["joined_at"] > before["joined_at"]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_thousand_and_no_more(klaviyo: httpx.Client, members: str, method: str) -> None:
    """A thousand ids are taken, and one more refuses them all."""
    ann = bodies.create(klaviyo, email="ann@example.com")

    assert klaviyo.request(method, members, json=bodies.ids([ann] * 1000)).status_code == 204
    assert klaviyo.request(method, members, json=bodies.ids([ann] * 1001)).status_code == 400


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (bodies.ids(["NOPE01"]), 404),
        ({"data": []}, 400),
        ({"data": [{"type": "list", "id": "x"}]}, 400),
        ({"data": {"type": "profile", "id": "x"}}, 400),
        ({"data": [{"type": "profile"}]}, 400),
    ],
    ids=["unknown", "none", "another type", "no list", "no id"],
)
def test_what_is_no_member(
    klaviyo: httpx.Client, members: str, method: str, body: dict[str, object], status: int
) -> None:
    """Whoever is unknown, and whatever is no profile id, refuses the whole call."""
    assert klaviyo.request(method, members, json=body).status_code == status


def test_members_come_twenty_at_a_time_and_a_hundred_at_most(
    klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str, members: str
) -> None:
    """All of them can be read, each once, in the order of their ids."""
    sandbox.put_on_list(list_id, [f"{number}@example.com" for number in range(250)])
    found = bodies.all_pages(klaviyo, members, **{"page[size]": 100})

    assert len(ids_of(klaviyo.get(members))) == 20
    assert [one["id"] for one in found] == [member["profile_id"] for member in sandbox.members(list_id)]
    assert klaviyo.get(members, params={"page[size]": 101}).status_code == 400


def test_members_tell_since_when(klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str) -> None:
    """With `joined_group_at`, in whole seconds, and as few fields as are asked for."""
    sandbox.put_on_list(list_id, ["ann@example.com"])
    fields = {"fields[profile]": "email,external_id,joined_group_at"}
    [member] = klaviyo.get(f"{LISTS}/{list_id}/profiles", params=fields).json()["data"]
    [truth] = sandbox.members(list_id)

    assert member["attributes"] == {
        "email": "ann@example.com",
        "external_id": None,
        "joined_group_at": truth["joined_at"][:19] + "+00:00",
    }


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ('equals(email,"a@example.com")', "a"),
        ('equals(email," A@Example.COM ")', "a"),
        ('any(email,["a@example.com","c@example.com","nobody@example.com"])', "ac"),
        ('any(phone_number,["+37120000001"])', "b"),
        ("greater-or-equal(joined_group_at,{b})", "bc"),
        ("greater-than(joined_group_at,{b})", "c"),
        ("less-or-equal(joined_group_at,{b})", "ab"),
        ("less-than(joined_group_at,{b})", "a"),
        ("greater-than(joined_group_at,{a}),less-than(joined_group_at,{c})", "b"),
        ('any(email,["a@example.com","b@example.com"]),greater-than(joined_group_at,{a})', "b"),
    ],
)
def test_members_are_found(
    klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str, members: str, question: str, expected: str
) -> None:
    """By address, phone number and time of joining; who is not on the list is not found."""
    for letter in "abc":
        number = {"phone_number": "+37120000001"} if letter == "b" else {}
        one = bodies.create(klaviyo, email=f"{letter}@example.com", **number)
        klaviyo.post(members, json=bodies.ids([one]))
        sandbox.advance(10)
    bodies.create(klaviyo, email="nobody@example.com")
    truth = {member["email"][0]: member for member in sandbox.members(list_id)}
    times = {letter: truth[letter]["joined_at"] for letter in "abc"}
    found = ids_of(klaviyo.get(members, params={"filter": question.format(**times)}))

    assert found == [truth[letter]["profile_id"] for letter in expected]


@pytest.mark.parametrize("sort", ["joined_group_at", "-joined_group_at"])
@pytest.mark.parametrize("narrowed", [False, True], ids=["all", "filtered"])
def test_members_are_sorted_by_when_they_joined(
    klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str, members: str, sort: str, narrowed: bool
) -> None:
    """Both ways, over pages, also where a filter narrows them."""
    people = [bodies.create(klaviyo, email=f"{letter}@example.com") for letter in "abcde"]
    joined = [people[index] for index in (3, 0, 4, 1, 2)]
    for one in joined:
        klaviyo.post(members, json=bodies.ids([one]))
        sandbox.advance(10)
    narrow = {"filter": "greater-than(joined_group_at,2020-01-01T00:00:00Z)"} if narrowed else {}
    found = bodies.all_pages(klaviyo, members, sort=sort, **{"page[size]": 2}, **narrow)

    assert [one["id"] for one in found] == (joined if sort == "joined_group_at" else joined[::-1])


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ('equals(external_id,"1")', "'external_id' is not a filterable field"),
        ("equals(joined_group_at,2026-01-01)", "'equals' is not an allowed filter operator for joined_group_at."),
        ("greater-than(joined_group_at,soon)", "'soon' is not a valid datetime."),
    ],
)
def test_what_members_cannot_be_found_by(klaviyo: httpx.Client, members: str, question: str, words: str) -> None:
    """There is no filter on external ids, and times are not compared by equality."""
    answer = klaviyo.get(members, params={"filter": question})

    assert answer.status_code == 400
    assert words in error_of(answer)["detail"]


def test_joining_changes_no_consent(klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str) -> None:
    """Whoever comes by an import has never subscribed."""
    bodies.complete(sandbox, klaviyo, bodies.people(1), list_id)
    answer = klaviyo.get(f"{LISTS}/{list_id}/profiles", params={"additional-fields[profile]": "subscriptions"})
    [member] = answer.json()["data"]

    assert member["attributes"]["subscriptions"]["email"]["marketing"]["consent"] == "NEVER_SUBSCRIBED"


def test_predictive_analytics_lower_the_limit(klaviyo: httpx.Client, list_id: str) -> None:
    """They have a quota of their own."""
    params = {"additional-fields[profile]": "predictive_analytics"}
    answer = klaviyo.get(f"{LISTS}/{list_id}/profiles", params=params)

    assert answer.headers["ratelimit-limit"] == "10, 10;w=1, 150;w=60"

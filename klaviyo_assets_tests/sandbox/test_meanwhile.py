"""What somebody else does while a request is on its way."""

from __future__ import annotations

import httpx
import pytest

from klaviyo_assets.sandbox import (
    AnswerWith,
    ChangeScopes,
    DeleteList,
    DropConnection,
    PutOnList,
    RevokeKey,
    RunningSandbox,
    TakeOffList,
    WrongInput,
)
from klaviyo_assets.sandbox.effects import Meanwhile
from klaviyo_assets_tests.sandbox import bodies
from klaviyo_assets_tests.sandbox.bodies import LISTS, ids_of


@pytest.fixture
def list_id(sandbox: RunningSandbox) -> str:
    """A list that Ann is on."""
    list_id = sandbox.create_list("VIP")
    sandbox.put_on_list(list_id, ["ann@example.com"])
    return list_id


@pytest.mark.parametrize(("after_work", "seen"), [(False, 0), (True, 1)], ids=["before the work", "after the work"])
def test_a_reader_sees_what_was_done_before_its_work(
    klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str, after_work: bool, seen: int
) -> None:
    """Who is taken off before is not read; who is taken off after is read, and is gone by then."""
    sandbox.order_fault(TakeOffList(list_id, ("ann@example.com",), after_work))
    members = f"{LISTS}/{list_id}/relationships/profiles"

    assert len(ids_of(klaviyo.get(members))) == seen
    assert ids_of(klaviyo.get(members)) == []


@pytest.mark.parametrize(("after_work", "left"), [(False, 0), (True, 1)], ids=["before the work", "after the work"])
def test_a_removal_that_crosses_an_addition(
    klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str, after_work: bool, left: int
) -> None:
    """Whoever acts last is right."""
    [ann] = [member["profile_id"] for member in sandbox.members(list_id)]
    sandbox.order_fault(PutOnList(list_id, ("ann@example.com",), after_work), method="DELETE")
    klaviyo.request("DELETE", f"{LISTS}/{list_id}/relationships/profiles", json=bodies.ids([ann]))

    assert len(sandbox.members(list_id)) == left


@pytest.mark.parametrize("fate", [AnswerWith(503), DropConnection(), DropConnection(after_work=True)], ids=str)
def test_it_happens_whatever_becomes_of_the_request(
    klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str, fate: AnswerWith | DropConnection
) -> None:
    """Also where the request is not carried out, or where its client hears nothing of it."""
    sandbox.order_fault(fate, TakeOffList(list_id, ("ann@example.com",)), DeleteList(list_id, after_work=True))
    try:
        assert klaviyo.get(LISTS).status_code == 503
    except httpx.TransportError:
        assert isinstance(fate, DropConnection)

    assert ids_of(klaviyo.get(LISTS)) == []
    assert len(sandbox.profiles()) == 1


@pytest.mark.parametrize(
    ("effect", "statuses"),
    [
        (RevokeKey(), [200, 200, 401, 401]),
        (RevokeKey(after_work=True), [200, 200, 200, 401]),
        (ChangeScopes(("profiles:read",)), [200, 200, 403, 403]),
        (ChangeScopes(("profiles:read",), after_work=True), [200, 200, 200, 403]),
    ],
    ids=str,
)
def test_a_key_at_the_third_request(
    klaviyo: httpx.Client, sandbox: RunningSandbox, effect: Meanwhile, statuses: list[int]
) -> None:
    """It is that of the request; another key of the account goes on as before."""
    sandbox.add_account("pk_other", account_id=sandbox.account_id)
    sandbox.order_fault(effect, nth=3)

    assert [klaviyo.get(LISTS).status_code for _ in statuses] == statuses
    assert klaviyo.get(LISTS, headers={"authorization": "Klaviyo-API-Key pk_other"}).status_code == 200
    assert {request.account_id for request in sandbox.requests()[:3]} == {sandbox.account_id}


def test_what_is_gone_by_then_does_not_matter(klaviyo: httpx.Client, sandbox: RunningSandbox, list_id: str) -> None:
    """A list that was deleted since the order, and a key that nobody has."""
    one = ("ann@example.com",)
    sandbox.order_fault(TakeOffList(list_id, one), PutOnList(list_id, one), DeleteList(list_id), RevokeKey())
    sandbox.delete_list(list_id)

    assert klaviyo.get(LISTS, headers={"authorization": "Klaviyo-API-Key pk_nobody"}).status_code == 401
    assert klaviyo.get(LISTS).status_code == 200


def test_what_cannot_happen_is_refused_when_it_is_ordered(sandbox: RunningSandbox, list_id: str) -> None:
    """A list that is not there, and somebody who can be no profile; who it is, the refusal does not say."""
    with pytest.raises(WrongInput, match=r"take_off_list\.list_id: found 'NOPE01', expected a list that is there\."):
        sandbox.order_fault(TakeOffList("NOPE01", ("ann@example.com",)))
    with pytest.raises(WrongInput, match="email: found no valid e-mail address, expected one") as refused:
        sandbox.order_fault(PutOnList(list_id, ("nobody at all",)))

    assert "nobody" not in str(refused.value)


def test_orders_show_no_addresses() -> None:
    """What is printed of a failed test may be read by anybody."""
    assert "@" not in repr([kind("YafG4m", ("ann@example.com",)) for kind in (TakeOffList, PutOnList)])

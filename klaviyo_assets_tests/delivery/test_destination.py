"""Whose account, and which list."""

from __future__ import annotations

import json

import pytest

from klaviyo_assets.errors import (
    AmbiguousList,
    KeyMissing,
    KeyRejected,
    OtherAccount,
    ScopeMissing,
    Unavailable,
    UnexpectedAnswer,
)
from klaviyo_assets.klaviyo import connect
from klaviyo_assets.klaviyo.wire import M, Request
from klaviyo_assets.sandbox import AnswerWith, DropConnection
from klaviyo_assets_tests.delivery.scene import CONNECTION, Scene, crowd

OTHER_KEY = "pk_other_0000000000000000000000000000"


def test_key_of_another_account_is_refused(scene: Scene) -> None:
    """Once a connection proved to be one account, a key of another one sends nothing until the declaration says so."""
    scene.run(crowd(1))
    scene.sandbox.add_account(OTHER_KEY, account_id="Other1")
    with pytest.raises(OtherAccount, match="belongs to account Other1"):
        scene.run(crowd(1), key=OTHER_KEY)

    moved = CONNECTION.model_copy(update={"account_id": "Other1"})
    report = scene.run(crowd(1), key=OTHER_KEY, connection=moved)
    assert (report.account_id, report.added) == ("Other1", 1)


def test_declared_account_is_held_from_the_first_run(scene: Scene) -> None:
    """A key of another account than the declared is refused though nothing is remembered."""
    with pytest.raises(OtherAccount, match="stands for account Ab12Cd"):
        scene.run(crowd(1), connection=CONNECTION.model_copy(update={"account_id": "Ab12Cd"}))


def test_another_key_of_the_same_account_goes_on(scene: Scene) -> None:
    """A new key does not begin anew."""
    scene.run(crowd(2))
    scene.sandbox.add_account(OTHER_KEY, account_id=scene.sandbox.account_id)

    assert scene.run(crowd(2), key=OTHER_KEY).unchanged == 2


def test_wrong_key_is_told_as_such(scene: Scene) -> None:
    """A key that Klaviyo does not know ends the run with one sentence, without the key."""
    with pytest.raises(KeyRejected) as rejected:
        scene.run(crowd(1), key="pk_wrong_000000000000000000000000000")

    assert "pk_" not in str(rejected.value)


def test_missing_scope_is_told_as_such(scene: Scene) -> None:
    """A key that may not read lists ends the run with the scopes that it needs."""
    scene.sandbox.add_account(OTHER_KEY, account_id=scene.sandbox.account_id, scopes=["accounts:read"])
    with pytest.raises(ScopeMissing, match="lists:read"):
        scene.run(crowd(1), key=OTHER_KEY)


def test_list_is_found_by_name(scene: Scene) -> None:
    """A list of the declared name is used, not made again."""
    list_id = scene.sandbox.create_list('The "best", äöü')

    assert scene.run(crowd(1), list_name='The "best", äöü').list_id == list_id


def test_two_lists_of_the_name_are_an_error_with_both_ids(scene: Scene) -> None:
    """Which of two lists is meant is not guessed."""
    ids = {scene.sandbox.create_list("VIP"), scene.sandbox.create_list("VIP")}
    with pytest.raises(AmbiguousList) as ambiguous:
        scene.run(crowd(1))

    assert set(ambiguous.value.list_ids) == ids
    assert all(list_id in str(ambiguous.value) for list_id in ids)


def test_renamed_list_is_followed(scene: Scene) -> None:
    """A list found by name once is the same list after it is renamed, and none is created."""
    first = scene.run(crowd(1))
    attributes = {"name": "New"}
    body = json.dumps({"data": {"type": "list", "id": first.list_id, "attributes": attributes}}).encode()
    with scene.client() as client:
        client.session.send(Request("PATCH", f"/api/lists/{first.list_id}", "rename", M, body))

    report = scene.run(crowd(1))
    assert (report.list_id, report.list_name, report.unchanged) == (first.list_id, "New", 1)


@pytest.mark.parametrize("after_work", [True, False], ids=["created", "not-created"])
def test_list_is_created_once_though_the_answer_is_lost(scene: Scene, after_work: bool) -> None:
    """A creation without an answer is looked for before anything else, so that there is never a second list."""
    scene.sandbox.order_fault(DropConnection(after_work=after_work), method="POST", path="/api/lists*")
    if after_work:
        assert scene.run(crowd(1)).added == 1
    else:
        with pytest.raises(Unavailable, match="did not answer"):
            scene.run(crowd(1))
        assert scene.run(crowd(1)).added == 1

    with scene.client() as client:
        assert len(client.find_lists("VIP")) == 1


def test_page_of_a_proxy_is_told_as_such(scene: Scene) -> None:
    """A challenge page in place of JSON is not taken for Klaviyo's word."""
    scene.sandbox.order_fault(AnswerWith(403, html=True), path="/api/accounts*")
    with pytest.raises(UnexpectedAnswer, match="something between here and Klaviyo"):
        scene.run(crowd(1))


@pytest.mark.parametrize("url", ["http://klaviyo.example", "ftp://127.0.0.1", "a.klaviyo.com", "http://10.0.0.1"])
def test_key_goes_only_to_https_or_this_machine(url: str) -> None:
    """An address that anybody on the way could read is refused before anything is sent."""
    with pytest.raises(KeyMissing, match="neither https nor this machine"), connect(api_key="pk_x", api_url=url):
        pass


@pytest.mark.parametrize("url", ["https://a.klaviyo.com", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"])
def test_https_and_this_machine_are_fine(url: str) -> None:
    """A client is made for the addresses that a key may go to."""
    with connect(api_key="pk_x", api_url=url) as client:
        assert client.session.request_count == 0

"""Whether a connection can be used: what is looked at, what is told of it, and that nothing is changed by it."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_assets.delivery.verifying import Verification, verify
from klaviyo_assets.errors import KeyRejected
from klaviyo_assets.exports import KlaviyoConnection
from klaviyo_assets.klaviyo import NEEDED_SCOPES
from klaviyo_assets.ledger import Remembered
from klaviyo_assets.sandbox import AnswerWith
from klaviyo_assets_tests.delivery.scene import CONNECTION, Scene, crowd, export

OTHER_KEY = "pk_other_0000000000000000000000000000"
READING = [scope for scope in NEEDED_SCOPES if scope.endswith(":read")]
WRITING = [scope for scope in NEEDED_SCOPES if scope.endswith(":write")]


def ask(
    scene: Scene, *exports: dict[str, Any], key: str | None = None, connection: KlaviyoConnection = CONNECTION
) -> Verification:
    """A verification with exports of these facts."""
    declared = [export(**facts) for facts in exports]
    with scene.client(key) as client:
        return verify(connection, declared, client=client, remembered=Remembered(scene.storage))


def judged(verification: Verification) -> dict[str, bool | None]:
    """What was looked at, and whether it is good."""
    return {finding.name: finding.is_good for finding in verification.findings}


def words(verification: Verification, name: str) -> str:
    """What is told of one thing."""
    (found,) = [finding.words for finding in verification.findings if finding.name == name]
    return found


def test_a_good_key_is_told_thing_by_thing(scene: Scene) -> None:
    """Key, account, the match and each scope have a line; of scopes that only write it is said that nobody knows."""
    verification = ask(scene, {"list_name": "VIP"})

    assert verification.problem is None
    assert judged(verification) == {
        "key": True,
        "account": True,
        "expected account": True,
        **{f"scope {scope}": None if scope in WRITING else True for scope in NEEDED_SCOPES},
        "list of vip": True,
    }
    assert f"account {scene.sandbox.account_id} " in words(verification, "account")
    assert words(verification, "account").endswith(", a test account.")
    assert all("is not known" in words(verification, f"scope {scope}") for scope in WRITING)


def test_nothing_is_changed_or_remembered(scene: Scene) -> None:
    """Only reads leave, of nobody's address, and the storage stays as it was."""
    ask(scene, {"list_name": "VIP"})

    assert all(line.startswith("GET ") for line in scene.sent())
    assert all("email" not in request.path for request in scene.sandbox.requests())
    assert not scene.storage.exists()


@pytest.mark.parametrize("missing", READING)
def test_each_missing_scope_is_found(scene: Scene, missing: str) -> None:
    """A scope that can be read by is looked for alone, and the sentence names it, and all that are needed."""
    scopes = [scope for scope in NEEDED_SCOPES if scope != missing]
    scene.sandbox.add_account(OTHER_KEY, account_id=scene.sandbox.account_id, scopes=scopes)
    verification = ask(scene, {"list_name": "VIP"}, key=OTHER_KEY)

    found = judged(verification)
    assert [scope for scope in READING if found[f"scope {scope}"] is False] == [missing]
    assert verification.problem == words(verification, f"scope {missing}")
    assert f"lacks {missing}; make one with accounts:read, lists:read, lists:write" in verification.problem
    assert found["list of vip"] is (True if missing == "profiles:read" else None)
    assert found["account"] is (None if missing == "accounts:read" else True)


def test_several_wrong_things_are_named_in_one_sentence(scene: Scene) -> None:
    """The sentence counts and names them, and tells the first."""
    scene.sandbox.add_account(OTHER_KEY, account_id=scene.sandbox.account_id, scopes=["accounts:read"])
    problem = ask(scene, key=OTHER_KEY).problem

    start = "2 things are wrong with contoso (Klaviyo) (scope lists:read, scope profiles:read), the first: The key in "
    assert problem is not None
    assert problem.startswith(start)


@pytest.mark.parametrize(
    ("account_id", "is_delivered", "is_good", "said"),
    [
        (None, False, True, "the first delivery remembers this account"),
        (None, True, True, "earlier deliveries went to"),
        ("Sandbx", False, True, "account_id names"),
        ("Ab12Cd", False, False, "stands for account Ab12Cd"),
        ("Ab12Cd", True, False, "stands for account Ab12Cd"),
    ],
    ids=["nothing known", "remembered", "declared", "another declared", "another declared, though remembered"],
)
def test_the_account_is_held_against_what_is_expected(
    scene: Scene, account_id: str | None, is_delivered: bool, is_good: bool, said: str
) -> None:
    """The declared account counts, else the remembered one, else the next delivery decides."""
    if is_delivered:
        scene.run(crowd(1))
    verification = ask(scene, connection=CONNECTION.model_copy(update={"account_id": account_id}))

    assert judged(verification)["expected account"] is is_good
    assert said in words(verification, "expected account")
    assert verification.problem == (None if is_good else words(verification, "expected account"))


def test_a_key_of_another_account_than_remembered_is_told_and_its_lists_are_not_looked_for(scene: Scene) -> None:
    """One thing is wrong, and told once."""
    scene.run(crowd(1))
    scene.sandbox.add_account(OTHER_KEY, account_id="Other1")
    verification = ask(scene, {"list_name": "VIP"}, key=OTHER_KEY)

    assert "belongs to account Other1" in str(verification.problem)
    assert judged(verification)["list of vip"] is None


def test_lists_are_looked_for_each(scene: Scene) -> None:
    """Found by id or name, still to be created, unknown, or several; of this connection's enabled exports alone."""
    there = scene.sandbox.create_list("There")
    for _ in range(2):
        scene.sandbox.create_list("Twice")
    verification = ask(
        scene,
        {"name": "by_id", "list_id": there},
        {"name": "by_name", "list_name": "There"},
        {"name": "new", "list_name": "New"},
        {"name": "unknown", "list_id": "NOPE01"},
        {"name": "twice", "list_name": "Twice"},
        {"name": "elsewhere", "list_id": "NOPE02", "connection": "fabrikam"},
        {"name": "disabled", "list_id": "NOPE03", "enabled": False},
    )

    lists = {name.removeprefix("list of "): good for name, good in judged(verification).items() if "list of" in name}
    assert lists == {"by_id": True, "by_name": True, "new": True, "unknown": False, "twice": False}
    assert f"list {there} (There) is there" in words(verification, "list of by_name")
    assert "it will be created" in words(verification, "list of new")
    assert "Export 'unknown': The account has no list NOPE01" in str(verification.problem)


@pytest.mark.parametrize("dry_run", [None, True, False], ids=["verified", "dry run", "delivered"])
def test_a_revoked_key_is_one_sentence_everywhere(scene: Scene, dry_run: bool | None) -> None:
    """Whoever meets it first, the sentence and the remedy are the same, and the key is not in it."""
    scene.run(crowd(1))
    errors = ({"code": "authentication_failed", "title": "Incorrect", "detail": "Incorrect", "source": {}},)
    scene.sandbox.order_fault(AnswerWith(401, errors=errors), path="/api/accounts*")
    with pytest.raises(KeyRejected) as rejected:
        ask(scene) if dry_run is None else scene.run(crowd(2), order={"dry_run": dry_run})

    assert str(rejected.value) == (
        "Klaviyo does not accept the private key (401): it is wrong or was revoked; make a new one under Settings, "
        "API keys, and put it into the connection's environment variable."
    )


def test_a_key_that_is_revoked_on_the_way_ends_the_delivery_with_the_same_sentence(scene: Scene) -> None:
    """What was done is recorded, and the sentence says what to do before the run that goes on."""
    scene.run(crowd(1))
    errors = ({"code": "authentication_failed", "title": "Incorrect", "detail": "Incorrect", "source": {}},)
    scene.sandbox.order_fault(AnswerWith(401, errors=errors), method="POST", path="/api/profile-bulk-import-jobs*")
    report = scene.run(crowd(3))

    assert report.added == 0
    assert "it is wrong or was revoked; make a new one under Settings" in str(report.unfinished)
    assert scene.run(crowd(3)).added == 2

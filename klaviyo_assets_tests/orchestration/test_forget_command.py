"""What `klaviyo-assets forget` asks and is told, and whom it has Klaviyo delete."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from upath import UPath

from klaviyo_assets.cli import main
from klaviyo_assets.ledger import DeltaLedger, Forgotten, Pause, Stamp
from klaviyo_assets.sandbox import DropConnection, RunningSandbox
from klaviyo_assets_tests.declarations.projects import CONNECTION
from klaviyo_assets_tests.declarations.projects import project as declared_project

ZOE, ZOE_BEFORE, ADA = "zoe@example.com", "z@example.org", "ada@example.com"
OTHER = CONNECTION.replace("contoso", "other") + "  api_key_env: OTHER_KEY\n"
DELETIONS = "/api/data-privacy-deletion-jobs"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with two connections, which is the working directory."""
    with declared_project({"a/defs.yaml": CONNECTION, "b/defs.yaml": OTHER}) as declared:
        monkeypatch.chdir(declared.defs_folder_path)
        monkeypatch.setenv("KLAVIYO_ASSETS_STORAGE", str(declared.defs_folder_path / "storage"))
        yield declared.defs_folder_path / "storage"


def forget(*options: str, answer: str | None = None, address: str = ZOE) -> Result:
    """The command, in the working directory."""
    return CliRunner().invoke(main, ["forget", address, *options], input=answer)


def account_for(storage: Path, account_id: str, external_ids: dict[str, str]) -> None:
    """A ledger that accounts for these people, who were on the list before."""
    ledger = DeltaLedger(UPath(storage) / "ledgers" / "vip" / account_id / "YafG4m")
    people = {"email": [*external_ids], "external_id": [*external_ids.values()]}
    facts = pl.DataFrame({**people, "payload": "{}", "uncleared": None, "joined_at": None})
    ledger.append(Stamp("run-1", datetime.now(UTC)).adopted(facts))


def test_it_is_asked_first(place: Path) -> None:
    """Without --yes the command asks, with other addresses that it found, and erases nothing where the answer is no."""
    account_for(place, "Ab12Cd", {ZOE: "Z", ZOE_BEFORE: "Z", ADA: "A"})
    result = forget(answer="n\n")

    assert result.exit_code == 1
    assert (
        "Erase this person, with 1 other address (of the same external id, or forgotten before), from" in result.output
    )
    assert not (place / "forgotten").exists()
    assert forget(answer="y\n").exit_code == 0
    assert Forgotten(UPath(place)).since(ZOE_BEFORE) is not None


@pytest.mark.parametrize("address", ["", "ada", " \u200b"])
def test_no_address(place: Path, address: str) -> None:
    """What is no address is a mistake of whoever typed it, and forgets nobody."""
    assert forget("--yes", address=address).exit_code == 2
    assert not (place / "forgotten").exists()


def test_undo(place: Path) -> None:
    """Who comes back of their own will may be sent again; of whom nobody was forgotten that is said."""
    assert forget("--yes").exit_code == 0
    assert "may be sent again" in forget("--undo", address=" Zoe@Example.com ").output
    assert Forgotten(UPath(place)).since(ZOE) is None
    assert forget("--undo").exit_code == 2


def test_tracing_the_forgotten(place: Path) -> None:
    """Of who was forgotten it is told since when, and no more; and where something is stored all the same, that."""
    account_for(place, "Ab12Cd", {ZOE: "Z"})
    assert forget("--yes").exit_code == 0
    since = datetime.now(UTC)
    told = CliRunner().invoke(main, ["trace", ZOE])
    assert told.exit_code == 0
    assert told.output == f"Forgotten since {since:%Y-%m-%d %H:%M} UTC; no export sends this person.\n"

    account_for(place, "Ab12Cd", {ZOE: "Z"})
    told = CliRunner().invoke(main, ["trace", ZOE])
    assert told.output.splitlines()[1:] == [
        "Something of them is stored all the same: run `klaviyo-assets forget` once more."
    ]


def test_in_klaviyo(place: Path, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Klaviyo is asked by each connection that is named, and the accounts are told in which it was not."""
    monkeypatch.setenv("OTHER_KEY", "pk_other")
    other_id = sandbox.add_account("pk_other")
    list_id = sandbox.create_list("VIP")
    sandbox.put_on_list(list_id, [ZOE, ADA])
    for account_id in (sandbox.account_id, other_id, "Third1"):
        account_for(place, account_id, {ZOE: "Z"})
    result = forget("--yes", "--in-klaviyo", "contoso", "--in-klaviyo", "other")

    assert result.exit_code == 0, result.output
    assert [member["email"] for member in sandbox.members(list_id)] == [ADA]
    asked = "Klaviyo was asked to delete the profile from account"
    assert f"{asked} {sandbox.account_id}: it deletes the profile some time from now." in result.output
    assert f"{asked} {other_id}: it has no profile of this address." in result.output
    assert result.output.count("Klaviyo was not asked") == result.output.count("of account Third1 still") == 1


@pytest.mark.parametrize("hindrance", ["unknown", "paused", "key"])
def test_klaviyo_cannot_be_asked(
    place: Path, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, hindrance: str
) -> None:
    """What speaks against a request is told with its remedy; once that is gone the command can be given again."""
    list_id = sandbox.create_list("VIP")
    sandbox.put_on_list(list_id, [ZOE])
    name, told = {
        "unknown": ("contosso", "Found no connection 'contosso', expected one that is declared: contoso, other."),
        "paused": ("contoso", "take it away with `klaviyo-assets resume`"),
        "key": ("contoso", "does not accept the private key"),
    }[hindrance]
    if hindrance == "paused":
        Pause(UPath(place)).begin()
    elif hindrance == "key":
        monkeypatch.setenv("KLAVIYO_API_KEY", "pk_unheard_of")
    result = forget("--yes", "--in-klaviyo", name)
    assert result.exit_code != 0
    assert told in result.output
    assert ZOE not in result.output
    assert len(sandbox.members(list_id)) == 1

    Pause(UPath(place)).end()
    monkeypatch.setenv("KLAVIYO_API_KEY", sandbox.key)
    assert forget("--yes", "--in-klaviyo", "contoso").exit_code == 0
    assert sandbox.members(list_id) == []


def test_an_answer_that_is_lost(place: Path, sandbox: RunningSandbox) -> None:
    """Asking again, after the answer never came, does no harm."""
    sandbox.put_on_list(sandbox.create_list("VIP"), [ZOE])
    sandbox.order_fault(DropConnection(after_work=True), method="POST", path=DELETIONS)

    assert forget("--yes", "--in-klaviyo", "contoso").exit_code == 0
    assert sandbox.profiles() == []
    assert sandbox.unmet_faults() == []

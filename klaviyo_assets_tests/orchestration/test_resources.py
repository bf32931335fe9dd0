"""The accounts as Dagster sees them: names of variables, and never what they hold."""

from __future__ import annotations

import dagster as dg
import pytest

from klaviyo_assets.errors import KeyMissing
from klaviyo_assets.exports import CONSENT_MEANING
from klaviyo_assets.orchestration.resources import klaviyo_account
from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.orchestration.projects import Project, connection, fields_of

KEY = "pk_marker_of_a_key"


def test_no_key_anywhere(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a resource's repr nor what Dagster shows of the project holds the key; the variables' names are shown."""
    monkeypatch.setenv("KLAVIYO_API_KEY", KEY)
    account = klaviyo_account(connection())
    shown = f"{account!r} {account.model_dump()} {project.defs.get_repository_def().get_top_level_resources()!r}"
    assert KEY not in shown
    assert "KLAVIYO_API_KEY" in shown


def test_connect(sandbox: RunningSandbox) -> None:
    """A run connects with the key and to the address that the environment holds at that moment."""
    with klaviyo_account(connection()).connect() as client:
        assert client.fetch_account().id == sandbox.account_id


def test_default_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an address in the environment the key goes to Klaviyo."""
    asked: list[dict[str, str]] = []
    monkeypatch.setenv("KLAVIYO_API_KEY", KEY)
    monkeypatch.setattr("klaviyo_assets.orchestration.resources.connect", lambda **where: asked.append(where))
    klaviyo_account(connection()).connect()
    assert asked == [{"api_key": KEY, "api_url": "https://a.klaviyo.com"}]


@pytest.mark.parametrize("value", [None, ""], ids=["not set", "empty"])
def test_no_key(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """Without a key nothing connects, and the sentence names the variable and the account."""
    if value is not None:
        monkeypatch.setenv("NEWS_KEY", value)
    account = klaviyo_account(connection(api_key_env="NEWS_KEY", display_name="Newsletter"))
    with pytest.raises(KeyMissing, match=r"The environment variable NEWS_KEY is not set, .* of 'Newsletter'"):
        account.connect()


def test_resource_is_described(project: Project) -> None:
    """Each field of the resource explains itself in Dagster's page."""
    resource = project.defs.get_repository_def().get_top_level_resources()["klaviyo_main"]
    assert isinstance(resource, dg.ResourceDefinition)
    assert resource.description
    assert all(field.description for field in fields_of(resource).values())


def test_each_connection_is_told_with_its_name_type_and_consent(project: Project) -> None:
    """Where a connection is listed it is told what it is, who agreed, when, and what that means."""
    project.connections = [connection(display_name="Newsletter"), connection(name="b")]
    resources = project.defs.get_repository_def().get_top_level_resources()
    described = {name: each.description or "" for name, each in resources.items()}
    assert described["klaviyo_main"].startswith("Newsletter (Klaviyo). ")
    assert described["klaviyo_b"].startswith("b (Klaviyo). ")
    assert f"Consent, by ada@contoso.com on 2026-11-23: {CONSENT_MEANING}" in described["klaviyo_main"]


def test_the_consent_says_what_it_means() -> None:
    """Data leave, personal data among them, at the customer's instruction, and who is responsible for what."""
    for words in ("personal data", "leave your systems for Klaviyo", "at your instruction", "You are responsible"):
        assert words in CONSENT_MEANING


def test_the_privacy_statement_is_linked_beside_the_consent(project: Project) -> None:
    """Where the consent is told, at the connection and at each list, the operator's own statement is linked."""
    project.connections = [connection(privacy_statement="https://contoso.com/privacy")]
    resource = project.defs.get_repository_def().get_top_level_resources()["klaviyo_main"]
    (spec,) = [spec for spec in project.defs.resolve_all_asset_specs() if spec.key.path[-1] == "list"]
    for description in (resource.description, spec.description):
        assert f"{CONSENT_MEANING} Privacy statement: <https://contoso.com/privacy>" in (description or "")

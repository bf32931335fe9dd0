"""Who may use which connection, and who may agree for it; as sentences in files it is in `wrong/` and `good/`."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_assets.exports import Consent, Export, KlaviyoConnection, Match
from klaviyo_assets.orchestration.crosscheck import find_clashes
from klaviyo_assets.orchestration.permissions import find_forbidden, owners_of

ADA, BOB = "ada@contoso.com", "bob@contoso.com"
SHARED: dict[str, Any] = {
    "usable_by": "contributors",
    "administrators": [ADA, "team:crm"],
    "contributors": [BOB, "team:marketing"],
}
UNSAID: dict[str, Any] = {name: who for name, who in SHARED.items() if name != "usable_by"}
CLOSED: dict[str, Any] = {**SHARED, "usable_by": "administrators"}


def connection(agreed_by: str = ADA, **attributes: Any) -> KlaviyoConnection:
    """A connection for which somebody agreed."""
    consent = Consent(agreed_by=agreed_by, agreed_on="2026-11-23")
    return KlaviyoConnection(name="contoso", display_name="Newsletter", consent=consent, **attributes)


def export(*owners: str, connection: str | None = "contoso") -> Export:
    """An export of these owners."""
    match = Match(email="EMail")
    return Export(
        name="vip", connection=connection, list_id="A1", segments=["customers"], match=match, owners=list(owners)
    )


@pytest.mark.parametrize(
    ("declared", "forbidden"),
    [
        ({}, ["team:crm", BOB, "team:marketing", "team:sales"]),
        ({"administrators": [ADA, "team:crm"]}, [BOB, "team:marketing", "team:sales"]),
        (CLOSED, [BOB, "team:marketing", "team:sales"]),
        (UNSAID, [BOB, "team:marketing", "team:sales"]),
        (SHARED, ["team:sales"]),
        ({"usable_by": "contributors"}, ["team:crm", BOB, "team:marketing", "team:sales"]),
    ],
    ids=["nobody listed", "administrators listed", "closed", "closed by default", "shared", "shared with nobody"],
)
def test_whose_exports_may_use_a_connection(declared: dict[str, Any], forbidden: list[str]) -> None:
    """Administrators may use any, contributors those that are shared with them, and each owner is judged alone."""
    everybody = [ADA, "team:crm", BOB, "team:marketing", "team:sales"]
    used = connection(**declared)

    assert [owner for owner in everybody if not used.may_be_used_by(owner)] == forbidden
    told = list(find_forbidden([used], [export(*everybody)]))
    assert [mistake.path for mistake in told] == [("owners", everybody.index(owner)) for owner in forbidden]


def test_the_setting_changes_without_the_lists() -> None:
    """Who is listed stays listed, whoever may use the connection now."""
    assert find_clashes([connection(**CLOSED)], [], [export("team:crm")]) == []
    assert find_clashes([connection(**SHARED)], [], [export("team:marketing")]) == []


def test_who_may_not_use_a_connection_is_told_its_name_and_type_alone() -> None:
    """Neither its administrators, nor where its key is found, nor whose account it is."""
    closed = connection(**CLOSED, api_key_env="SECRET_KEY", account_id="Ab12Cd")
    (mistake,) = find_forbidden([closed], [export(BOB)])
    line = str(mistake)

    assert "no such connection is available to them" in line
    assert "Newsletter (Klaviyo)" in line
    for hidden in (ADA, BOB, "team:", "SECRET_KEY", "Ab12Cd", "contoso.com"):
        assert hidden not in line


@pytest.mark.parametrize(
    ("agreed_by", "declared", "mistakes"),
    [
        (ADA, {}, 0),
        ("team:crm", SHARED, 0),
        (BOB, SHARED, 1),
        ("team:sales", SHARED, 1),
        (BOB, {"contributors": [BOB]}, 0),
    ],
    ids=["nobody listed", "an administrator", "a contributor", "nobody known", "the only administrator"],
)
def test_only_an_administrator_agrees(agreed_by: str, declared: dict[str, Any], mistakes: int) -> None:
    """Consent is an administrator's; where none is listed, whoever agreed is the only one."""
    told = list(find_forbidden([connection(agreed_by, **declared)], []))

    assert [mistake.path for mistake in told] == [("consent", "agreed_by")] * mistakes


def test_a_detached_export_is_anybodys() -> None:
    """Who has no connection needs no permission for one."""
    assert find_clashes([connection()], [], [export("team:sales", connection=None)]) == []


@pytest.mark.parametrize(
    ("owners", "used", "expected"),
    [
        (["team:crm"], connection(**SHARED), ["team:crm"]),
        ([], connection(**SHARED), [ADA, "team:crm"]),
        ([], connection(BOB), [BOB]),
        ([], None, []),
    ],
    ids=["its own", "the administrators", "who agreed", "detached"],
)
def test_an_export_without_owners_is_its_connections_administrators(
    owners: list[str], used: KlaviyoConnection | None, expected: list[str]
) -> None:
    """Somebody answers for every export that is attached."""
    assert owners_of(export(*owners), used) == expected


def test_nobody_who_decides_is_in_a_repr() -> None:
    """A connection's repr shows no address."""
    assert "contoso.com" not in repr(connection(**SHARED))

"""Whether a connection can be used: its key and scopes, whose account it is, and the lists that its exports name.

Only reads, and remembers nothing. Whether the key may write is not known before something is written; a delivery
finds it out, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from klaviyo_assets.delivery.destination import check_account, find_list
from klaviyo_assets.errors import AmbiguousList, OtherAccount, ScopeMissing, UnknownList
from klaviyo_assets.exports import Export, KlaviyoConnection
from klaviyo_assets.klaviyo import NEEDED_SCOPES, Account, Client
from klaviyo_assets.ledger import Remembered


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what.
        words: what was found.
        is_good: whether it is as it must be; None where that is not known.
    """

    name: str
    words: str
    is_good: bool | None = True


@dataclass(frozen=True)
class Verification:
    """What was found out about a connection.

    Attributes:
        connection: which.
        findings: each thing that was looked at, in the order in which it is told.
    """

    connection: KlaviyoConnection
    findings: Sequence[Finding]

    @property
    def problem(self) -> str | None:
        """What is wrong, in one sentence; None where nothing is."""
        wrong = [finding for finding in self.findings if finding.is_good is False]
        if len(wrong) < 2:
            return wrong[0].words if wrong else None
        names = ", ".join(finding.name for finding in wrong)
        return f"{len(wrong)} things are wrong with {self.connection.title} ({names}), the first: {wrong[0].words}"


def verify(
    connection: KlaviyoConnection, exports: Sequence[Export], *, client: Client, remembered: Remembered
) -> Verification:
    """Look at everything that a delivery by this connection will need.

    Args:
        connection: which.
        exports: all that are declared; those of other connections, and those that are not enabled, are passed over.
        client: the account.
        remembered: what earlier deliveries learned.

    Raises:
        KeyRejected: the key is wrong or revoked.
        KlaviyoError: Klaviyo did not answer.
    """
    account = _fetch_account(client)
    key = Finding("key", f"Klaviyo accepts the key in {connection.api_key_env}.")
    identity = _identity(connection, account, remembered)
    lacking = [] if account else ["accounts:read"]
    lacking += [scope for scope in ("lists:read", "profiles:read") if not client.may_read(scope)]
    scopes = [_scope(scope, connection, lacking) for scope in NEEDED_SCOPES]
    used = [export for export in exports if export.connection == connection.name and export.enabled]
    is_found = all(finding.is_good for finding in identity) and "lists:read" not in lacking
    lists = [_list(export, account if is_found else None, client, remembered) for export in used]
    return Verification(connection, [key, *identity, *scopes, *lists])


def _fetch_account(client: Client) -> Account | None:
    try:
        return client.fetch_account()
    except ScopeMissing:
        return None


def _identity(connection: KlaviyoConnection, account: Account | None, remembered: Remembered) -> list[Finding]:
    if account is None:
        return [Finding("account", "Whose account it is is not known: the key lacks accounts:read.", is_good=None)]
    kind = "a test account" if account.is_test else "no test account"
    found = Finding("account", f"It is account {account.id} ({account.name or 'without a name'}), {kind}.")
    return [found, _match(connection, account, remembered.account_id(connection.name))]


def _match(connection: KlaviyoConnection, account: Account, known: str | None) -> Finding:
    try:
        check_account(connection, account, known)
    except OtherAccount as error:
        return Finding("expected account", str(error), is_good=False)
    if connection.account_id:
        return Finding("expected account", "It is the account that account_id names.")
    if known:
        return Finding("expected account", "It is the account that earlier deliveries went to.")
    return Finding("expected account", "No account_id is declared; the first delivery remembers this account.")


def _scope(scope: str, connection: KlaviyoConnection, lacking: Sequence[str]) -> Finding:
    name = f"scope {scope}"
    if scope in lacking:
        needed = f"{', '.join(NEEDED_SCOPES[:-1])} and {NEEDED_SCOPES[-1]}"
        words = f"The key in {connection.api_key_env} lacks {scope}; make one with {needed}, and put it there."
        return Finding(name, words, is_good=False)
    if scope.endswith(":write"):
        words = f"Whether the key has {scope} is not known: Klaviyo tells it only when something is written."
        return Finding(name, words, is_good=None)
    return Finding(name, f"The key has {scope}.")


def _list(export: Export, account: Account | None, client: Client, remembered: Remembered) -> Finding:
    name = f"list of {export.name}"
    if account is None:
        return Finding(name, f"The list of export {export.name!r} was not looked for: see above.", is_good=None)
    try:
        found = find_list(export, account, client=client, remembered=remembered, before_creating=None)
    except (UnknownList, AmbiguousList) as error:
        return Finding(name, f"Export {export.name!r}: {error}", is_good=False)
    if found is None:
        return Finding(name, f"Export {export.name!r}: no list is named {export.list_name!r}; it will be created.")
    return Finding(name, f"Export {export.name!r}: list {found.id} ({found.name}) is there.")

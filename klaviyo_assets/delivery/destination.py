"""Where a delivery goes: whose account the key is, and which list the export means. Both are remembered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from klaviyo_assets.errors import AmbiguousList, ListShared, OtherAccount, Unavailable
from klaviyo_assets.exports import Export, KlaviyoConnection
from klaviyo_assets.klaviyo import Account, Client, KlaviyoList
from klaviyo_assets.ledger import Remembered


@dataclass(frozen=True)
class Destination:
    """An account and one of its lists; no list where a dry run finds none of the declared name."""

    account: Account
    list: KlaviyoList | None

    @property
    def list_id(self) -> str:
        """The list's id; a delivery, other than a dry run, always has one."""
        assert self.list is not None
        return self.list.id


def verify_account(connection: KlaviyoConnection, *, client: Client, remembered: Remembered, remember: bool) -> Account:
    """Whose account the key is, which must be the connection's.

    Raises:
        OtherAccount: the key belongs to another account.
        KlaviyoError: Klaviyo refused, or did not answer.
    """
    account = client.fetch_account()
    known = remembered.account_id(connection.name)
    check_account(connection, account, known)
    if remember and known != account.id:
        remembered.remember_account(connection.name, account.id)
    return account


def check_account(connection: KlaviyoConnection, account: Account, known: str | None) -> None:
    """Nothing, where the account is the one that the connection stands for.

    Args:
        connection: which.
        account: whose the key is.
        known: the account that is remembered of the connection.

    Raises:
        OtherAccount: it is another one.
    """
    expected = connection.account_id or known
    if expected and account.id != expected:
        message = (
            f"The key in {connection.api_key_env} belongs to account {account.id}, while connection "
            f"{connection.name!r} stands for account {expected}; put that account's key there, or write account_id: "
            f"{account.id} into the connection if it is to change."
        )
        raise OtherAccount(message)


def find_list(
    export: Export,
    account: Account,
    *,
    client: Client,
    remembered: Remembered,
    before_creating: Callable[[], object] | None,
) -> KlaviyoList | None:
    """The export's list; it is created where that is allowed and its name is new.

    Args:
        export: which list.
        account: whose.
        client: the account.
        remembered: what its name once stood for.
        before_creating: what may speak against a new list; None: none is created, and nothing remembered.

    Raises:
        UnknownList: there is no list of the declared id.
        AmbiguousList: there are several of the declared name.
        KlaviyoError: Klaviyo refused, or did not answer.
    """
    if export.list_id is not None:
        return client.fetch_list(export.list_id)
    return _find_by_name(str(export.list_name), account, client, remembered, before_creating)


def check_not_shared(
    export: Export, destination: Destination, others: Sequence[Export], *, remembered: Remembered
) -> None:
    """Nothing, where no other export fills the list, or nobody removes leavers from it.

    Raises:
        ListShared: leavers of one export may be customers of the other.
    """
    for other in others:
        if "remove" in (export.leavers, other.leavers) and _fills(other, destination, remembered):
            raise ListShared(
                f"Export {other.name!r} fills list {destination.list_id} of account {destination.account.id} too, and "
                f"{(export if export.leavers == 'remove' else other).name!r} removes leavers, who may be customers of "
                f"the other; give each its own list, or write leavers: keep into both."
            )


def _fills(other: Export, destination: Destination, remembered: Remembered) -> bool:
    if not other.enabled or other.connection is None or destination.list is None:
        return False
    account_id = remembered.account_id(other.connection)
    list_id = other.list_id or (remembered.list_id(account_id, str(other.list_name)) if account_id else None)
    return (account_id, list_id) == (destination.account.id, destination.list.id)


def _find_by_name(
    name: str,
    account: Account,
    client: Client,
    remembered: Remembered,
    before_creating: Callable[[], object] | None,
) -> KlaviyoList | None:
    list_id = remembered.list_id(account.id, name)
    if list_id is not None:
        return client.fetch_list(list_id)
    found = _only_one(name, client)
    if before_creating is None:
        return found
    if found is None:
        before_creating()
        found = _create(name, client)
    remembered.remember_list(account.id, name, found.id)
    return found


def _only_one(name: str, client: Client) -> KlaviyoList | None:
    found = client.find_lists(name)
    if len(found) > 1:
        list_ids = sorted(klaviyo_list.id for klaviyo_list in found)
        message = (
            f"The account has {len(found)} lists named {name!r}: {', '.join(list_ids)}; write the list_id of the one "
            f"that is meant in place of list_name."
        )
        raise AmbiguousList(message, list_ids=list_ids)
    return found[0] if found else None


def _create(name: str, client: Client) -> KlaviyoList:
    try:
        return client.create_list(name)
    except Unavailable:
        # It may have been created although the answer never came.
        found = _only_one(name, client)
        if found is None:
            raise
        return found

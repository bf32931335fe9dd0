"""Where a delivery goes: whose account the key is, and which list the export means. Both are remembered."""

from __future__ import annotations

from dataclasses import dataclass

from upath import UPath

from klaviyo_assets.errors import AmbiguousList, OtherAccount, Unavailable
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

    def ledger_folder(self, storage: UPath, export_name: str) -> UPath | None:
        """Where the ledger of this export, account and list is kept; None where there is no list yet."""
        return storage / "ledgers" / export_name / self.account.id / self.list.id if self.list else None


def find_destination(
    export: Export, connection: KlaviyoConnection, *, client: Client, remembered: Remembered, create: bool
) -> Destination:
    """Verify the key, and find the list, or create it where that is allowed and its name is new.

    Raises:
        OtherAccount: the key belongs to another account than the connection's.
        UnknownList: there is no list of the declared id.
        AmbiguousList: there are several of the declared name.
        KlaviyoError: Klaviyo refused, or did not answer.
    """
    account = _verify_account(connection, client, remembered, remember=create)
    if export.list_id is not None:
        return Destination(account, client.fetch_list(export.list_id))
    return Destination(account, _find_by_name(str(export.list_name), account, client, remembered, create=create))


def _verify_account(
    connection: KlaviyoConnection, client: Client, remembered: Remembered, *, remember: bool
) -> Account:
    account = client.fetch_account()
    known = remembered.account_id(connection.name)
    expected = connection.account_id or known
    if expected and account.id != expected:
        message = (
            f"The key in {connection.api_key_env} belongs to account {account.id}, while connection "
            f"{connection.name!r} stands for account {expected}; put that account's key there, or write account_id: "
            f"{account.id} into the connection if it is to change."
        )
        raise OtherAccount(message)
    if remember and known != account.id:
        remembered.remember_account(connection.name, account.id)
    return account


def _find_by_name(
    name: str, account: Account, client: Client, remembered: Remembered, *, create: bool
) -> KlaviyoList | None:
    list_id = remembered.list_id(account.id, name)
    if list_id is not None:
        return client.fetch_list(list_id)
    found = _only_one(name, client) or (_create(name, client) if create else None)
    if found and create:
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

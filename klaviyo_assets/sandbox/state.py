"""Everything that one sandbox holds, behind one lock: the clock, accounts, keys, faults, the last requests.

What tests and people do behind a client's back is done here, without HTTP: `control.py` makes routes of it and
`serving.py` methods.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from klaviyo_assets.sandbox.account import Account
from klaviyo_assets.sandbox.account.ids import Ids
from klaviyo_assets.sandbox.account.lists import Flow, KlaviyoList
from klaviyo_assets.sandbox.account.payload import Row
from klaviyo_assets.sandbox.account.profiles import Profile
from klaviyo_assets.sandbox.api.access import ALL_SCOPES, Access
from klaviyo_assets.sandbox.api.documents import timestamp
from klaviyo_assets.sandbox.api.validation import EMAIL, normalized_email
from klaviyo_assets.sandbox.clock import Clock
from klaviyo_assets.sandbox.effects import PutOnList
from klaviyo_assets.sandbox.faults import Fault, FaultBook
from klaviyo_assets.sandbox.inputs import WrongInput
from klaviyo_assets.sandbox.limits import Meter
from klaviyo_assets.sandbox.request_log import RequestLog
from klaviyo_assets.sandbox.settings import Settings

DEFAULT_ACCOUNT_ID = "Sandbx"
DEFAULT_KEY = "pk_sandbox_00000000000000000000000000"


class Sandbox:
    """One sandbox. Its methods may be called from any thread."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.lock = threading.RLock()
        self.log = RequestLog()
        self.faults = FaultBook()
        self._starting_settings = settings or Settings()
        self.reset()

    def reset(self, changes: object = None) -> None:
        """Empties everything and goes back to the settings it started with, some of them changed.

        Raises:
            WrongInput: settings that there are not; then nothing is emptied.
        """
        with self.lock:
            self.settings = self._starting_settings.changed({} if changes is None else changes)
            self.clock = Clock(start=self.settings.starts_at, speed=self.settings.speed)
            self.accounts: dict[str, Account] = {}
            self.keys: dict[str, Access] = {}
            self.meters: dict[str, Meter] = {}
            self.request_ids = Ids(f"{self.settings.seed}:requests")
            self.log.clear()
            self.faults.clear()
            self.add_account(DEFAULT_KEY, account_id=DEFAULT_ACCOUNT_ID, name="Sandbox")

    def change(self, changes: object) -> Settings:
        """Changes some settings, for all accounts, from now on."""
        with self.lock:
            self.settings = self.settings.changed(changes)
            self.clock.run_at(self.settings.speed)
            for account in self.accounts.values():
                account.settings = self.settings
            return self.settings

    def now(self) -> float:
        """The sandbox's time, seconds since 1970."""
        return self.clock.now()

    def advance(self, seconds: float) -> None:
        """Moves the clock forward."""
        with self.lock:
            self.clock.advance(seconds)

    def add_account(
        self, key: str, *, account_id: str | None = None, name: str | None = None, scopes: Iterable[str] = ALL_SCOPES
    ) -> Account:
        """A new account, or one more key of one that there is."""
        with self.lock:
            account_id = account_id or f"Acct{len(self.accounts) + 1:02}"
            account = self.accounts.get(account_id) or Account(account_id, name or account_id, self.settings)
            self.accounts[account_id] = account
            self.meters.setdefault(account_id, Meter())
            self.keys[key] = Access(account_id, frozenset(scopes))
            return account

    def revoke_key(self, key: str) -> None:
        """Takes a key away; the account stays."""
        with self.lock:
            self._access(key)
            del self.keys[key]

    def change_scopes(self, key: str, scopes: Iterable[str]) -> None:
        """Decides what a key may do from now on."""
        with self.lock:
            self.keys[key] = Access(self._access(key).account_id, frozenset(scopes))

    def account_with(self, list_id: str) -> Account | None:
        """The account that has a list; None if there is no such list."""
        return next((account for account in self.accounts.values() if list_id in account.lists), None)

    @contextmanager
    def at_account(self, account_id: str) -> Iterator[Account]:
        """An account as it is now, under the lock.

        Raises:
            WrongInput: there is no such account.
        """
        with self.lock:
            account = self.accounts.get(account_id)
            if account is None:
                raise WrongInput(f"account_id: found {account_id!r}, expected one of {', '.join(self.accounts)}.")
            account.settle(self.now())
            yield account

    def create_list(
        self, account_id: str, name: str, *, list_id: str | None = None, flows: tuple[Flow, ...] = ()
    ) -> KlaviyoList:
        """Makes a list behind the client's back, with an id of one's choice."""
        with self.at_account(account_id) as account:
            if list_id in account.lists:
                raise WrongInput(f"id: a list {list_id!r} is there already; choose another.")
            return account.create_list(name, at=self.now(), list_id=list_id, flows=flows)

    def set_flows(self, account_id: str, list_id: str, flows: tuple[Flow, ...]) -> None:
        """Decides which flows a list starts."""
        with self.at_account(account_id) as account:
            _list(account, list_id).flows = flows

    def delete_list(self, account_id: str, list_id: str) -> None:
        """Somebody else deletes a list; the profiles that were on it stay."""
        with self.at_account(account_id) as account:
            del account.lists[_list(account, list_id).id]

    def put_on_list(self, account_id: str, list_id: str, emails: Iterable[str]) -> None:
        """Somebody else puts people on a list; those who are no profiles yet become some."""
        with self.at_account(account_id) as account:
            klaviyo_list = _list(account, list_id)
            rows = [Row(None, _checked_email(email), None, None) for email in emails]
            ids = [account.profiles.match(row) or account.profiles.create(row, at=self.now()) for row in rows]
            account.join(klaviyo_list, ids, at=self.now())

    def take_off_list(self, account_id: str, list_id: str, emails: Iterable[str]) -> None:
        """Somebody else takes people off a list; who is not on it does not matter."""
        with self.at_account(account_id) as account:
            ids = account.profiles.ids_with("email", map(normalized_email, emails))
            _list(account, list_id).members.remove(ids, at=self.now())

    def change_email(self, account_id: str, who: str, email: str) -> None:
        """Somebody changes a profile's address in Klaviyo. `who` is its id or its address so far."""
        row = Row(None, _checked_email(email), None, None)
        with self.at_account(account_id) as account:
            profiles = account.profiles
            found = [who] if who in profiles else profiles.ids_with("email", [normalized_email(who)])
            if not found:
                raise WrongInput("profile: there is none with this id or address.")
            if profiles.others_with(row, found[0], fields=("email",)):
                raise WrongInput("email: another profile has this address; choose another.")
            profiles.update(found[0], row, at=self.now())

    def order_fault(self, fault: Fault) -> Fault:
        """Orders a fault.

        Raises:
            WrongInput: it is about a list that is not there, or about somebody who can be no profile.
        """
        for effect in fault.do:
            list_id = getattr(effect, "list_id", None)
            if list_id is not None and self.account_with(list_id) is None:
                raise WrongInput(f"{effect.kind}.list_id: found {list_id!r}, expected a list that is there.")
            if isinstance(effect, PutOnList):
                for email in effect.emails:
                    _checked_email(email)
        return self.faults.order(fault)

    def members(self, account_id: str, list_id: str) -> list[dict[str, Any]]:
        """The truth about a list: everybody on it, ascending by profile id."""
        with self.at_account(account_id) as account:
            members = _list(account, list_id).members
            return [
                _truth(account.profiles[one]) | {"joined_at": timestamp(members.joined_at(one), microseconds=True)}
                for one in members.by_id()
            ]

    def profiles(self, account_id: str) -> list[dict[str, Any]]:
        """The truth about an account: every profile, ascending by id."""
        with self.at_account(account_id) as account:
            return [_truth(account.profiles[one]) for one in account.profiles.ids_by("id")]

    def lists(self, account_id: str) -> list[dict[str, Any]]:
        """Every list: id, name, member_count, flows."""
        with self.at_account(account_id) as account:
            return [
                {"id": one.id, "name": one.name, "member_count": len(one.members), "flows": [*map(asdict, one.flows)]}
                for one in account.lists.values()
            ]

    def _access(self, key: str) -> Access:
        if key not in self.keys:
            raise WrongInput("key: found one that nobody has, expected a key of an account.")
        return self.keys[key]


def _list(account: Account, list_id: str) -> KlaviyoList:
    if list_id not in account.lists:
        raise WrongInput(f"list_id: found {list_id!r}, expected one of {', '.join(account.lists) or 'none'}.")
    return account.lists[list_id]


def _checked_email(email: str) -> str:
    normalized = normalized_email(email)
    if not EMAIL.fullmatch(normalized):
        raise WrongInput("email: found no valid e-mail address, expected one.")
    return normalized


def _truth(profile: Profile) -> dict[str, Any]:
    attributes = profile.attributes()
    return {
        "profile_id": profile.id,
        "email": profile.email,
        "phone_number": profile.phone_number,
        "external_id": profile.external_id,
        "properties": attributes.pop("properties", {}),
        "attributes": attributes,
    }

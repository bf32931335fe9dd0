"""What was learned once and holds from then on: whose account a connection's key is, which list a name stands for.

Small facts in JSON files beside the ledgers, each replaced as a whole. What a ledger can tell does not belong here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from upath import UPath

from klaviyo_assets.errors import LedgerError
from klaviyo_assets.ledger.private import list_files, replace_text


@dataclass(frozen=True)
class Remembered:
    """The facts under one storage root."""

    storage: UPath

    def account_id(self, connection: str) -> str | None:
        """The account that the connection's key first proved to belong to."""
        return self._read(self._connection(connection)).get("account_id")

    def remember_account(self, connection: str, account_id: str) -> None:
        """From now on the connection stands for this account."""
        self._write(self._connection(connection), {"account_id": account_id})

    def list_id(self, account_id: str, list_name: str) -> str | None:
        """The list that was once found, or created, under this name."""
        return self._read(self._lists(account_id)).get(list_name)

    def remember_list(self, account_id: str, list_name: str, list_id: str) -> None:
        """From now on the name stands for this list, also when it is renamed in Klaviyo."""
        path = self._lists(account_id)
        self._write(path, {**self._read(path), list_name: list_id})

    def connections(self) -> set[str]:
        """The connections of which something is remembered."""
        return {each.stem for each in list_files(self.storage / "connections") if each.suffix == ".json"}

    def _connection(self, connection: str) -> UPath:
        return self.storage / "connections" / f"{connection}.json"

    def _lists(self, account_id: str) -> UPath:
        return self.storage / "accounts" / f"{account_id}.json"

    def _read(self, path: UPath) -> dict[str, str]:
        try:
            return dict(json.loads(path.read_text())) if path.exists() else {}
        except (OSError, ValueError) as error:
            message = (
                f"{path} cannot be read ({type(error).__name__}), expected a JSON object; restore it, or remove it "
                f"to have it learned anew."
            )
            raise LedgerError(message) from error

    def _write(self, path: UPath, facts: dict[str, str]) -> None:
        try:
            replace_text(path, json.dumps(facts, indent=2, sort_keys=True) + "\n")
        except OSError as error:
            message = f"{path} cannot be written ({type(error).__name__}); check the storage's permissions and space."
            raise LedgerError(message) from error

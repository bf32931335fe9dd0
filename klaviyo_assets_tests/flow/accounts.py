"""Several accounts of one sandbox: their lists and bulk jobs, and whether their deliveries kept apart.

Asked of the sandbox alone, which shares nothing with the client. Who works on their deliveries is in `workers.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Final

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets.sandbox.account.bulk_jobs import BulkJob
from klaviyo_assets_tests.flow.deployed import Deployment

_CONSENT: Final = {"agreed_by": "a@contoso.com", "agreed_on": "2026-11-23"}


@dataclass(frozen=True)
class Accounts:
    """Accounts, each with a connection of its name and exports, each of these with a list of its name.

    Attributes:
        deployment: which exports to them.
        of: the account of each export.
        lists: the list of each export.
    """

    deployment: Deployment
    of: Mapping[str, str]
    lists: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that hold the keys."""
        return {_variable(account): _key(account) for account in set(self.of.values())}

    def sandbox(self, account: str) -> RunningSandbox:
        """The sandbox as one account's."""
        return replace(self.deployment.sandbox, account_id=account, key=_key(account))

    def deployment_to(self, export: str) -> Deployment:
        """The deployment, with the sandbox as the export's account's."""
        return replace(self.deployment, sandbox=self.sandbox(self.of[export]))

    def bulk_jobs(self, export: str) -> list[BulkJob]:
        """Those of an export, oldest first."""
        return [job for job in self._bulk_jobs(self.of[export]) if self.lists[export] in job.list_ids]

    def throttled(self) -> list[str]:
        """The requests that came too early, of all accounts."""
        return [each.path for each in self.deployment.sandbox.requests() if each.status == 429]

    def check_turns(self, account: str) -> None:
        """In an account all bulk jobs of one delivery were over before another began."""
        turns = [list(turn) for _, turn in groupby(self._bulk_jobs(account), lambda job: job.list_ids)]
        assert len({turn[0].list_ids for turn in turns}) == len(turns), "deliveries took turns in between"
        for earlier, later in pairwise(turns):
            assert max(job.course.completes_at for job in earlier) <= later[0].created_at

    def _bulk_jobs(self, account: str) -> list[BulkJob]:
        return self.deployment.sandbox.state.accounts[account].bulk_jobs()


def open_accounts(deployment: Deployment, exports: Mapping[str, Sequence[str]], **changes: object) -> Accounts:
    """Make accounts with their lists, and declare a connection for each, and its exports.

    Args:
        deployment: where they are declared.
        exports: of each account.
        changes: what all exports have in common.
    """
    for account in exports:
        deployment.sandbox.add_account(_key(account), account_id=account)
        deployment.declare("KlaviyoConnection", name=account, api_key_env=_variable(account), consent=_CONSENT)
    of = {export: account for account, names in exports.items() for export in names}
    for export, account in of.items():
        deployment.declare_export(export, connection=account, **changes)
    create = deployment.sandbox.create_list
    return Accounts(deployment, of, {name: create(f"List {name}", account_id=of[name]) for name in of})


def _variable(account: str) -> str:
    return f"KEY_OF_{account.upper()}"


def _key(account: str) -> str:
    return f"pk_{account}_0000000000000000000000000000"

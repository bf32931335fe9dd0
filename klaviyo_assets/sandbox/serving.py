"""Runs a sandbox in a thread of this process, on a port of this machine: for tests and for the command line."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from klaviyo_assets.sandbox.account.lists import Flow
from klaviyo_assets.sandbox.api.access import ALL_SCOPES
from klaviyo_assets.sandbox.app import SandboxApp, create_app
from klaviyo_assets.sandbox.effects import Effect
from klaviyo_assets.sandbox.faults import Fault, Match, new_fault
from klaviyo_assets.sandbox.request_log import LoggedRequest
from klaviyo_assets.sandbox.settings import Settings
from klaviyo_assets.sandbox.state import DEFAULT_ACCOUNT_ID, DEFAULT_KEY, Sandbox

STOPPING_S = 2
"""How long answers that are still on their way may take once the sandbox is told to stop."""

KEEP_ALIVE_S = 75
"""How long an idle connection stays open: longer than a client's own patience, so that the client closes it."""


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that answers at `url`, and what tests do behind its clients' backs.

    Methods that concern an account take the default one unless they are told another.
    """

    url: str
    state: Sandbox = field(repr=False)
    key: str = field(default=DEFAULT_KEY, repr=False)
    account_id: str = DEFAULT_ACCOUNT_ID

    def reset(self, **settings: Any) -> None:
        """Empties everything; the settings are those it was started with, and these."""
        self.state.reset(settings)

    def change(self, **settings: Any) -> Settings:
        """Changes settings from now on, and returns all of them."""
        return self.state.change(settings)

    def advance(self, seconds: float) -> None:
        """Moves the clock of bulk jobs, limits and expiry."""
        self.state.advance(seconds)

    def add_account(
        self, key: str, *, account_id: str | None = None, name: str | None = None, scopes: Iterable[str] = ALL_SCOPES
    ) -> str:
        """Adds a key, and its account if there is none of that id; returns the account's id."""
        return self.state.add_account(key, account_id=account_id, name=name, scopes=scopes).id

    def revoke_key(self, key: str) -> None:
        """Somebody takes a key away."""
        self.state.revoke_key(key)

    def change_scopes(self, key: str, scopes: Iterable[str]) -> None:
        """Somebody changes what a key may do."""
        self.state.change_scopes(key, scopes)

    def create_list(
        self, name: str, *, list_id: str | None = None, flows: tuple[Flow, ...] = (), account_id: str | None = None
    ) -> str:
        """Returns the list's id."""
        return self.state.create_list(account_id or self.account_id, name, list_id=list_id, flows=flows).id

    def delete_list(self, list_id: str, *, account_id: str | None = None) -> None:
        """Somebody else deletes a list."""
        self.state.delete_list(account_id or self.account_id, list_id)

    def put_on_list(self, list_id: str, emails: Iterable[str], *, account_id: str | None = None) -> None:
        """Somebody else puts people on a list; those who are no profiles yet become some."""
        self.state.put_on_list(account_id or self.account_id, list_id, emails)

    def take_off_list(self, list_id: str, emails: Iterable[str], *, account_id: str | None = None) -> None:
        """Somebody else takes people off a list."""
        self.state.take_off_list(account_id or self.account_id, list_id, emails)

    def change_email(self, who: str, email: str, *, account_id: str | None = None) -> None:
        """`who` is a profile's id or its address so far."""
        self.state.change_email(account_id or self.account_id, who, email)

    def members(self, list_id: str, *, account_id: str | None = None) -> list[dict[str, Any]]:
        """Everybody on a list: profile_id, email, phone_number, external_id, joined_at, attributes, properties."""
        return self.state.members(account_id or self.account_id, list_id)

    def profiles(self, *, account_id: str | None = None) -> list[dict[str, Any]]:
        """Every profile, as in `members`, without joined_at."""
        return self.state.profiles(account_id or self.account_id)

    def requests(self) -> list[LoggedRequest]:
        """The last requests to the API, oldest first."""
        return self.state.log.all()

    def clear_requests(self) -> None:
        """Forgets the requests so far."""
        self.state.log.clear()

    def order_fault(self, *do: Effect, method: str = "*", path: str = "*", nth: int = 1, times: int = 1) -> Fault:
        """Orders effects for the requests that match; the fault that is returned counts how often it was met."""
        return self.state.order_fault(new_fault(Match(method, path, nth), do, times=times))

    def unmet_faults(self) -> list[Fault]:
        """Faults that have not happened as often as was ordered: a test's last question."""
        return self.state.faults.unmet()


@contextmanager
def serve(settings: Settings | None = None, *, port: int = 0, host: str = "127.0.0.1") -> Iterator[RunningSandbox]:
    """Runs a sandbox until the block is left.

    Raises:
        OSError: the port is taken.
    """
    app = create_app(settings)
    with socket.create_server((host, port)) as listening:
        server = _Server(_config(app))
        thread = threading.Thread(target=server.run, args=([listening],), name="klaviyo-sandbox", daemon=True)
        thread.start()
        server.ready.wait()
        try:
            yield RunningSandbox(f"http://{host}:{listening.getsockname()[1]}", app.sandbox)
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """Tells when it takes requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _config(app: SandboxApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,  # the API tells the sandbox's own time
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOPPING_S,
    )

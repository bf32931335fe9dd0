"""What runs need from outside: the Klaviyo accounts, and whether anything may be sent at all.

A resource holds the NAMES of environment variables, never what they hold, so that neither Dagster's page nor its
database ever sees a key. The variables are read inside a run, so that one export's missing key stops only that
export.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Final

import dagster as dg
from pydantic import Field

from klaviyo_assets.errors import KeyMissing, Refused
from klaviyo_assets.exports import KlaviyoConnection
from klaviyo_assets.klaviyo import API_URL, Client, connect

PAUSED_ENV: Final = "KLAVIYO_ASSETS_PAUSED"


class KlaviyoAccount(dg.ConfigurableResource["KlaviyoAccount"]):
    """One Klaviyo account; its key stays in the environment until a run connects."""

    account: str = Field(description="What people call this account.")
    api_key_env: str = Field(description="The NAME of the environment variable that holds the private key.")
    api_url_env: str = Field(
        description=f"The NAME of the environment variable that holds Klaviyo's address; not set: {API_URL}."
    )

    def connect(self) -> AbstractContextManager[Client]:
        """A client of this account, as a context manager.

        Raises:
            KeyMissing: the environment holds no key, or one that must not go to the address.
        """
        api_key = os.environ.get(self.api_key_env)
        if not api_key:
            raise KeyMissing(
                f"The environment variable {self.api_key_env} is not set, expected the private API key of "
                f"{self.account!r}; set it where Dagster starts its runs, and start the run again."
            )
        return connect(api_key=api_key, api_url=os.environ.get(self.api_url_env) or API_URL)


def klaviyo_account(connection: KlaviyoConnection) -> KlaviyoAccount:
    """The resource of a connection, described by its display name and type, and by the consent that was given."""
    # Dagster describes a resource by the docstring of its class.
    described: type[KlaviyoAccount] = type(
        KlaviyoAccount.__name__, (KlaviyoAccount,), {"__doc__": describe(connection), "__module__": __name__}
    )
    return described(
        account=connection.display_name or connection.name,
        api_key_env=connection.api_key_env,
        api_url_env=connection.api_url_env,
    )


def describe(connection: KlaviyoConnection) -> str:
    """What is told of a connection where it is listed."""
    consent = connection.consent
    return (
        f"{connection.title}. The job `verify_{connection.name}` asks whether it can be used.\n\n"
        f"Consent, by {consent.agreed_by} on {consent.agreed_on}: {connection.consent_meaning}"
    )


def check_not_paused() -> None:
    """Hold `KLAVIYO_ASSETS_PAUSED`.

    Raises:
        Refused: the variable is set, to anything but 0.
    """
    if os.environ.get(PAUSED_ENV, "0") not in ("", "0"):
        raise Refused(
            f"Nothing is sent while {PAUSED_ENV} is set; take the variable away where Dagster starts its runs, and "
            f"start the run again."
        )

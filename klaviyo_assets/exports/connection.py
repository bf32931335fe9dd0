"""A connection: one Klaviyo account, its key, and the consent that data may leave for it."""

from __future__ import annotations

from pydantic import Field

from klaviyo_assets.exports.values import Day, Declaration, EnvName, KlaviyoId, Name, Owner, Text


class Consent(Declaration):
    """Who agreed, and when, that data of the connection's exports may leave for Klaviyo."""

    agreed_by: Owner = Field(examples=["team:marketing"], repr=False)
    """The person who agreed: an e-mail address, or team:name."""
    agreed_on: Day = Field(examples=["2026-11-23"])
    """The day on which they agreed, as 2026-11-23."""


class KlaviyoConnection(Declaration):
    """One Klaviyo account, and where its private key is found."""

    name: Name = Field(examples=["contoso"])
    """Letters, digits and _; the Dagster resource is klaviyo_<name>."""
    display_name: Text | None = None
    """What people call this account; default: the name."""
    api_key_env: EnvName = "KLAVIYO_API_KEY"
    """The NAME of the environment variable that holds the private key; never the key."""
    api_url_env: EnvName = "KLAVIYO_API_URL"
    """The NAME of the environment variable that holds Klaviyo's address; not set: https://a.klaviyo.com."""
    account_id: KlaviyoId | None = None
    """The account that the key must belong to; default: the first that it proved to belong to."""
    consent: Consent = Field(examples=[{"agreed_by": "team:marketing", "agreed_on": "2026-11-23"}])
    """Who agreed, and when, that data may leave for Klaviyo; without it the connection cannot be used."""

    @property
    def resource_key(self) -> str:
        """The key of its Dagster resource, and the name of its concurrency pool."""
        return f"klaviyo_{self.name}"

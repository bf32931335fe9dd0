"""A connection: one Klaviyo account, its key, who may use it, and the consent that data may leave for it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from klaviyo_assets.exports.values import (
    Day,
    Declaration,
    EnvName,
    KlaviyoId,
    Name,
    Owner,
    Owners,
    Text,
    WebAddress,
    Whole,
)

CONNECTION_TYPE: Final = "Klaviyo"

CONSENT_MEANING: Final = (
    "By this consent you allow data of your customers, personal data among it, to leave your systems for Klaviyo. It "
    "leaves at your instruction alone: what the exports of this connection name, when they run. You are responsible "
    "that you may use the data so, and that Klaviyo meets every obligation of privacy and security that you have. An "
    "administrator can end this at any time: by `klaviyo-assets pause`, by detaching exports, or by taking the "
    "connection away."
)


class Consent(Declaration):
    """Who agreed, and when, that data of the connection's exports may leave for Klaviyo."""

    agreed_by: Owner = Field(examples=["team:marketing"], repr=False)
    """The administrator who agreed: an e-mail address, or team:name."""
    agreed_on: Day = Field(examples=["2026-11-23"])
    """The day on which they agreed, as 2026-11-23."""


class KlaviyoConnection(Declaration):
    """One Klaviyo account, where its private key is found, and who may use it."""

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
    usable_by: Literal["administrators", "contributors"] = "administrators"
    """administrators or contributors: whose exports may use the connection; administrators always may."""
    administrators: Owners = Field(default=(), examples=[["team:crm"]], repr=False)
    """Who decides about the connection, as [team:crm]; default: who agreed to the consent."""
    contributors: Owners = Field(default=(), examples=[["team:marketing"]], repr=False)
    """Whose exports may use the connection where it is usable_by contributors, as [team:marketing]."""
    consent: Consent = Field(examples=[{"agreed_by": "team:marketing", "agreed_on": "2026-11-23"}])
    """Who agreed, and when, that data may leave for Klaviyo; without it the connection cannot be used."""
    contract_limit: Annotated[Whole, Field(ge=1)] | None = None
    """Profiles that your contract with Klaviyo allows, as 250000; more are not sent by all exports together."""
    privacy_statement: WebAddress | None = None
    """Where your own privacy statement is, as https://contoso.com/privacy; told with the consent."""

    @property
    def resource_key(self) -> str:
        """The key of its Dagster resource, and the name of its concurrency pool."""
        return f"klaviyo_{self.name}"

    @property
    def title(self) -> str:
        """What it is called wherever it is listed, with its type."""
        return f"{self.display_name or self.name} ({CONNECTION_TYPE})"

    @property
    def consent_meaning(self) -> str:
        """What was agreed to, with a link to the privacy statement where there is one."""
        link = f" Privacy statement: <{self.privacy_statement}>" if self.privacy_statement else ""
        return f"{CONSENT_MEANING}{link}"

    @property
    def administered_by(self) -> tuple[str, ...]:
        """Its administrators; where none is listed, who agreed to the consent is the only one."""
        return self.administrators or (self.consent.agreed_by,)

    def may_be_used_by(self, owner: str) -> bool:
        """Whether an export of this owner may use it."""
        is_contributor = self.usable_by == "contributors" and owner in self.contributors
        return owner in self.administered_by or is_contributor

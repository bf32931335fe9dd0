"""Who asks, and may they: keys, scopes, and the `Authorization` header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from klaviyo_assets.sandbox.api import errors

ALL_SCOPES = frozenset(
    {"accounts:read", "lists:read", "lists:write", "profiles:read", "profiles:write", "data-privacy:write"}
)
"""Those that some endpoint of the sandbox asks for."""

WELL_FORMED = re.compile(r"pk_\w+")


@dataclass(frozen=True)
class Access:
    """What a private key opens."""

    account_id: str
    scopes: frozenset[str] = field(default=ALL_SCOPES)

    def require(self, scopes: Iterable[str]) -> None:
        """Nothing, if the key has the scopes.

        Raises:
            ApiError: 403, naming the scopes that the key lacks.
        """
        if missing := sorted(set(scopes) - self.scopes):
            raise errors.missing_scopes(missing)


def key_in(authorization: str | None) -> str:
    """The key in an `Authorization` header; empty if there is none."""
    return (authorization or "").strip().partition(" ")[2].strip()


def identify(authorization: str | None, keys: Mapping[str, Access]) -> Access:
    """What the key in an `Authorization` header opens.

    Raises:
        ApiError: 401, in Klaviyo's three wordings: no key, another scheme, a key that nobody has.
    """
    scheme = (authorization or "").strip().partition(" ")[0]
    key = key_in(authorization)
    if not scheme or not key:
        raise errors.not_authenticated("Missing or invalid private key.")
    if scheme == "Bearer":
        raise errors.authentication_failed()
    if scheme != "Klaviyo-API-Key":
        raise errors.not_authenticated("Missing or invalid authorization scheme. Please use Klaviyo-API-Key.")
    if not WELL_FORMED.fullmatch(key):
        raise errors.not_authenticated("Missing or invalid private key.")
    if key not in keys:
        raise errors.authentication_failed()
    return keys[key]

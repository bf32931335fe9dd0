"""By whose identity a source is read, as far as it can be known here: a user's name, or the kind of a credential.

Never a credential itself, and nothing is asked or opened: what a store or a database knows of who reads it is theirs.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from klaviyo_assets.exports import Source, SqlSource

# The variables by which the stores' own libraries are told who they are, in the order in which they count.
_AWS: Final = ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_PROFILE")
_AZURE: Final = (
    *("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"),
    *("AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID"),
)
_GOOGLE: Final = ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT")
_STORES: Final[Mapping[str, Sequence[str]]] = {
    **dict.fromkeys(("s3", "s3a"), _AWS),
    **dict.fromkeys(("abfs", "abfss", "az", "adl"), _AZURE),
    **dict.fromkeys(("gs", "gcs"), _GOOGLE),
}
_WEB: Final = ("http", "https")


def identity_of(source: Source) -> str:
    """Who reads the source, in words; the environment is looked at now."""
    if isinstance(source, SqlSource):
        return _database_user(source.database_env)
    scheme, is_url, _ = source.path.partition("://")
    if is_url and scheme in _WEB:
        return "anybody with the address"
    if is_url and scheme != "file":
        return _credential(_STORES.get(scheme, ()))
    return _system_user()


def _database_user(variable: str) -> str:
    url = urlsplit(os.environ.get(variable, "").strip())
    if not url.scheme.startswith("postgres"):
        return _system_user()  # the database is a file
    # Without the domain of a name that is an address.
    name = unquote(url.username or "").partition("@")[0]
    return f"database user {name}" if name else f"the database user that {variable} leaves to the environment"


def _credential(variables: Sequence[str]) -> str:
    found = next((name for name in variables if os.environ.get(name)), None)
    return f"the credential of {found}" if found else "the credential that the machine provides"


def _system_user() -> str:
    try:
        return f"operating-system user {getpass.getuser()}"
    except (OSError, KeyError):  # as in a container whose user has no name
        return f"operating-system user {os.getuid()}"

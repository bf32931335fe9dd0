"""By whose identity a source is read: a user, or the kind of a credential, and never a secret."""

from __future__ import annotations

from getpass import getuser
from typing import Any

import pytest
from pydantic import TypeAdapter

from klaviyo_assets.exports import Source
from klaviyo_assets.segments import identity_of

SECRET = "s3cret"
SQL = {"type": "sql", "database_env": "WAREHOUSE_URL", "query": "select 1"}
US = f"operating-system user {getuser()}"
MACHINE = "the credential that the machine provides"
ANYBODY = "anybody with the address"


def at(path: str) -> dict[str, Any]:
    """A source at a path."""
    return {"type": "parquet", "path": path}


@pytest.mark.parametrize(
    ("source", "environment", "identity"),
    [
        (at("data/vip.parquet"), {"AWS_ACCESS_KEY_ID": SECRET}, US),
        (at("file:///data/vip.parquet"), {}, US),
        ({"type": "delta", "path": "s3://bucket/vip"}, {}, MACHINE),
        (at("s3://bucket/vip"), {"AWS_ACCESS_KEY_ID": SECRET}, "the credential of AWS_ACCESS_KEY_ID"),
        (at("s3://bucket/vip"), {"AZURE_STORAGE_ACCOUNT_KEY": SECRET}, MACHINE),
        (
            at("abfss://c@a.dfs.core.windows.net/v"),
            {"AZURE_CLIENT_SECRET": SECRET},
            "the credential of AZURE_CLIENT_SECRET",
        ),
        (
            at("gs://bucket/v"),
            {"GOOGLE_APPLICATION_CREDENTIALS": SECRET},
            "the credential of GOOGLE_APPLICATION_CREDENTIALS",
        ),
        (at("unknown://bucket/v"), {}, MACHINE),
        (at(f"https://contoso.com/vip.parquet?sig={SECRET}"), {}, ANYBODY),
        (SQL, {"WAREHOUSE_URL": f"postgresql://reader:{SECRET}@db/crm"}, "database user reader"),
        (SQL, {"WAREHOUSE_URL": f"postgresql://ada%40contoso.com:{SECRET}@db/crm"}, "database user ada"),
        (
            SQL,
            {"WAREHOUSE_URL": "postgresql://db/crm"},
            "the database user that WAREHOUSE_URL leaves to the environment",
        ),
        (SQL, {"WAREHOUSE_URL": f"sqlite:///{SECRET}.db"}, US),
        (SQL, {}, US),
    ],
)
def test_identity(
    source: dict[str, Any], environment: dict[str, str], identity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's name for files here and databases; for a store the variable that holds its credential."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AZURE_CLIENT_SECRET", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = identity_of(TypeAdapter[Source](Source).validate_python(source))
    assert found == identity
    assert SECRET not in found

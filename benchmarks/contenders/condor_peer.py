"""condor-retl-klaviyo: a state of customers from DuckDB, synchronised to its surface `list_memberships`.

https://docs.condorgraph.com/reference/connector-packages/. The connector keeps Klaviyo's address in its code and takes
another transport for tests; this one is its own, which calls the local Klaviyo instead.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

import retl
from retl.backends.duckdb import DuckDBSqlBackend
from retl_klaviyo.common import KLAVIYO_DEFAULT_BASE_URL, RequestsKlaviyoTransport

from benchmarks.contenders.setting import FIELDS, PROPERTIES, Setting, read_setting

_IDENTIFIERS = {"email": "email", "phone_number": "phone_e164", "external_id": "external_id"}


class _LocalTransport(RequestsKlaviyoTransport):  # type: ignore[misc]
    """The connector's own transport, to another address."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, request: Any) -> Any:
        """The answer of the local Klaviyo."""
        return super().send(replace(request, url=request.url.replace(KLAVIYO_DEFAULT_BASE_URL, self._url)))


def run(setting: Setting) -> None:
    """One run of the sync."""
    os.environ["KLAVIYO__API_KEY"] = setting.key  # where it looks for the secret klaviyo.api_key
    database = DuckDBSqlBackend(
        database=str(setting.folder / "warehouse.duckdb"), source_schema="main", runtime_schema="retl"
    )
    destination = retl.destinations.load(
        "retl/klaviyo",
        binding_name="bench",
        credentials={"private_api_key": retl.secrets["klaviyo.api_key"]},
        config={"transport": _LocalTransport(setting.url)},
    )
    sync = retl.sync(
        name="bench",
        declaration=_state(setting, database),
        destination=destination,
        surface="list_memberships",
        operations=["upsert"],
    )
    result = retl.runner(name="bench", runtime_store=database.runtime_store()).run(sync)
    sys.exit("status=failed" in result.to_text())


def _state(setting: Setting, database: Any) -> Any:
    columns = {column: name.replace(" ", "_") for name, column in {**FIELDS, **PROPERTIES}.items()}
    selected = ", ".join(f'"{column}" as {name}' for column, name in columns.items())
    payload = [name for name in columns.values() if name not in _IDENTIFIERS]
    source = retl.source(
        name="customers",
        mode="snapshot",
        backend=database.source_backend(),
        query=f"select \"CustomerId\" as profile_key, {selected} from '{setting.customers}'",
    )
    return retl.state(
        name="bench",
        source=source,
        key={"profile_key": "profile_key"},
        identifiers=[{"type": kind, "value": name} for name, kind in _IDENTIFIERS.items()],
        payload={name: name for name in payload},
        target=retl.target("Bench"),
    )


if __name__ == "__main__":
    run(read_setting())

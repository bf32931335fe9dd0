"""drt with dagster-drt: a sync from DuckDB to its Klaviyo destination, through a run of Dagster.

https://github.com/drt-hub/drt. The destination has no setting for Klaviyo's address: the constant that holds it is
replaced. A run that left rows out has failed.
"""

# No `from __future__ import annotations`: Dagster reads the annotations of the asset as they stand.
import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_drt import DagsterDrtResource, drt_assets
from drt.destinations import klaviyo

from benchmarks.contenders.setting import FIELDS, PROPERTIES, Setting, read_setting


def write_project(setting: Setting) -> None:
    """What drt reads: its profile, its project, and one sync. JSON is YAML."""
    columns = {**FIELDS, **PROPERTIES}
    selected = ", ".join(f'"{column}" as "{name}"' for name, column in columns.items())
    # Its documentation asks to stay below the limits of an endpoint; putting members on a list allows 150 a minute.
    requests_per_second = 2.5 if setting.is_limited else 1_000
    files: dict[str, Any] = {
        ".drt/profiles.yml": {"bench": {"type": "duckdb", "database": ":memory:"}},
        "drt_project.yml": {"name": "bench", "profile": "bench"},
        "syncs/bench.yml": {
            "name": "bench",
            "model": f"select {selected} from read_parquet('{setting.customers}')",
            "destination": {"type": "klaviyo", "api_key_env": "KLAVIYO_API_KEY", "list_id": setting.list_id},
            "sync": {"mode": "full", "rate_limit": {"requests_per_second": requests_per_second}, "on_error": "fail"},
        },
    }
    for name, content in files.items():
        path = setting.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")


def run(setting: Setting) -> None:
    """One run of the sync."""
    write_project(setting)
    klaviyo._BASE = f"{setting.url}/api"

    project = str(setting.folder)

    def sync(context: dg.AssetExecutionContext, drt: DagsterDrtResource) -> Iterator[Any]:
        yield from drt.run(context=context)

    resources = {"drt": DagsterDrtResource(project_dir=project)}
    with dg.DagsterInstance.get() as instance:
        result = dg.materialize([drt_assets(project_dir=project)(sync)], instance=instance, resources=resources)
    [made] = result.get_asset_materialization_events()
    if made.materialization.metadata["rows_failed"].value:
        raise SystemExit("rows were left out")


if __name__ == "__main__":
    run(read_setting())

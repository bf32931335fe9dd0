"""What is measured: one export through a real run of Dagster, and beside it a run that does nothing.

Run as `python -m benchmarks.project idle|export`, in a process of its own, so that its start is measured too.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from datetime import date
from pathlib import Path

import dagster as dg

from klaviyo_assets import Consent, Export, Fields, FileSource, KlaviyoConnection, Limits, Match, Segment, build_defs

PROPERTIES = {"tier": "tier", "lifetime value": "ltv", "orders": "orders", "newsletter": "newsletter", "since": "since"}


def definitions(folder: Path) -> dg.Definitions:
    """The export of the customers in the folder, and three assets that do nothing."""
    consent = Consent(agreed_by="ada@example.com", agreed_on=date(2026, 11, 23))
    fields = Fields(
        first_name="FirstName",
        last_name="LastName",
        title="Title",
        phone_number="Mobile",
        external_id="CustomerId",
        properties=PROPERTIES,
    )
    export = Export(
        name="bench",
        connection="bench",
        list_name="Bench",
        segments=("segments/bench",),
        match=Match(email="EMail"),
        fields=fields,
        leavers="remove",
        limits=Limits(max_profiles=10_000_000),
    )
    source = FileSource(type="parquet", path=str(folder / "customers.parquet"))
    exported = build_defs(
        connections=[KlaviyoConnection(name="bench", consent=consent)],
        segments=[Segment(name="bench", source=source)],
        exports=[export],
        project_root=folder,
    )
    return dg.Definitions.merge(exported, dg.Definitions(assets=[_idle(name) for name in "abc"]))


def _idle(name: str) -> dg.AssetsDefinition:
    @dg.asset(key=["idle", name])
    def nothing() -> None:
        """Takes no time of its own."""

    return nothing


def main(what: str) -> None:
    """One run; prints what it took as JSON."""
    started = time.perf_counter()
    loaded = definitions(Path(os.environ["BENCH_FOLDER"]))
    first = {"idle": "idle", "export": ""}[what]
    keys = [key for key in loaded.resolve_all_asset_keys() if (key.path[0] == "idle") == bool(first)]
    job = loaded.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(instance=instance, asset_selection=keys)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "run_s": time.perf_counter() - started,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
        "report": _numbers(result) if what == "export" else {},
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _numbers(result: dg.ExecuteInProcessResult) -> dict[str, float]:
    for materialization in result.get_asset_materialization_events():
        if materialization.asset_key == dg.AssetKey(["klaviyo", "bench", "list"]):
            metadata = materialization.materialization.metadata
            return {name: v.value for name, v in metadata.items() if isinstance(v.value, int | float)}
    raise SystemExit("the export was not delivered")


if __name__ == "__main__":
    main(sys.argv[1])

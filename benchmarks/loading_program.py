"""The process that loads a project of many exports, which `loading` measures; it imports as little as a code location.

Its arguments: which project, how many exports, its folder; then `write` to write it first, or `tick` to evaluate its
sensors once it is loaded.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path

import dagster as dg
from dagster._core.remote_representation.external_data import RepositorySnap

PACKAGE = "many_exports"


def load(kind: str, count: int, folder: Path) -> dg.Definitions:
    """The definitions of a project."""
    if kind.endswith("YAML"):
        package = import_module(PACKAGE)
        return dg.ComponentTree.from_module(defs_module=package, project_root=folder).build_defs()
    if kind.startswith("bare"):
        return import_module("benchmarks.bare").bare(count, is_shared="shared" in kind)  # type: ignore[no-any-return]
    return import_module("benchmarks.many").ours(count, folder)  # type: ignore[no-any-return]


def tick(defs: dg.Definitions, folder: Path) -> None:
    """Evaluate all sensors, once to begin with and once more, and write down what the second took."""
    repository = defs.get_repository_def()
    keys = [key for key in defs.resolve_all_asset_keys() if key.path[0] == "segments"]
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\nnux: {enabled: false}\n")
    with dg.DagsterInstance.get() as instance:
        for key in keys:
            instance.report_runless_asset_event(dg.AssetMaterialization(key))
        cursors: dict[str, str | None] = {}
        for _ in range(2):
            started = os.times()
            for sensor in repository.sensor_defs:
                cursor = cursors.get(sensor.name)
                context = dg.build_sensor_context(instance, cursor=cursor, repository_def=repository)
                cursors[sensor.name] = sensor.evaluate_tick(context).cursor
            ended = os.times()
    cpu_s = max(0.0, ended.user + ended.system - started.user - started.system)  # the clock is coarse
    told = {"sensor_count": len(repository.sensor_defs), "tick_cpu_s": cpu_s}
    (folder / "ticks.json").write_text(json.dumps(told))


def main() -> None:
    """Write, load, or load and tick."""
    kind, count, folder, *then = sys.argv[1:]
    if then == ["write"]:
        if kind.endswith("YAML"):
            import_module("benchmarks.many").write_project(Path(folder), int(count), is_bare=kind.startswith("bare"))
        return
    defs = load(kind, int(count), Path(folder))
    RepositorySnap.from_def(defs.get_repository_def())
    if then == ["tick"]:
        tick(defs, Path(folder))


if __name__ == "__main__":
    main()

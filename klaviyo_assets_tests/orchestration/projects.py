"""A small project for tests: declarations, sources in a folder, and a Dagster instance of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from klaviyo_assets.exports import Export, KlaviyoConnection, Segment
from klaviyo_assets.orchestration.build import build_defs
from klaviyo_assets.orchestration.sharing import Automation

PEOPLE = ("ada@example.com", "bob@example.com", "cyd@example.com")


def connection(**changes: Any) -> KlaviyoConnection:
    """The connection `main`."""
    declared = {"name": "main", "consent": {"agreed_by": "ada@contoso.com", "agreed_on": "2026-11-23"}}
    return KlaviyoConnection.model_validate(declared | changes)


def segment(name: str = "vip", **changes: Any) -> Segment:
    """A segment that is read from `<name>.parquet`, and watched."""
    declared = {"name": name, "source": {"type": "parquet", "path": f"{name}.parquet"}}
    return Segment.model_validate(declared | changes)


def export(name: str = "vip", **changes: Any) -> Export:
    """An export of segment `vip` to a list that is named as the export."""
    declared = {
        "name": name,
        "connection": "main",
        "list_name": f"List {name}",
        "segments": ["segments/vip"],
        "match": {"email": "EMail"},
    }
    return Export.model_validate(declared | changes)


@dataclass
class Project:
    """Declarations and sources in a folder, with the instance in which they run."""

    root: Path
    instance: dg.DagsterInstance
    connections: Sequence[KlaviyoConnection] = field(default_factory=lambda: [connection()])
    segments: Sequence[Segment] = field(default_factory=lambda: [segment()])
    exports: Sequence[Export] = field(default_factory=lambda: [export()])
    others: Sequence[dg.Definitions] = ()
    automation: Automation = "each"

    @property
    def defs(self) -> dg.Definitions:
        """What is declared now, merged with other definitions of the project."""
        ours = build_defs(
            connections=self.connections,
            segments=self.segments,
            exports=self.exports,
            project_root=self.root,
            automation=self.automation,
        )
        return dg.Definitions.merge(ours, *self.others) if self.others else ours

    def write_source(self, emails: Sequence[str | None] = PEOPLE, segment: str = "vip", **columns: Any) -> None:
        """Put these customers into the segment's source."""
        pl.DataFrame({"EMail": pl.Series(emails, dtype=pl.String), **columns}).write_parquet(
            self.root / f"{segment}.parquet"
        )

    def read(self, key: str) -> pl.DataFrame:
        """What is stored under an asset key."""
        return pl.read_parquet(self.root / "storage" / f"{key}.parquet")

    def run_job(
        self, name: str = "export_vip", config: Mapping[str, bool] | None = None, *, export: str = "vip"
    ) -> dg.ExecuteInProcessResult:
        """Run a job, with this config of the export's list; of a job that exports share, the export's part."""
        is_part = self.automation == "shared" and name == f"export_{export}"
        keys = [dg.AssetKey(["klaviyo", export, part]) for part in ("profiles", "rejections", "list")]
        return self.defs.resolve_job_def("run_exports" if is_part else name).execute_in_process(
            instance=self.instance,
            asset_selection=keys if is_part else None,
            run_config=run_config(export, config),
            raise_on_error=False,
        )

    def materialize(self, *keys: str, config: Mapping[str, bool] | None = None) -> dg.ExecuteInProcessResult:
        """Materialize these assets, as somebody does who selects them in Dagster's page."""
        return self.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey.from_user_string(key) for key in keys],
            run_config=run_config("vip", config),
            raise_on_error=False,
        )

    def execute_checks(self, key: str, *names: str) -> dg.ExecuteInProcessResult:
        """Execute checks of an asset without materializing it."""
        selected = {dg.AssetCheckKey(dg.AssetKey.from_user_string(key), name) for name in names}
        job = self.defs.resolve_implicit_global_asset_job_def().get_subset(asset_check_selection=selected)
        return job.execute_in_process(instance=self.instance, raise_on_error=False)

    def refresh(self, segment: str = "vip", emails: Sequence[str | None] = PEOPLE) -> None:
        """Write the segment's source, and materialize its asset."""
        self.write_source(emails, segment=segment)
        assert self.materialize(f"segments/{segment}").success


def fields_of(definition: dg.OpDefinition | dg.ResourceDefinition) -> Mapping[str, Any]:
    """The fields of a definition's config, with their descriptions and defaults."""
    config: Any = definition.config_schema
    fields: Mapping[str, Any] = config.config_type.fields
    return fields


def run_config(export: str, config: Mapping[str, bool] | None) -> dict[str, Any]:
    """Run config of the export's list."""
    return {"ops": {f"klaviyo__{export}__list": {"config": dict(config)}}} if config else {}


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """The one sentence with which the run failed."""
    (event,) = result.get_step_failure_events()
    error = event.step_failure_data.error
    assert error is not None
    if event.step_failure_data.user_failure_data is not None:
        return event.step_failure_data.user_failure_data.description or ""
    return (error.cause or error).message


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks that the run made, by name."""
    return {found.check_name: found for found in result.get_asset_check_evaluations()}


def metadata_of(result: dg.ExecuteInProcessResult, key: str) -> dict[str, Any]:
    """The metadata with which the run materialized an asset, as plain values where they are plain."""
    asset_key = dg.AssetKey.from_user_string(key)
    (found,) = [
        event.materialization for event in result.get_asset_materialization_events() if event.asset_key == asset_key
    ]
    return {name: value.value for name, value in found.metadata.items()}


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    """The assets that the run materialized."""
    events = result.get_asset_materialization_events()
    return {event.asset_key.to_user_string() for event in events if event.asset_key}

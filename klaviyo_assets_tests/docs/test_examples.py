"""The examples of docs/assets.md, as somebody copies them: each delivers to a sandbox, and draws its lineage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from klaviyo_assets.sandbox import RunningSandbox, Settings, serve
from klaviyo_assets_tests.docs.pages import code_of


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSandbox]:
    """A local Klaviyo, named by the environment; the working directory is a new folder."""
    monkeypatch.chdir(tmp_path)
    with serve(Settings(job_duration_s=0.05)) as running:
        monkeypatch.setenv("KLAVIYO_API_URL", running.url)
        monkeypatch.setenv("KLAVIYO_API_KEY", running.key)
        monkeypatch.setenv("KLAVIYO_ASSETS_STORAGE", str(tmp_path / "storage"))
        yield running


def example(number: int) -> dg.Definitions:
    """The definitions of one example."""
    names: dict[str, Any] = {"__name__": f"example_{number}"}
    source = code_of("assets.md", "python")[number]
    exec(compile(source, f"docs/assets.md, example {number}", "exec", dont_inherit=True), names)
    defs: dg.Definitions = names["defs"]
    return defs


def materialize(defs: dg.Definitions, *keys: str, partition: str | None = None) -> bool:
    """Materialize these assets in one run."""
    selection = [dg.AssetKey.from_user_string(key) for key in keys]
    job = defs.resolve_implicit_global_asset_job_def()
    with dg.instance_for_test() as instance:
        result = job.execute_in_process(instance=instance, asset_selection=selection, partition_key=partition)
    return result.success


def on_lists(sandbox: RunningSandbox) -> set[str]:
    """Who is on any list."""
    lists = sandbox.state.lists(sandbox.account_id)
    return {member["email"] for each in lists for member in sandbox.members(each["id"])}


def parts(export: str) -> list[str]:
    """The assets of an export."""
    return [f"klaviyo/{export}/{part}" for part in ("profiles", "rejections", "list")]


def test_table_of_a_dbt_like_project(sandbox: RunningSandbox) -> None:
    """The model's gold customers arrive, and the list descends from the model."""
    defs = example(0)
    assert materialize(defs, "dim_customers", "loyal_customers", *parts("loyal"))
    graph = defs.resolve_asset_graph()
    above = graph.get_ancestor_asset_keys(dg.AssetKey(["klaviyo", "loyal", "list"]))

    assert on_lists(sandbox) == {"ada@example.com"}
    assert dg.AssetKey("dim_customers") in above


def test_of_a_partitioned_asset_the_last_partition_is_exported(
    sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three days the third arrives; as long as it is not there, nothing is sent."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    defs = example(1)
    files = dg.FilesystemIOManager(base_dir=str(tmp_path / "files"))
    defs = dg.Definitions.merge(defs, dg.Definitions(resources={"io_manager": files}))
    for day in ("2026-11-20", "2026-11-21"):
        assert materialize(defs, "customers_by_day", partition=day)
    with pytest.raises(FileNotFoundError, match="2026-11-22"):
        materialize(defs, *parts("snapshots"))
    assert on_lists(sandbox) == set()

    assert materialize(defs, "customers_by_day", partition="2026-11-22")
    assert materialize(defs, *parts("snapshots"))
    assert on_lists(sandbox) == {"customer-of-2026-11-22@example.com"}


def test_asset_of_another_code_location(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """What the other location stored is read by its IO manager, and exported."""

    @dg.asset
    def crm_customers() -> pl.DataFrame:
        """Made by the other code location."""
        return pl.DataFrame({"email": ["cyd@example.com"]})

    there = dg.Definitions(
        assets=[crm_customers],
        resources={"io_manager": dg.FilesystemIOManager(base_dir=str(tmp_path / "shared_files"))},
    )
    assert materialize(there, "crm_customers")
    assert materialize(example(2), *parts("crm"))
    assert on_lists(sandbox) == {"cyd@example.com"}


def test_exports_generated_in_python(sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each account gets the lists that were generated for it, and all exports share a job and two sensors."""
    for shop in ("RIGA", "OSLO"):
        monkeypatch.setenv(f"KLAVIYO_API_KEY_{shop}", sandbox.key)
    customers = tmp_path / "customers" / "oslo"
    customers.mkdir(parents=True)
    pl.DataFrame({"email": ["dag@example.com"]}).write_parquet(customers / "gold.parquet")
    defs = example(3)
    assert materialize(defs, "segments/oslo_gold", *parts("oslo_gold"))
    assert on_lists(sandbox) == {"dag@example.com"}
    jobs = {job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}
    assert jobs == {"run_exports", "run_all_exports", "verify_riga", "verify_oslo"}
    sensors = {sensor.name for sensor in defs.get_repository_def().sensor_defs}
    assert sensors == {"segments_refreshed", "sources_refreshed"}

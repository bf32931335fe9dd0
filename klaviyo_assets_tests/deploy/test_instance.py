"""dagster.yaml and workspace.yaml, loaded by Dagster itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin
from dagster._core.workspace.load import location_origins_from_yaml_paths
from dagster_postgres.run_storage import PostgresRunStorage
from dagster_postgres.utils import get_conn_string

from klaviyo_assets_tests.deploy.shipped import DEPLOY, FILLED_IN, ROOT, read_compose, read_yaml
from klaviyo_assets_tests.postgresql import OWNER, PASSWORD, serve_postgresql


@pytest.fixture(name="instance")
def open_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The shipped instance, and compose's variables but those that say where the database is."""
    shutil.copy(DEPLOY / "dagster.yaml", tmp_path)
    with serve_postgresql() as server:
        there = {"HOST": "127.0.0.1", "PORT": str(server.port), "USER": OWNER, "PASSWORD": PASSWORD, "DB": "postgres"}
        for name, value in read_compose()["daemon"]["environment"].items():
            monkeypatch.setenv(name, there.get(name.removeprefix("DAGSTER_POSTGRES_"), value))
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            yield instance


def test_instance_is_as_it_is_written(instance: dg.DagsterInstance) -> None:
    """Storage is in PostgreSQL, runs are queued, retried and watched, pools hold one, and nobody is called home to."""
    assert isinstance(instance.run_storage, PostgresRunStorage)
    assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
    assert instance.run_launcher.supports_check_run_worker_health
    pools = instance.get_concurrency_config().pool_config
    assert (pools.default_pool_limit, str(pools.pool_granularity)) == (1, "PoolGranularity.OP")
    assert (instance.run_retries_enabled, instance.run_monitoring_enabled) == (True, True)
    assert (instance.telemetry_enabled, instance.nux_enabled) == (False, False)


def test_instance_is_that_of_the_project() -> None:
    """What `dagster dev` of the project holds is held here too: the shipped file only adds to it."""
    own, shipped = read_yaml("dagster.yaml", ROOT), read_yaml("dagster.yaml")
    assert {name: shipped[name] for name in own.keys() - {"run_monitoring"}} == {
        name: own[name] for name in own.keys() - {"run_monitoring"}
    }
    assert own["run_monitoring"].items() <= shipped["run_monitoring"].items()


def test_workspace_is_the_code_location_of_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """The web page and the daemon find the code location where compose starts it, by the name of the project."""
    services = read_compose()
    for name in ("CODE_HOST", "CODE_PORT"):
        monkeypatch.setenv(name, services["web"]["environment"][name])
    (origin,) = location_origins_from_yaml_paths([str(DEPLOY / "workspace.yaml")])
    assert isinstance(origin, GrpcServerCodeLocationOrigin)
    assert origin.host in services
    assert f"--port={origin.port}" in services[origin.host]["command"]
    assert f"--location-name={origin.location_name}" in services[origin.host]["command"]


def test_password_may_be_any() -> None:
    """A password with characters that mean something in addresses reaches the database as it is."""
    told = get_conn_string(
        "dagster", FILLED_IN["POSTGRES_PASSWORD"], "postgres", "dagster", scheme="postgresql+psycopg2"
    )
    assert told == "postgresql+psycopg2://dagster:s3cr3t-p%C3%A4ssw%C3%B6rd@postgres:5432/dagster"
    assert read_yaml("dagster.yaml")["storage"]["postgres"]["postgres_db"]["scheme"] == told.partition(":")[0]

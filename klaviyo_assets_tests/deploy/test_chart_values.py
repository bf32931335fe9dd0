"""values.yaml against the names that Dagster's chart knows, its run launcher, and the instance that compose has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from dagster._config import process_config, resolve_to_config_type
from dagster_k8s import K8sRunLauncher
from dagster_k8s.job import UserDefinedDagsterK8sConfig

from klaviyo_assets_tests.deploy.shipped import read_yaml

SCHEMA = json.loads(Path(__file__).with_name("chart_values.schema.json").read_text(encoding="utf-8"))


def snake_case(value: Any) -> Any:
    """What the chart makes of names before it hands them to Dagster."""
    if isinstance(value, dict):
        return {re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower(): snake_case(each) for name, each in value.items()}
    return [snake_case(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(name="values")
def read_values() -> dict[str, Any]:
    """The file, anew for each test."""
    return read_yaml("values.yaml")


def test_chart_knows_every_value(values: dict[str, Any]) -> None:
    """Each name is one of the chart's, with a value of its type; a name that is not is found."""
    judge = jsonschema.Draft202012Validator(SCHEMA)
    judge.validate(values)
    values["dagsterDaemon"]["runRetry"] = values["dagsterDaemon"].pop("runRetries")
    assert not judge.is_valid(values)


def test_run_launcher_takes_its_part(values: dict[str, Any]) -> None:
    """What the chart makes of the launcher's values is taken by dagster-k8s; a word that Kubernetes lacks is not."""
    config = snake_case(values["runLauncher"]["config"]["k8sRunLauncher"])
    given = {"service_account_name": "dagster", "dagster_home": "/home", "instance_config_map": "instance"}
    taken = {"load_incluster_config", "image_pull_policy", "run_k8s_config", "fail_pod_on_run_failure"}
    config = {**given, **{name: value for name, value in config.items() if name in taken}}
    launcher: Any = K8sRunLauncher  # it has no types
    assert process_config(resolve_to_config_type(launcher.config_type()), config).success

    read: Any = UserDefinedDagsterK8sConfig.from_dict
    pods = config["run_k8s_config"]
    assert read(pods).container_config["resources"]["limits"] == {"memory": "2Gi"}
    with pytest.raises(Exception, match="grace_period"):
        read({**pods, "pod_spec_config": {"grace_period": 1}})


def test_chart_and_compose_make_the_same_instance(values: dict[str, Any]) -> None:
    """Pools, retries, monitoring, retention and telemetry are the same however the project is deployed."""
    instance = read_yaml("dagster.yaml")
    daemon = values["dagsterDaemon"]
    assert snake_case({name: values["concurrency"][name] for name in ("pools", "runs")}) == instance["concurrency"]
    assert snake_case(daemon["runRetries"]) == instance["run_retries"]
    assert snake_case(daemon["runMonitoring"]) == instance["run_monitoring"]
    assert snake_case(values["telemetry"]) == instance["telemetry"]
    kept = snake_case({name: values["retention"][name] for name in ("schedule", "sensor")})
    assert kept["sensor"]["purge_after_days"].pop("started") == -1  # for ever, which is Dagster's default
    assert kept == instance["retention"]


def test_no_value_is_a_secret(values: dict[str, Any]) -> None:
    """The database's password and the keys come from secrets that were made before."""
    assert "postgresqlPassword" not in values["postgresql"]
    assert values["generatePostgresqlPasswordSecret"] is False
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    assert [name for name in deployment["env"] if re.search(r"KEY|PASSWORD|SECRET|TOKEN", name)] == []
    assert deployment["includeConfigInLaunchedRuns"] == {"enabled": True}

"""This deployment: what `dagster dev` loads, from a checkout and from an installed package, and its instance."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

import klaviyo_assets
from klaviyo_assets import definitions

# Dagster warns of its own calls while it reads YAML.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
]

CHECKOUT = Path(klaviyo_assets.__file__).resolve().parent.parent

LOAD = """
from klaviyo_assets import definitions
keys = definitions.defs().resolve_all_asset_keys()
print(definitions.project_root(), *sorted(key.to_user_string() for key in keys), sep="\\n")
"""


def test_checkout() -> None:
    """From a checkout everything that is declared loads, once for a process, relative to the checkout."""
    defs = definitions.defs()
    assert {key.to_user_string() for key in defs.resolve_all_asset_keys()} == {
        "segments/high_value_customers",
        "segments/newsletter_readers",
        *(
            f"klaviyo/{export}/{part}"
            for export in ("high_value_customers", "newsletter")
            for part in ("profiles", "rejections", "list")
        ),
    }
    assert defs.executor is dg.in_process_executor
    assert definitions.defs() is defs
    assert definitions.project_root() == CHECKOUT


def test_installed(tmp_path: Path) -> None:
    """Installed, without a checkout around it, the package loads the same, relative to the working directory."""
    site, working = tmp_path / "site", tmp_path / "working"
    shutil.copytree(CHECKOUT / "klaviyo_assets", site / "klaviyo_assets", ignore=shutil.ignore_patterns("__pycache__"))
    working.mkdir()
    command = [sys.executable, "-W", "ignore", "-c", LOAD]
    loaded = subprocess.run(
        command, cwd=working, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, check=True
    )
    root, *keys = loaded.stdout.split()
    assert Path(root) == working
    assert keys == sorted(key.to_user_string() for key in definitions.defs().resolve_all_asset_keys())


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    """An instance with the project's configuration, in another folder."""
    shutil.copy(CHECKOUT / "dagster.yaml", tmp_path)
    return dg.DagsterInstance.from_config(str(tmp_path))


def test_instance(instance: dg.DagsterInstance) -> None:
    """The instance sends no telemetry, lets one delivery of an account run at a time, and repeats no refused run."""
    with instance:
        assert not instance.telemetry_enabled
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
        assert instance.run_retries_enabled
        assert instance.get_settings("run_retries")["retry_on_asset_or_op_failure"] is False

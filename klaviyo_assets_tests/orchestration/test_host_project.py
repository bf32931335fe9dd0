"""Inside somebody else's project: beside their assets, jobs, resources, IO managers and executor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from klaviyo_assets.orchestration.build import build_defs
from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.orchestration.projects import PEOPLE, Project, export, materialized, segment


class Forgetful(dg.IOManager):
    """The host's IO manager: it may be anything."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Keep nothing."""

    def load_input(self, context: dg.InputContext) -> Any:
        """Always the same people."""
        return pl.DataFrame({"EMail": PEOPLE[:2]})


THEIRS = dg.IOManagerDefinition.hardcoded_io_manager(Forgetful())


@pytest.fixture
def host(project: Project) -> Project:
    """A project with assets, a job, an IO manager and an executor of its own, and two exports."""

    @dg.asset(key=["crm", "people"])
    def people() -> str:
        return "nothing of this is kept"

    @dg.op
    def greet() -> None: ...

    @dg.job
    def greeting() -> None:
        greet()

    theirs = dg.Definitions(
        assets=[people],
        jobs=[greeting],
        resources={"io_manager": THEIRS, "klaviyo": dg.ResourceDefinition.hardcoded_resource("theirs")},
        executor=dg.multiprocess_executor,
        loggers={"console": dg.colored_console_logger},
    )
    project.others = [theirs]
    project.segments = [segment()]
    project.exports = [export(), export("crm", segments=["crm/people"])]
    return project


def test_loads_beside(host: Project) -> None:
    """The host's IO manager and jobs stay theirs, and its executor carries out our jobs too; our frames use our own."""
    defs = host.defs
    dg.Definitions.validate_loadable(defs)
    assert defs.executor is dg.multiprocess_executor
    for job in ("greeting", "export_vip", "run_all_exports", "verify_main", "__ASSET_JOB"):
        assert defs.resolve_job_def(job).executor_def is dg.multiprocess_executor, job
    assert (defs.resources or {})["io_manager"] is THEIRS


def test_exports_beside(host: Project, sandbox: RunningSandbox) -> None:
    """Exports of a segment of ours and of an asset of theirs work; each is stored by its own IO manager."""
    host.refresh()
    assert host.materialize("crm/people").success
    result = host.run_job("run_all_exports")
    assert result.success
    assert {"klaviyo/vip/list", "klaviyo/crm/list"} <= materialized(result)
    assert host.read("klaviyo/vip/profiles").height == 3
    assert host.read("klaviyo/crm/profiles").height == 2
    assert not (host.root / "storage" / "crm").exists()


def test_relative_and_absolute_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: Project) -> None:
    """Declarations without a root meet others in one project, where the working directory is their root."""
    monkeypatch.chdir(tmp_path)
    ours = build_defs(segments=[segment("other")])
    merged = dg.Definitions.merge(host.defs, ours)
    dg.Definitions.validate_loadable(merged)

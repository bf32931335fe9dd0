"""What the run launcher says of a run's process: there, gone with its code server, or out of sight."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._core.utils import make_new_run_id
from dagster._grpc.client import DagsterGrpcClient

LAUNCHER = {
    "run_launcher": {"module": "klaviyo_assets.orchestration.run_launcher", "class": "CodeServerRunLauncher"},
}


@pytest.fixture(name="instance")
def open_instance() -> Iterator[dg.DagsterInstance]:
    """An instance with the launcher."""
    with dg.instance_for_test(overrides=LAUNCHER) as instance:
        yield instance


@pytest.fixture(scope="module")
def code_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a code server that was just started."""
    file, port = tmp_path_factory.mktemp("code") / "nothing.py", free_port()
    file.write_text("import dagster\n\ndefs = dagster.Definitions()\n")
    command = [sys.executable, "-m", "dagster", "api", "grpc", "--port", str(port), "--python-file", str(file)]
    with subprocess.Popen(command, cwd=file.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            client: Any = DagsterGrpcClient(port=port, host="127.0.0.1")  # it has no types
            deadline = time.monotonic() + 60
            while client.health_check_query() != "SERVING":
                assert process.poll() is None
                assert time.monotonic() < deadline
            yield port
        finally:
            process.kill()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def told_of(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> WorkerStatus:
    """What the launcher says of a run that was started with these tags, and has not ended."""
    run = dg.DagsterRun(job_name="export", run_id=make_new_run_id(), tags=dict(tags))
    instance.add_run(run)
    return instance.run_launcher.check_run_worker_health(run).status


def started_at(port: int) -> dict[str, str]:
    """The tag by which Dagster remembers the code server that started a run."""
    return {GRPC_INFO_TAG: json.dumps({"host": "127.0.0.1", "port": port})}


def test_run_of_an_earlier_server_is_gone(instance: dg.DagsterInstance, code_server: int) -> None:
    """A server that was started anew at the same address has none of the runs before it."""
    assert told_of(instance, started_at(code_server)) is WorkerStatus.NOT_FOUND


def test_run_out_of_sight_is_not_taken_for_dead(instance: dg.DagsterInstance) -> None:
    """Where the server does not answer, and where none is known, the run counts as running."""
    assert told_of(instance, started_at(free_port())) is WorkerStatus.RUNNING
    assert told_of(instance, {}) is WorkerStatus.RUNNING


def test_monitoring_asks_the_launcher(instance: dg.DagsterInstance) -> None:
    """Dagster's daemon asks only launchers that say that they can tell."""
    assert instance.run_launcher.supports_check_run_worker_health

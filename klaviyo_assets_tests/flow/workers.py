"""A deployment whose parts run apart: PostgreSQL, code locations, daemons, a page, Redis, and Celery's workers.

The project's `definitions.py` and the workers' settings are those of `docs/workers.md`, as somebody copies them. What
becomes of runs is in the tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import httpx
import pytest
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from redis import Redis

from klaviyo_assets_tests.docs.pages import code_of
from klaviyo_assets_tests.flow.deployed import Deployment, Started
from klaviyo_assets_tests.flow.served import Served
from klaviyo_assets_tests.postgresql import OWNER, PASSWORD, Server

PAGE: Final = "workers.md"
DEFINITIONS: Final = code_of(PAGE, "python")[0]
WORKER_YAML: Final = code_of(PAGE, "yaml")[0]

_HOST: Final = "127.0.0.1"
_PATIENCE_S: Final = 60.0


def on_postgresql(dagster_yaml: str, server: Server) -> str:
    """The same instance, which keeps what it remembers in this server; its times are UTC, whatever the server's are."""
    database = {
        "scheme": "postgresql+psycopg2",
        "hostname": _HOST,
        "port": server.port,
        "username": OWNER,
        "password": PASSWORD,
        "db_name": "postgres",
        "params": {"options": "-c timezone=UTC"},
    }
    return f"{dagster_yaml}\nstorage: {json.dumps({'postgres': {'postgres_db': database}})}\n"


@dataclass
class Plant:
    """The processes of a deployment; each is ended by the number that it was started with."""

    deployment: Deployment
    environment: dict[str, str]
    page: Served = field(init=False)
    _started: list[Started] = field(default_factory=list)

    def start_location(self, name: str) -> None:
        """A server of the project's code, which the daemons and the page know by this name."""
        port = _free_port()
        where = ("-h", _HOST, "-p", str(port), "-m", "theirs.definitions", "--location-name", name)
        self._start("dagster", "api", "grpc", *where, "--log-level", "error", name=name)
        file = self.deployment.root / "workspace.yaml"
        known = json.loads(file.read_text())["load_from"] if file.exists() else []
        server = {"host": _HOST, "port": port, "location_name": name}
        file.write_text(json.dumps({"load_from": [*known, {"grpc_server": server}]}))

    def start_daemon(self, name: str) -> None:
        """Dagster's daemon."""
        self._start("dagster._daemon", "run", "-w", "workspace.yaml", name=name)

    def start_worker(self, name: str, *, takes_over_after_s: int | None = None) -> None:
        """A worker for two steps at once.

        Args:
            name: its name.
            takes_over_after_s: how long a step of another worker is left to it, where it is not as the page says.
        """
        settings = self.deployment.root / f"{name}.yaml"
        text = WORKER_YAML
        if takes_over_after_s is not None:
            text = re.sub(r"(visibility_timeout: )\d+", rf"\g<1>{takes_over_after_s}", text)
        settings.write_text(text)
        application = ("-A", "dagster_celery.app", "-y", str(settings), "-n", name)
        self._start("dagster_celery.cli", "worker", "start", *application, "--", "--concurrency", "2", name=name)

    def start_page(self, client: httpx.Client, *, location_count: int) -> None:
        """Dagster's page; return once it knows so many locations."""
        port = _free_port()
        process = self._start("dagster_webserver", "-w", "workspace.yaml", "-p", str(port), name="page")
        self.page = Served(self.deployment, process, f"http://{_HOST}:{port}", client)
        self.page.wait_for(lambda: self.page.count_locations() == location_count)

    def launch(self, job: str, *assets: str, location: str) -> str:
        """Start a job of a location as the page does, or these assets of it; the run's id."""
        return replace(self.page, location=location).launch(job, *assets)

    def launch_again(self, run_id: str) -> None:
        """Start a process for a run that has one, as a daemon does that took it from the queue when another one did."""
        with self.deployment.instance() as instance:
            run = instance.get_run_by_id(run_id)
            assert run is not None
            server = DagsterGrpcClient(**json.loads(run.tags[GRPC_INFO_TAG]))
            DefaultRunLauncher.launch_run_from_grpc_client(instance, run, server)

    def has_waiting_step(self, pool: str) -> bool:
        """Whether the pool has let a step in, and another one not yet."""
        with self.deployment.instance() as instance:
            found = instance.event_log_storage.get_concurrency_info(pool)
        return bool(found.active_slot_count and found.pending_step_count)

    def find_step(self, run_id: str, step: str) -> int:
        """The process that carries out a step of a run, or did so last."""
        with self.deployment.instance() as instance:
            events = [record.event_log_entry.dagster_event for record in instance.get_records_for_run(run_id).records]
        started = [each for each in events if each and each.is_step_start and each.step_key == step]
        pid = started[-1].pid
        assert pid is not None
        return pid

    def told(self, run_id: str) -> str:
        """What a run's log says."""
        with self.deployment.instance() as instance:
            records = instance.get_records_for_run(run_id).records
        return "\n".join(record.event_log_entry.message or record.event_log_entry.user_message for record in records)

    def passed_through_redis(self) -> str:
        """All that Redis still holds of what went through it."""
        with Redis.from_url(self.environment["CELERY_REDIS_URL"]) as redis:
            kept = [redis.get(key) for key in redis.scan_iter(match="celery-task-meta-*")]
        return "\n".join(each.decode() for each in kept if isinstance(each, bytes))

    def end(self) -> None:
        """End every process, with all that it has started."""
        for each in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.process.pid, signal.SIGKILL)
            each.process.wait()

    def _start(self, module: str, *arguments: str, name: str) -> Started:
        started = self.deployment.start_module(module, *arguments, name=name, **self.environment)
        self._started.append(started)
        return started


def kill_worker_of(process: int) -> None:
    """End a whole worker, by one of its processes, as a machine does that loses its power."""
    os.killpg(os.getpgid(process), signal.SIGKILL)


@contextmanager
def running(
    deployment: Deployment,
    *,
    redis: str,
    locations: Sequence[str],
    daemons: Sequence[str],
    workers: Sequence[str],
    environment: dict[str, str],
) -> Iterator[Plant]:
    """All parts, until the block is left.

    Args:
        deployment: what runs.
        redis: the address of the broker.
        locations: names of code locations, all of the same project.
        daemons: names.
        workers: names.
        environment: further variables, of every part.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where `dagster-celery` finds `celery`
    plant = Plant(deployment, {"PATH": path, "CELERY_REDIS_URL": redis, **environment})
    with deployment.instance() as instance:
        instance.get_runs_count()  # makes the tables, which two processes cannot do at once
    with ExitStack() as stack:
        stack.callback(plant.end)
        for name in locations:
            plant.start_location(name)
        for name in daemons:
            plant.start_daemon(name)
        for name in workers:
            plant.start_worker(name)
        client = stack.enter_context(httpx.Client(trust_env=False, timeout=60))
        plant.start_page(client, location_count=len(locations))
        yield plant


@contextmanager
def serve_redis() -> Iterator[str]:
    """The address of a server that keeps nothing; a test that needs one is skipped where it is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis's server is not installed")
    port = _free_port()
    options = ("--bind", _HOST, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", "/")
    with subprocess.Popen([program, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for_port(port, server)
            yield f"redis://{_HOST}:{port}/0"
        finally:
            server.kill()


def _wait_for_port(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection((_HOST, port)):
            return
        assert server.poll() is None, "the server did not start"
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.01)


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as server:
        return int(server.getsockname()[1])

"""The split deployment: a database, a code location, a web page and a daemon, started from the files in `deploy/`.

Its project, its Klaviyo and the bucket of its storage are those of the tests. What must be true of it is in the tests.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import dagster as dg
import httpx
import pytest
from upath import UPath

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.deploy.parts import Machine, Part
from klaviyo_assets_tests.deploy.shipped import DEPLOY, ROOT
from klaviyo_assets_tests.flow.deployed import Deployment, deploy
from klaviyo_assets_tests.flow.served import Served
from klaviyo_assets_tests.flow.test_served import with_short_waits
from klaviyo_assets_tests.postgresql import OWNER, PASSWORD, Server
from klaviyo_assets_tests.stores import SETTINGS

LOCATION: Final = "klaviyo_assets"


@dataclass(frozen=True)
class SplitProject(Deployment):
    """A project whose storage is in an object store, and whose Dagster keeps its things in a database."""

    bucket: str
    database: dict[str, str]

    @property
    def storage(self) -> UPath:  # type: ignore[override]
        """Where `KLAVIYO_ASSETS_STORAGE` says; listed anew, as by another process."""
        return UPath(self.bucket, skip_instance_cache=True)

    @cached_property
    def memory(self) -> dg.DagsterInstance:
        """What Dagster remembers, by the shipped file; opened once, since a test looks at it often."""
        with pytest.MonkeyPatch.context() as patched:
            for name, value in self.database.items():
                patched.setenv(name, value)
            return dg.DagsterInstance.from_config(str(self.home))

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """The same."""
        yield self.memory


@dataclass(frozen=True)
class Split:
    """The parts, and the page as a user asks it."""

    project: SplitProject
    database: Server
    parts: dict[str, Part]
    url: str
    client: httpx.Client
    secrets: dict[str, str]

    @property
    def page(self) -> Served:
        """The web page that runs now."""
        return Served(self.project, self.parts["web"].started, self.url, self.client, LOCATION)

    def restart(self, name: str) -> None:
        """Start a part again that ended, and return once the page is whole."""
        self.parts[name].start()
        self.page.wait_for(self.page.is_loaded)

    def can_tell(self, run_id: str) -> bool:
        """Whether the page answers how a run stands; after its database was away, the first question may fail."""
        query = {
            "query": "query ($run: ID!) {runOrError(runId: $run) {... on Run {status}}}",
            "variables": {"run": run_id},
        }
        return "errors" not in self.client.post(f"{self.url}/graphql", json=query).json()

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What `klaviyo-assets` answers in the code location."""
        here = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        program = str(Path(sys.executable).with_name("klaviyo-assets"))
        return subprocess.run(
            [program, *words],
            cwd=self.project.root,
            env={**here, **self.secrets},
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def split_deployment(root: Path, klaviyo: RunningSandbox, database: Server, store: str) -> Iterator[Split]:
    """A project with connection `main` and segment `vip`, and its parts, which are not running yet."""
    ports = {"4000": _free_port(), "3000": _free_port(), "5432": str(database.port)}
    bucket = f"s3://storage-{uuid4().hex}"
    UPath(bucket, skip_instance_cache=True).fs.mkdir(bucket)
    reached = {
        "DAGSTER_POSTGRES_HOST": "127.0.0.1",
        "DAGSTER_POSTGRES_PORT": str(database.port),
        "DAGSTER_POSTGRES_USER": OWNER,
        "DAGSTER_POSTGRES_PASSWORD": PASSWORD,
        "DAGSTER_POSTGRES_DB": "postgres",
        "CODE_HOST": "127.0.0.1",
        "CODE_PORT": ports["4000"],
        "POSTGRES_PASSWORD": PASSWORD,
        "KLAVIYO_ASSETS_STORAGE": bucket,
    }
    secrets = {
        **SETTINGS,
        "AWS_ENDPOINT_URL": store,
        "KLAVIYO_API_KEY": klaviyo.key,
        "KLAVIYO_API_URL": klaviyo.url,
        "KLAVIYO_ASSETS_STORAGE": bucket,
    }
    shipped = (DEPLOY / "dagster.yaml").read_text(encoding="utf-8")
    made: Any = deploy(root, klaviyo, dagster_yaml=with_short_waits(shipped))
    project = SplitProject(made.root, made.sandbox, bucket, reached)
    machine = Machine(root, reached, ports)
    parts = {name: Part(name, machine, secrets) for name in ("code", "web", "daemon")}
    with httpx.Client(trust_env=False, timeout=60) as client:
        yield Split(project, database, parts, f"http://127.0.0.1:{ports['3000']}", client, secrets)


@contextmanager
def running(split: Split) -> Iterator[Split]:
    """All parts, in the order in which Compose starts them, until the block is left."""
    try:
        split.parts["code"].start()
        split.parts["code"].started.wait_for(split.parts["code"].is_healthy)
        for name in ("web", "daemon"):
            split.parts[name].start()
        split.page.wait_for(split.page.is_loaded)
        yield split
    finally:
        for part in split.parts.values():
            part.stop()
        split.project.memory.dispose()


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])

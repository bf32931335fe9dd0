"""A deployment for tests of the whole: declarations in files, a home for Dagster, and runs in processes of their own.

Everything here goes the ways of a user: `defs.yaml`, command lines, environment variables, the storage folder. What
must be true after a run belongs in `truth.py`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import dagster as dg
import polars as pl

from klaviyo_assets.sandbox import RunningSandbox

ROOT: Final = Path(__file__).resolve().parents[2]
POOLED: Final = (ROOT / "dagster.yaml").read_text()
"""The instance of this project: one delivery at a time for each account, dead workers' runs are retried."""
UNPOOLED: Final = """
telemetry: {enabled: false}
nux: {enabled: false}
compute_logs: {module: dagster._core.storage.noop_compute_log_manager, class: NoOpComputeLogManager}
"""
"""An instance that keeps nothing apart, repeats nothing, and starts no processes of its own beside a run."""

PATIENCE_S: Final = 120.0  # a machine that is busy takes its time with a run

_PYTHON: Final = (sys.executable, "-W", "ignore")
_DAGSTER: Final = ("-m", "dagster")
_DAGSTER_WHEN_TOLD: Final = (
    "-c",
    "import runpy, sys, dagster._cli.asset, dagster._core.storage.event_log, httpx, klaviyo_assets\n"
    "if sys.stdin.readline(): runpy.run_module('dagster', run_name='__main__', alter_sys=True)",
)

_PYPROJECT: Final = """
[project]
name = "theirs"
version = "1"

[tool.dagster]
module_name = "theirs.definitions"
code_location_name = "theirs"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "theirs"
"""

DEFINITIONS: Final = """
import functools
from pathlib import Path

import dagster as dg


@dg.definitions
@functools.cache
def defs():
    declared = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    return dg.Definitions.merge(declared, dg.Definitions(executor=dg.in_process_executor))
"""


@dataclass(frozen=True)
class Started:
    """A process that was started, and the file that holds what it prints."""

    process: subprocess.Popen[bytes]
    output: Path

    def tell(self) -> None:
        """Let a process that was prepared begin."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"begin\n")
        self.process.stdin.close()

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        """Whether it came true while the process ran."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if self.process.poll() is not None:
                return False
            assert time.monotonic() < deadline, f"nothing came of waiting:\n{self.told()}"
            time.sleep(0.001)
        return True

    def end(self, number: signal.Signals) -> int:
        """Send the signal, and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def finish(self) -> str:
        """Wait for the end, which must be a success; what was printed."""
        code = self.process.wait(PATIENCE_S)
        assert code == 0, f"ended with {code}:\n{self.told()}"
        return self.told()

    def told(self) -> str:
        """The end of what was printed so far."""
        return self.output.read_text()[-6_000:]


@dataclass(frozen=True)
class Deployment:
    """A project in a folder that exports to a sandbox; its storage and Dagster's home lie below the same folder."""

    root: Path
    sandbox: RunningSandbox

    @property
    def storage(self) -> Path:
        """Where the project stores by default."""
        return self.root / "storage"

    @property
    def home(self) -> Path:
        """Dagster's."""
        return self.root / "home"

    def declare(self, kind: str, **attributes: Any) -> None:
        """Write a declaration; one of the same kind and name is replaced."""
        folder = self.root / "theirs" / "defs" / kind / attributes["name"]
        folder.mkdir(parents=True, exist_ok=True)
        document = {"type": f"klaviyo_assets.{kind}Component", "attributes": attributes}
        (folder / "defs.yaml").write_text(json.dumps(document))  # JSON is YAML too

    def declare_export(self, name: str = "vip", **changes: Any) -> None:
        """Declare an export of segment `vip` to a list that is named as the export; it removes leavers."""
        facts = {
            "connection": "main",
            "list_name": f"List {name}",
            "segments": ["segments/vip"],
            "match": {"email": "EMail"},
            "fields": {"properties": {"value": "value"}},
            "leavers": "remove",
        }
        self.declare("KlaviyoExport", name=name, **{**facts, **changes})

    def write_customers(self, customers: pl.DataFrame, segment: str = "vip") -> None:
        """Put these customers into the segment's source."""
        customers.write_parquet(self.root / f"{segment}.parquet")

    def environment(self, **more: str) -> dict[str, str]:
        """The variables with which the project exports to the sandbox."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KLAVIYO_", "DAGSTER_"))}
        ours = {
            "PYTHONPATH": str(ROOT),
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "KLAVIYO_API_URL": self.sandbox.url,
            "KLAVIYO_API_KEY": self.sandbox.key,
        }
        return {**inherited, **ours, **more}

    def start(self, *arguments: str, name: str = "output", **environment: str) -> Started:
        """Start `dagster` with these arguments, in the project's folder and in a session of its own."""
        return self._start([*_PYTHON, *_DAGSTER, *arguments], name, self.environment(**environment))

    def start_page(self, *arguments: str) -> Started:
        """Start `dagster-webserver` with these arguments, as `start` does."""
        command = [*_PYTHON, "-m", "dagster_webserver", "-m", "theirs.definitions", *arguments]
        return self._start(command, "page", self.environment())

    def start_module(self, module: str, *arguments: str, name: str, **environment: str) -> Started:
        """Start a Python module with these arguments, as `start` does."""
        return self._start([*_PYTHON, "-m", module, *arguments], name, self.environment(**environment))

    def start_export(self, export: str = "vip", **environment: str) -> Started:
        """Start a run that reads the segments anew, maps and delivers them."""
        return self.start(*_materialize(export), name=export, **environment)

    @contextmanager
    def prepare_export(self, export: str = "vip") -> Iterator[Started]:
        """The same, all imported and waiting to be told to begin; who never is ends with the block."""
        command = [*_PYTHON, *_DAGSTER_WHEN_TOLD, *_materialize(export)]
        prepared = self._start(command, f"{export}-{uuid4().hex}", self.environment(), stdin=subprocess.PIPE)
        with prepared.process:  # closes its standard input, which ends who waits for it
            yield prepared

    def _start(
        self, command: Sequence[str], name: str, environment: Mapping[str, str], *, stdin: int = subprocess.DEVNULL
    ) -> Started:
        output = self.root / f"{name}.txt"
        # A script that starts tests in the background has SIGINT ignored, and children would inherit that.
        restore = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
        with output.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=self.root,
                env=environment,
                stdin=stdin,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=restore,
            )
        return Started(process, output)

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """What Dagster remembers."""
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            yield instance

    def numbers(self, export: str = "vip") -> dict[str, float]:
        """The numbers of the export's last delivery."""
        with self.instance() as instance:
            event = instance.get_latest_materialization_event(dg.AssetKey(["klaviyo", export, "list"]))
        assert event is not None, f"{export} was not delivered"
        assert event.asset_materialization is not None
        metadata = event.asset_materialization.metadata
        return {name: float(str(found.value)) for name, found in metadata.items() if _is_number(found.value)}


def deploy(root: Path, sandbox: RunningSandbox, *, dagster_yaml: str, definitions: str = DEFINITIONS) -> Deployment:
    """A project with connection `main`, segment `vip`, which is read from `vip.parquet`, and no export yet."""
    defs = root / "theirs" / "defs"
    defs.mkdir(parents=True)
    (root / "home").mkdir()
    (root / "home" / "dagster.yaml").write_text(dagster_yaml)
    (root / "pyproject.toml").write_text(_PYPROJECT)
    (root / "theirs" / "definitions.py").write_text(definitions)
    for package in (root / "theirs", defs):
        (package / "__init__.py").touch()
    deployment = Deployment(root, sandbox)
    consent = {"agreed_by": "a@contoso.com", "agreed_on": "2026-11-23"}
    deployment.declare("KlaviyoConnection", name="main", consent=consent)
    deployment.declare("Segment", name="vip", source={"type": "parquet", "path": "vip.parquet"}, watch=False)
    return deployment


def _materialize(export: str) -> tuple[str, ...]:
    return ("asset", "materialize", "-m", "theirs.definitions", "--select", f'+key:"klaviyo/{export}/list"')


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

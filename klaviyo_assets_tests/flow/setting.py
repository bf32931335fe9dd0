"""A project whose Dagster home lies on disk: several processes share it, and a test reads all that it keeps.

A run in a process of its own is started with `Process`; what must be true after it belongs in the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import dagster as dg

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.orchestration.projects import Project, export, failure_of, materialized, metadata_of

PATIENCE_S: Final = 180.0  # a machine that is busy takes its time with a run
_QUIET: Final = """
telemetry: {enabled: false}
nux: {enabled: false}
"""


@contextmanager
def open_project(root: Path) -> Iterator[Project]:
    """The project in this folder, with an instance that forgets nothing; no pool has a limit in it."""
    home = root / "home"
    home.mkdir(exist_ok=True)
    if not (home / "dagster.yaml").exists():
        (home / "dagster.yaml").write_text(_QUIET)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield Project(root, instance)


@dataclass(frozen=True)
class Outcome:
    """What a run in another process came to: numbers where it delivered, else the sentence with which it failed."""

    numbers: dict[str, float]
    failure: str | None


class Process:
    """A run of one export in a process of its own, which waits to be told before it begins."""

    def __init__(self, root: Path, sandbox: RunningSandbox, name: str = "vip", **changes: Any) -> None:
        self._file = root / f"{time.monotonic_ns()}.stderr"
        environment = {"KLAVIYO_API_URL": sandbox.url, "KLAVIYO_API_KEY": sandbox.key}
        with self._file.open("wb") as told:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(root), json.dumps({"name": name, **changes})],
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=told,
                text=True,
            )
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    def is_ready(self) -> None:
        """Return once it waits to be told."""
        assert self._stdout.readline() == "ready\n", self.told()

    def tell(self) -> None:
        """Let it begin."""
        self._stdin.write("begin\n")
        self._stdin.flush()

    def outcome(self) -> Outcome:
        """Wait for the end."""
        printed, _ = self._process.communicate(timeout=PATIENCE_S)
        assert self._process.returncode == 0, self.told()
        return Outcome(**json.loads(printed))

    def told(self) -> str:
        """What it has logged so far."""
        return self._file.read_text()

    def waits_for_another(self) -> bool:
        """Whether it has said that it waits for another delivery."""
        return "Waits for another delivery" in self.told()

    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End it as the kernel does that runs out of memory; harmless where it has ended."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def prepared(root: Path, sandbox: RunningSandbox, *exports: dict[str, Any]) -> Iterator[list[Process]]:
    """One process for each export, all imported and waiting; none outlives the block."""
    processes = [Process(root, sandbox, **each) for each in exports]
    try:
        for each in processes:
            each.is_ready()
        yield processes
    finally:
        for each in processes:
            each.kill()


def wait_until(condition: Callable[[], bool], processes: Sequence[Process]) -> None:
    """Return once the condition holds; it must, before all these processes are over."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        told = "\n\n".join(each.told()[-3_000:] for each in processes)
        assert not all(each.is_over() for each in processes), f"all ended before it came true:\n{told}"
        assert time.monotonic() < deadline, f"nothing came of waiting:\n{told}"
        time.sleep(0.01)


def _main(root: str, declared: str) -> None:
    """Run the export that is declared, and print what came of it."""
    facts = json.loads(declared)
    name = facts["name"]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if not sys.stdin.readline():
        return
    with open_project(Path(root)) as project:
        project.exports = [export(**facts)]
        result = project.run_job(f"export_{name}", export=name)
        key = f"klaviyo/{name}/list"
        found = metadata_of(result, key) if key in materialized(result) else {}
        numbers = {k: v for k, v in found.items() if isinstance(v, int | float)}
        failure = None if result.success else failure_of(result)
    sys.stdout.write(json.dumps({"numbers": numbers, "failure": failure}))


if __name__ == "__main__":
    _main(*sys.argv[1:])

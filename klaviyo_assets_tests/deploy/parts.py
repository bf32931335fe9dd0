"""The parts of the split deployment as processes of this machine, started as `deploy/compose.yaml` says.

A part is given the command, the variables and the health check of its service, and nothing of this process's
environment but where programs are. What only containers have stands in one table: names of hosts, ports, and paths.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from klaviyo_assets_tests.deploy.shipped import DEPLOY, ROOT, read_compose
from klaviyo_assets_tests.flow.deployed import PATIENCE_S, Started

HOME_IN_IMAGE: Final = "/opt/dagster/home"


@dataclass(frozen=True)
class Machine:
    """What containers have and processes have not, and what takes its place here."""

    folder: Path
    environment: Mapping[str, str]
    """What stands instead of the variables of compose.yaml that name another container."""
    ports: Mapping[str, str]
    """The port of this machine for each of a container."""

    @property
    def home(self) -> Path:
        """Dagster's, with the files that compose.yaml mounts into it."""
        return self.folder / "home"

    def mount(self, part: Mapping[str, Any]) -> None:
        """Put the files of `deploy/` where the part's volumes say."""
        for source, target in (str(volume).split(":")[:2] for volume in part["volumes"]):
            if (DEPLOY / source).is_file():
                place = Path(self.translate(target))
                place.parent.mkdir(exist_ok=True)
                if not place.exists():
                    shutil.copy(DEPLOY / source, place)

    def translate(self, word: str) -> str:
        """A word of a command, as it must be on this machine."""
        word = word.replace(HOME_IN_IMAGE, str(self.home)).replace("0.0.0.0", "127.0.0.1")
        for inside, outside in self.ports.items():
            word = outside if word == inside else word.replace(f"={inside}", f"={outside}")
            word = word.replace(f":{inside}/", f":{outside}/")
        return word


@dataclass
class Part:
    """A service of compose.yaml; it is not running before it is started."""

    name: str
    machine: Machine
    more: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What `.env` gives it."""
    _started: Started | None = None

    @property
    def started(self) -> Started:
        """Its process."""
        assert self._started is not None, f"{self.name} was not started"
        return self._started

    def start(self) -> None:
        """Start it, in a session of its own: what it starts ends with it, as in a container."""
        service = read_compose({"CODE_MODULE": "theirs.definitions", **self.machine.environment})[self.name]
        self.machine.mount(service)
        output = self.machine.folder / f"{self.name}.txt"
        # A script that starts tests in the background has SIGINT ignored, and children would inherit that.
        restore = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
        with output.open("ab") as file:
            process = subprocess.Popen(
                self._command(service["command"]),
                cwd=self.machine.folder,
                env=self._environment(service),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=restore,
            )
        self._started = Started(process, output)

    def kill(self) -> None:
        """End it and all that it started, as the kernel does."""
        os.killpg(self.started.process.pid, signal.SIGKILL)
        self.started.process.wait(PATIENCE_S)

    def stop(self) -> None:
        """End it as Compose does, where it is running."""
        if self._started is not None and self._started.process.poll() is None:
            self._started.end(signal.SIGTERM)

    def is_healthy(self) -> bool:
        """What its health check says."""
        service = read_compose(self.machine.environment)[self.name]
        checked = subprocess.run(
            self._command(service["healthcheck"]["test"][1:]),
            cwd=self.machine.folder,
            env=self._environment(service),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return checked.returncode == 0

    def _command(self, words: Sequence[str]) -> list[str]:
        program, *arguments = (self.machine.translate(word) for word in words)
        return [str(Path(sys.executable).with_name(program)), *arguments]

    def _environment(self, service: Mapping[str, Any]) -> dict[str, str]:
        told = {name: self.machine.environment.get(name, value) for name, value in service["environment"].items()}
        here = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(self.machine.folder)}
        return {**here, **(self.more if "env_file" in service else {}), **told, "DAGSTER_HOME": str(self.machine.home)}

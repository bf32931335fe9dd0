"""A PostgreSQL server of the tests' own, with a new cluster, on a port of this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

OWNER: Final = "owner"
PASSWORD: Final = "s3cr3t-pässwörd"


@dataclass(frozen=True)
class Server:
    """A cluster in a folder; its only user is `owner`."""

    programs: Path
    folder: Path
    port: int

    @property
    def address(self) -> str:
        """Host and port, as in a URL."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The database's."""
        return f"postgresql://{OWNER}:{quote(PASSWORD)}@{self.address}/postgres"

    def prepare(self) -> None:
        """Make the cluster."""
        (self.folder / "password").write_text(PASSWORD, encoding="utf-8")
        if user := _user():
            for path in (self.folder, self.folder / "password"):
                shutil.chown(path, user["user"], user["group"])
        how = ("--auth=scram-sha-256", "--pwfile=password", "--no-sync")
        self._run("initdb", "--pgdata=data", f"--username={OWNER}", *how)

    def start(self) -> None:
        """Return once it answers; after a kill it recovers first."""
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k '' -c fsync=off -c timezone=Asia/Kathmandu"
        self._run("pg_ctl", "start", "--wait", "--pgdata=data", "--log=log", f"--options={options}")

    def kill(self) -> None:
        """End it without a word to anybody: all connections are cut, nothing is written down."""
        self._run("pg_ctl", "stop", "--wait", "--pgdata=data", "--mode=immediate")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            **_user(),
        )
        assert done.returncode == 0, done.stderr.decode() or done.stdout.decode()


@contextmanager
def serve_postgresql() -> Iterator[Server]:
    """A server until the block is left; a test that needs one is skipped where it is not installed."""
    programs = _find_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed")
    with tempfile.TemporaryDirectory() as name:
        server = Server(programs, Path(name), _free_port())
        server.prepare()
        server.start()
        try:
            yield server
        finally:
            server.kill()


def _find_programs() -> Path | None:
    found = shutil.which("initdb")
    if found and Path(found).resolve().with_name("pg_ctl").exists():
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)  # where Debian keeps them, off the path


def _user() -> dict[str, Any]:
    # A server does not start as root.
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])

"""A PostgreSQL server of the tests' own: a new cluster in a folder of its own, on a port of this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klaviyo_assets_tests.segments.databases import PEOPLE, Crm, write_duckdb, write_postgresql, write_sqlite

PASSWORD = "s3cr3t-pässwörd"


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
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The server's host and port, as in a URL; its only user is `owner`."""
    programs = _find_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed")
    user = _user()
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), _free_port()
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        if user:
            shutil.chown(folder, user["user"], user["group"])
            shutil.chown(folder / "password", user["user"], user["group"])

        def run(program: str, *arguments: str) -> None:
            environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
            command = [str(programs / program), *arguments]
            done = subprocess.run(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False, **user
            )
            assert done.returncode == 0, done.stderr.decode() or done.stdout.decode()

        run("initdb", "--pgdata=data", "--username=owner", "--auth=scram-sha-256", "--pwfile=password", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k '' -c fsync=off -c timezone=Asia/Kathmandu"
        run("pg_ctl", "start", "--wait", "--pgdata=data", "--log=log", f"--options={options}")
        try:
            yield f"127.0.0.1:{port}"
        finally:
            run("pg_ctl", "stop", "--wait", "--pgdata=data", "--mode=immediate")


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """The URL of the server's database."""
    return f"postgresql://owner:s3cr3t-p%C3%A4ssw%C3%B6rd@{postgresql_server}/postgres"


@pytest.fixture(params=["postgresql", "sqlite", "duckdb"])
def crm(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crm:
    """Each kind of database in turn, with people in it."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql")
        write_postgresql(url, PEOPLE)
        monkeypatch.setenv("CRM_URL", url)
        return Crm("postgresql", tmp_path, url)
    file = tmp_path / f"crm.{request.param}"
    {"sqlite": write_sqlite, "duckdb": write_duckdb}[request.param](file, PEOPLE)
    monkeypatch.setenv("CRM_URL", f"{request.param}:///{file.name}")
    return Crm(request.param, tmp_path, str(file))


@pytest.fixture
def server(postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crm:
    """The server alone, with people in it."""
    write_postgresql(postgresql, PEOPLE)
    monkeypatch.setenv("CRM_URL", postgresql)
    return Crm("postgresql", tmp_path, postgresql)

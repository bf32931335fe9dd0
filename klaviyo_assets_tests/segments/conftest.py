"""Servers of the tests' own, on ports of this machine: PostgreSQL with a new cluster, and stores that speak S3."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from s3fs import S3FileSystem  # type: ignore[import-untyped]
from upath import UPath

from klaviyo_assets_tests.postgresql import serve_postgresql
from klaviyo_assets_tests.segments.databases import PEOPLE, Crm, write_duckdb, write_postgresql, write_sqlite


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The server's host and port, as in a URL; its only user is `owner`."""
    with serve_postgresql() as server:
        yield server.address


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


@contextmanager
def _serve_s3(**environment: str) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    output = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env={**os.environ, **environment}, **output) as server:  # type: ignore[call-overload]
        try:
            assert any("Running on" in line for line in server.stderr), "the server did not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a store that takes any key."""
    with _serve_s3() as address:
        yield address


@pytest.fixture(scope="session")
def s3_server_that_refuses() -> Iterator[str]:
    """The address of a store that knows no key."""
    with _serve_s3(INITIAL_NO_AUTH_ACTION_COUNT="0") as address:
        yield address


def _point_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "eu-north-1",
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "s3cr3t",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()  # it keeps the keys and the address that it was made with


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[UPath]:
    """A new bucket of the store that the environment leads to."""
    _point_to(s3_server, monkeypatch)
    bucket = UPath(f"s3://lake-{uuid4().hex}")
    bucket.fs.mkdir(bucket.path)
    yield bucket
    S3FileSystem.clear_instance_cache()


@pytest.fixture(params=["refuses", "is not there", "has no key"])
def s3_in_vain(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a bucket that cannot be read, for each reason in turn."""
    refusing: str = request.getfixturevalue("s3_server_that_refuses")
    _point_to(refusing if request.param != "is not there" else f"http://127.0.0.1:{_free_port()}", monkeypatch)
    if request.param == "has no key":
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    yield "s3://lake"
    S3FileSystem.clear_instance_cache()

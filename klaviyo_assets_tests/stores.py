"""A storage in an object store: a real server that speaks S3, on this machine."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from upath import UPath

SETTINGS = {
    "AWS_ALLOW_HTTP": "true",
    "AWS_REGION": "eu-north-1",
    "AWS_ACCESS_KEY_ID": "AKIATEST",
    "AWS_SECRET_ACCESS_KEY": "s3cr3t",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Store:
    """A store that takes any key, in a process of its own: who asks it may hold up all threads."""

    address: str
    process: subprocess.Popen[str]

    @property
    def is_asked(self) -> bool:
        """Whether somebody waits for it: has connected, or sent what it has not read.

        https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html
        """
        port = f":{int(self.address.rpartition(':')[2]):04X}"
        sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return any(int(queues.partition(":")[2], 16) for _, local, _, _, queues, *_ in sockets if local.endswith(port))

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Until the block is left, it takes connections, and answers nobody."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """One for all tests."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            lines = (re.search(r"Running on (http://127\.0\.0\.1:\d+)", line) for line in server.stderr)
            listening = next(found[1] for found in lines if found)
            # It tells each request, and stands still once nobody listens any more.
            threading.Thread(target=server.stderr.read, daemon=True).start()
            yield Store(listening, server)
        finally:
            server.kill()


@pytest.fixture(scope="session")
def store_address(store: Store) -> str:
    """Where the store listens."""
    return store.address


@pytest.fixture
def s3_storage(store_address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[UPath]:
    """A new bucket of the store, to which the environment leads."""
    for name, value in {**SETTINGS, "AWS_ENDPOINT_URL": store_address}.items():
        monkeypatch.setenv(name, value)
    from s3fs import S3FileSystem  # type: ignore[import-untyped]

    S3FileSystem.clear_instance_cache()  # it keeps the keys and the address that it was made with
    bucket = UPath(f"s3://storage-{uuid4().hex}")
    bucket.fs.mkdir(bucket.path)
    yield bucket
    S3FileSystem.clear_instance_cache()

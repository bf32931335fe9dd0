"""`klaviyo-assets forget` where the storage is an object store."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from uuid import uuid4

import polars as pl
import pytest
from s3fs import S3FileSystem  # type: ignore[import-untyped]
from upath import UPath

from klaviyo_assets.frames import PROFILES
from klaviyo_assets.ledger import DeltaLedger, Forgotten, fold, list_files
from klaviyo_assets.orchestration.forgetting import find_other_addresses, forget
from klaviyo_assets.orchestration.storage import frame_path, replace_file, scan_file
from klaviyo_assets_tests.frames_made import NOON, made, profiles
from klaviyo_assets_tests.ledger.test_contract import STAMP, deliver, people

SETTINGS = {
    "AWS_ALLOW_HTTP": "true",
    "AWS_REGION": "eu-north-1",
    "AWS_ACCESS_KEY_ID": "AKIATEST",
    "AWS_SECRET_ACCESS_KEY": "s3cr3t",
    "AWS_EC2_METADATA_DISABLED": "true",
}
ZOE, ADA = "zoe.zyzzyva@example.com", "ada@example.com"


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where a store listens that takes any key; in a process of its own: who asks it may hold up all threads."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            lines = (re.search(r"Running on (http://127\.0\.0\.1:\d+)", line) for line in server.stderr)
            listening = next(found[1] for found in lines if found)
            # It tells each request, and stands still once nobody listens any more.
            threading.Thread(target=server.stderr.read, daemon=True).start()
            yield listening
        finally:
            server.kill()


@pytest.fixture
def s3(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[UPath]:
    """A new bucket of the store, to which the environment leads."""
    for name, value in {**SETTINGS, "AWS_ENDPOINT_URL": address}.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()  # it keeps the keys and the address that it was made with
    bucket = UPath(f"s3://storage-{uuid4().hex}")
    bucket.fs.mkdir(bucket.path)
    yield bucket
    S3FileSystem.clear_instance_cache()


def places_of(storage: UPath, marker: str) -> list[str]:
    """Every object that holds the marker: in its bytes, its name, or its rows."""
    found = []
    for path in list_files(storage):
        content = path.read_bytes()
        rows = pl.read_parquet(io.BytesIO(content)).write_json() if content.startswith(b"PAR1") else ""
        if marker in path.name + content.decode("latin-1") + rows:
            found.append(str(path))
    return found


def test_nothing_is_left_in_a_store(s3: UPath) -> None:
    """Ledgers, frames and marks in a bucket are what they are in a folder, also to a process that listed it before."""
    ledger = DeltaLedger(s3 / "ledgers" / "vip" / "Ab12Cd" / "YafG4m")
    deliver(ledger, people(ZOE, ADA), body="1")
    deliver(ledger, people(ZOE, change="update", payload=f'{{"email":"{ZOE}"}}'), body="2")
    replace_file(profiles({ZOE: f'{{"email":"{ZOE}"}}', ADA: "{}"}), frame_path(s3, "vip", "profiles"))
    before = Forgotten(s3)
    assert before.since(ZOE) is None
    assert len(places_of(s3, ZOE)) > 2
    done = forget([ZOE, *find_other_addresses(ZOE, storage=s3)], storage=s3, exports=[])

    assert {each.place.partition("/")[0] for each in done.erased} == {"ledgers", "klaviyo"}
    assert places_of(s3, ZOE) == []
    assert fold(ledger.read_receipts()).collect()["email"].to_list() == [ADA]
    assert scan_file(frame_path(s3, "vip", "profiles")).collect()["email"].to_list() == [ADA]
    assert before.since(ZOE) is not None
    assert before.withhold(profiles({ZOE: "{}"}), made(PROFILES, []).lazy())[0].collect().is_empty()


def test_a_mark_is_made_once_in_a_store(s3: UPath) -> None:
    """Neither the secret nor the time of a mark is written over by whoever forgets after it."""
    Forgotten(s3).remember(ZOE, at=NOON)
    Forgotten(s3).remember(ADA, at=NOON)
    Forgotten(s3).remember(ZOE, at=STAMP.at.max)

    assert Forgotten(s3).since(ZOE) == NOON
    assert Forgotten(s3).pardon(ZOE)
    assert (Forgotten(s3).since(ZOE), Forgotten(s3).since(ADA)) == (None, NOON)

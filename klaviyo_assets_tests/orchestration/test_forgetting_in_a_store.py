"""`klaviyo-assets forget` where the storage is an object store."""

from __future__ import annotations

import io

import polars as pl
from upath import UPath

from klaviyo_assets.frames import PROFILES
from klaviyo_assets.ledger import DeltaLedger, Forgotten, fold, list_files
from klaviyo_assets.orchestration.forgetting import find_other_addresses, forget
from klaviyo_assets.orchestration.storage import frame_path, replace_file, scan_file
from klaviyo_assets_tests.frames_made import NOON, made, profiles
from klaviyo_assets_tests.ledger.test_contract import STAMP, deliver, people

ZOE, ADA = "zoe.zyzzyva@example.com", "ada@example.com"


def places_of(storage: UPath, marker: str) -> list[str]:
    """Every object that holds the marker: in its bytes, its name, or its rows."""
    found = []
    for path in list_files(storage):
        content = path.read_bytes()
        rows = pl.read_parquet(io.BytesIO(content)).write_json() if content.startswith(b"PAR1") else ""
        if marker in path.name + content.decode("latin-1") + rows:
            found.append(str(path))
    return found


def test_nothing_is_left_in_a_store(s3_storage: UPath) -> None:
    """Ledgers, frames and marks in a bucket are what they are in a folder, also to a process that listed it before."""
    ledger = DeltaLedger(s3_storage / "ledgers" / "vip" / "Ab12Cd" / "YafG4m")
    deliver(ledger, people(ZOE, ADA), body="1")
    deliver(ledger, people(ZOE, change="update", payload=f'{{"email":"{ZOE}"}}'), body="2")
    replace_file(profiles({ZOE: f'{{"email":"{ZOE}"}}', ADA: "{}"}), frame_path(s3_storage, "vip", "profiles"))
    before = Forgotten(s3_storage)
    assert before.since(ZOE) is None
    assert len(places_of(s3_storage, ZOE)) > 2
    done = forget([ZOE, *find_other_addresses(ZOE, storage=s3_storage)], storage=s3_storage, exports=[])

    assert {each.place.partition("/")[0] for each in done.erased} == {"ledgers", "klaviyo"}
    assert places_of(s3_storage, ZOE) == []
    assert fold(ledger.read_receipts()).collect()["email"].to_list() == [ADA]
    assert scan_file(frame_path(s3_storage, "vip", "profiles")).collect()["email"].to_list() == [ADA]
    assert before.since(ZOE) is not None
    assert before.withhold(profiles({ZOE: "{}"}), made(PROFILES, []).lazy())[0].collect().is_empty()


def test_a_mark_is_made_once_in_a_store(s3_storage: UPath) -> None:
    """Neither the secret nor the time of a mark is written over by whoever forgets after it."""
    Forgotten(s3_storage).remember(ZOE, at=NOON)
    Forgotten(s3_storage).remember(ADA, at=NOON)
    Forgotten(s3_storage).remember(ZOE, at=STAMP.at.max)

    assert Forgotten(s3_storage).since(ZOE) == NOON
    assert Forgotten(s3_storage).pardon(ZOE)
    assert (Forgotten(s3_storage).since(ZOE), Forgotten(s3_storage).since(ADA)) == (None, NOON)

"""The floor, which everybody is measured by: it neither hurries beyond the limits nor stops early."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from benchmarks.cases import Case
from benchmarks.contenders.floor import L, M, run, slot
from benchmarks.contenders.setting import Setting, bulk_import
from klaviyo_assets.sandbox import AnswerWith, Settings, serve

BODY_COUNT = 120  # more than a page of bulk jobs


@pytest.mark.parametrize(
    ("tier", "number", "expected"),
    [
        (M, 0, 0),
        (M, 9, 0),
        (M, 10, 1.05),
        (M, 149, 14 * 1.05),
        (M, 150, 60.5),
        (M, 161, 60.5 + 1.05),
        (L, 74, 0),
        (L, 75, 1.05),
        (L, 750, 60.5),
    ],
)
def test_pace(tier: tuple[int, int], number: int, expected: float) -> None:
    """The floor sends as many requests a second and a minute as it may, and no more."""
    assert slot(number, tier) == pytest.approx(expected)


def test_every_bulk_job_is_followed(tmp_path: Path) -> None:
    """The floor ends when the last bulk job has, however many there were, and repeats what came too early."""
    with serve(Settings(limits="off", job_duration_s=0.5)) as sandbox:
        sandbox.order_fault(AnswerWith(429, retry_after="0"), method="POST", path="/api/profile-bulk-import-jobs")
        headers = {"Authorization": f"Klaviyo-API-Key {sandbox.key}", "revision": "2026-07-15"}
        with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False) as client:
            made = client.post("/api/lists", json={"data": {"type": "list", "attributes": {"name": "Floor"}}})
            list_id = made.json()["data"]["id"]
            write_bodies(tmp_path / "bodies-first", list_id)
            run(Case.FIRST, Setting(tmp_path, sandbox.url, sandbox.key, list_id, BODY_COUNT, is_limited=False))
            jobs = client.get("/api/profile-bulk-import-jobs?page[size]=100").json()
        assert {job["attributes"]["status"] for job in jobs["data"]} == {"complete"}
        assert jobs["links"]["next"]
        assert len(sandbox.members(list_id)) == BODY_COUNT
        assert not sandbox.unmet_faults()
    assert float((tmp_path / "wall_s").read_text()) > 0.5


def write_bodies(folder: Path, list_id: str) -> None:
    """What the floor sends: so many bodies of one person each."""
    folder.mkdir()
    for number in range(BODY_COUNT):
        profile = {"type": "profile", "attributes": {"email": f"person{number}@example.com"}}
        (folder / f"{number:04}.json").write_text(json.dumps(bulk_import([profile], list_id)))

"""A sandbox says the same whenever it is asked the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from klaviyo_assets_tests.sandbox.transcript import transcript

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def here() -> str:
    """What a sandbox of this process answers."""
    return transcript(seed=7)


def test_a_seed_decides_every_byte(here: str) -> None:
    """Two sandboxes of one seed answer the same, also if the other one is in another process."""
    command = [sys.executable, "-m", "klaviyo_assets_tests.sandbox.transcript", "7"]
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONWARNINGS": "error"}
    elsewhere = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    assert here.splitlines() == elsewhere.splitlines()


def test_another_seed_has_other_ids(here: str) -> None:
    """Requests, profiles, lists and bulk jobs are all called otherwise."""
    other = transcript(seed=8)
    kinds = (
        r"x-klaviyo-req-id', b'([^']+)",
        r'"type": "profile", "id": "(\w+)"',
        r'"type": "list", "id": "(\w+)"',
        r'"type": "profile-bulk-import-job", "id": "([\w-]+)"',
    )
    for kind in kinds:
        found = set(re.findall(kind, here))
        assert found
        assert found.isdisjoint(re.findall(kind, other))


def test_a_transcript_holds_what_varies(here: str) -> None:
    """Dates, times, cursors, waits and failed rows stand in it too."""
    for words in ("b'date'", "expires_at", "bmV4dDo6", "retry-after", "import-error", "cloudflare"):
        assert words in here

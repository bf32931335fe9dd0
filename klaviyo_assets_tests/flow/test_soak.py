"""What a delivery leaves behind in the process: nothing. The long measurement of memory is `benchmarks/soak.py`."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from benchmarks.soak import is_leak, soak
from klaviyo_assets.klaviyo import Session
from klaviyo_assets.sandbox import RunningSandbox, Settings, serve

OURS = ("klaviyo_assets.", "httpx", "polars", "deltalake")


def living() -> Counter[str]:
    """What is alive, by kind: objects that a delivery works with, threads, and open files."""
    gc.collect()
    kinds = (f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())
    found = Counter(kind for kind in kinds if kind.startswith(OURS) and ".sandbox" not in kind)
    threads = sum(1 for each in threading.enumerate() if each.name.startswith(("klaviyo", "ThreadPool")))
    return found + Counter({"threads": threads, "files": len(list(Path("/proc/self/fd").iterdir()))})


def growth(folder: Path) -> Counter[str]:
    """What is alive after four rounds, and was not after two."""
    counts = [living() for _ in soak(folder, export_count=2, round_count=4, customer_count=200)]
    return counts[3] - counts[1]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSandbox]:
    """Its address and key are in the environment."""
    with serve(Settings(limits="off", job_duration_s=0.05)) as sandbox:
        monkeypatch.setenv("KLAVIYO_API_URL", sandbox.url)
        monkeypatch.setenv("KLAVIYO_API_KEY", sandbox.key)
        yield sandbox


def test_nothing_is_left(sandbox: RunningSandbox, tmp_path: Path) -> None:
    """After each round of deliveries, changes and all, no more is alive than after the one before."""
    assert growth(tmp_path) == Counter()


def test_leak_is_seen(sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody keeps of each delivery is found, with what hangs on it."""
    kept: list[Session] = []
    monkeypatch.setattr(Session, "close", lambda self: kept.append(self))
    found = growth(tmp_path)
    assert found["klaviyo_assets.klaviyo.session.Session"] == 4
    assert found["httpx.Client"] == 4


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        pytest.param([100, 300, 300, 300, 300, 300, 300], False, id="only the first round is dear"),
        pytest.param([300, 300, 300, 310, 310, 319, 319], False, id="less than 20 MB"),
        pytest.param([900, 900, 900, 920, 940, 960, 960], False, id="less than a tenth"),
        pytest.param([300, 300, 300, 320, 340, 360, 360], True, id="both"),
        pytest.param([300, 400, 400, 300, 300, 300, 300], False, id="less"),
    ],
)
def test_verdict(readings: Sequence[float], expected: bool) -> None:
    """Memory that grew by more than a tenth and by more than 20 MB is a leak, whatever the first round took."""
    assert is_leak(readings) is expected

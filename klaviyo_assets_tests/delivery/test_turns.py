"""One delivery to an account at a time, also across machines; and the mark that holds all of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from klaviyo_assets.errors import AccountBusy, Paused
from klaviyo_assets.klaviyo import BulkJob, Client
from klaviyo_assets.ledger import Holder, Lease, Pause
from klaviyo_assets.sandbox import EndBulkJob
from klaviyo_assets_tests.delivery.scene import CONNECTION, Scene, accounted, crowd
from klaviyo_assets_tests.delivery.steps import IMPORT


def hold(scene: Scene, *, place: str, until: float) -> None:
    """Another machine's delivery has the account, as the storage tells."""
    holder = Holder("token", "run-far-away", place, pid=1, started="1", since=until - 60, until=until)
    folder = Path(scene.storage.path) / "leases" / scene.sandbox.account_id
    folder.mkdir(parents=True)
    (folder / "0000000007.json").write_text(json.dumps(asdict(holder)))


def during(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Something happens between a body's leaving and the next request."""
    submit = Client.submit_body

    def submit_and_act(client: Client, body: bytes) -> BulkJob:
        job = submit(client, body)
        act()
        return job

    monkeypatch.setattr(Client, "submit_body", submit_and_act)


def test_second_delivery_waits_until_its_deadline(scene: Scene) -> None:
    """Who does not get the account in time sends nothing, and says which run has it."""
    hold(scene, place="another machine", until=4e9)
    with pytest.raises(AccountBusy, match=r"Run run-far-away delivers to account .* sent nothing"):
        scene.run(crowd(1), limits={"deadline_minutes": 1})

    assert [sent for sent in scene.sent() if not sent.startswith("GET")] == []
    assert any("Waits for another delivery" in line for line in scene.lines)


def test_lease_that_ended_is_taken_over(scene: Scene) -> None:
    """What a machine that is gone left behind holds nobody for long."""
    hold(scene, place="another machine", until=1e9)

    assert scene.run(crowd(1)).added == 1


def test_lease_is_given_back(scene: Scene) -> None:
    """After a delivery, also one that failed, the next one begins at once."""
    scene.sandbox.order_fault(EndBulkJob("stuck_queued"), **IMPORT)
    assert scene.run(crowd(1), limits={"deadline_minutes": 1}).unfinished is not None
    scene.run(crowd(1), limits={"deadline_minutes": 1})

    assert not any("Waits" in line for line in scene.lines)


def test_delivery_that_lost_its_lease_sends_nothing_more(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that slept for so long that another took over stops at its next write, and what it did is recorded."""
    scene.run(crowd(5))
    other = Lease(scene.storage, scene.sandbox.account_id, run_id="run-of-another", now=lambda: 4e9)
    during(monkeypatch, other.acquire)
    report = scene.run(crowd(5, first=3))

    assert "Another delivery to this account began" in str(report.unfinished)
    assert report.removed == 0
    assert accounted(report)
    monkeypatch.undo()
    other.release()
    assert scene.members(scene.run(crowd(5, first=3))) == crowd(5, first=3)


@pytest.mark.parametrize("connection", [None, CONNECTION.name])
def test_paused_connection_sends_nothing(scene: Scene, connection: str | None) -> None:
    """While the mark is there a delivery is refused before its first request; once it is gone it goes on."""
    pause = Pause(scene.storage)
    pause.begin(connection)
    with pytest.raises(Paused, match="klaviyo-assets resume"):
        scene.run(crowd(1))
    assert scene.sent() == []

    pause.end(connection)
    assert scene.run(crowd(1)).added == 1


def test_pause_of_another_connection_holds_nobody(scene: Scene) -> None:
    """A mark is about the connection that it names."""
    Pause(scene.storage).begin("fabrikam")

    assert scene.run(crowd(1)).added == 1


def test_pause_ends_a_delivery_under_way(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the moment of the mark no request leaves; the next run settles what was open and goes on."""
    pause = Pause(scene.storage)
    during(monkeypatch, pause.begin)
    report = scene.run(crowd(6))

    assert "paused" in str(report.unfinished)
    assert (report.added, report.pending) == (0, 6)
    assert scene.sent()[-1] == "POST /api/profile-bulk-import-jobs"

    monkeypatch.undo()
    pause.end()
    scene.sandbox.clear_requests()
    report = scene.run(crowd(6))
    assert (report.added, report.unchanged) == (0, 6)
    assert "POST /api/profile-bulk-import-jobs" not in scene.sent()
    assert scene.members(report) == crowd(6)

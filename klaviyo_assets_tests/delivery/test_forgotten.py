"""A delivery withholds whom nobody may send again, whatever the frames say that it is given."""

from __future__ import annotations

import pytest

from klaviyo_assets.ledger import DeltaLedger, Forgotten, Lease
from klaviyo_assets_tests.delivery.scene import Scene, accounted, crowd
from klaviyo_assets_tests.frames_made import NOON

ANN = "p0@example.com"


class Lines(list[str]):
    """Log lines, of which the first that tells of waiting lets something happen."""

    def __init__(self, scene: Scene, lease: Lease) -> None:
        super().__init__()
        self._scene, self._lease = scene, lease

    def append(self, line: str) -> None:
        """Whoever has the account forgets Ann, and gives the account back."""
        super().append(line)
        if line.startswith("Waits for another delivery"):
            Forgotten(self._scene.storage).remember(ANN, at=NOON)
            self._lease.release()


@pytest.mark.parametrize("dry_run", [False, True])
def test_they_are_withheld(scene: Scene, dry_run: bool) -> None:
    """Who was forgotten is a rejection by name, in a dry run too, and nobody vanishes from the sums."""
    Forgotten(scene.storage).remember(ANN, at=NOON)
    report = scene.run(crowd(3), rejected=[(ANN, "email_duplicate")], order={"dry_run": dry_run})

    assert (report.added, report.rejected, report.rejected_by_rule) == (2, 2, {"forgotten": 2})
    assert accounted(report)
    assert dry_run or set(scene.members(report)) == {"p1@example.com", "p2@example.com"}


def test_they_count_as_no_fault_of_the_segment(scene: Scene) -> None:
    """However many of a segment were forgotten, its share of usable addresses is what it was."""
    for number in range(3):
        Forgotten(scene.storage).remember(f"p{number}@example.com", at=NOON)

    assert scene.run(crowd(4), limits={"min_valid_share": 1}).added == 1


def test_forgotten_while_it_waited(scene: Scene) -> None:
    """Who is forgotten while a delivery waits for the account is not sent by it, though its frames are older."""
    lease = Lease(scene.storage, scene.sandbox.account_id, run_id="klaviyo-assets forget")
    assert lease.acquire() is None
    scene.lines = Lines(scene, lease)
    report = scene.run(crowd(3))

    assert any(line.startswith("Waits") for line in scene.lines)
    assert set(scene.members(report)) == {"p1@example.com", "p2@example.com"}


@pytest.mark.parametrize("people", [crowd(3), crowd(2, first=1)], ids=["in the segment", "not in it any more"])
def test_nobody_is_removed_because_they_were_forgotten(scene: Scene, people: dict[str, int]) -> None:
    """As long as the ledger still has them, they are no leavers: nothing is sent of them at all."""
    first = scene.run(crowd(3))
    Forgotten(scene.storage).remember(ANN, at=NOON)
    report = scene.run(people)

    assert (report.unchanged, report.removed, report.stayed) == (2, 0, 0)
    assert ANN in scene.members(first)


@pytest.mark.parametrize("order", [{}, {"reconcile": True}], ids=["first delivery", "reconcile"])
def test_whoever_reads_the_list_writes_nothing_of_them(scene: Scene, order: dict[str, bool]) -> None:
    """Who was forgotten, and is on the list still, is not written into the ledger with its other members."""
    list_id = scene.sandbox.create_list("VIP")
    if order:
        scene.run(crowd(2, first=1), list_id=list_id)
    scene.sandbox.put_on_list(list_id, [ANN, "eve@example.com"])
    Forgotten(scene.storage).remember(ANN, at=NOON)
    report = scene.run(crowd(3), order=order, list_id=list_id)

    folder = scene.storage / "ledgers" / "vip" / report.account_id / list_id
    emails = set(DeltaLedger(folder).read_versions().select("email").drop_nulls().collect()["email"])
    assert emails == {"p1@example.com", "p2@example.com", "eve@example.com"}
    assert ANN in scene.members(report)

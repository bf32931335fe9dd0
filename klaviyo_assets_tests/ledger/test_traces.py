"""What receipts tell of one person, whatever else stands among them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from upath import UPath

from klaviyo_assets.frames import REFUSALS
from klaviyo_assets.ledger import DeltaLedger, Ledger, Stamp, about, compact, fold, fold_steps
from klaviyo_assets_tests.frames_made import NOON, made, members
from klaviyo_assets_tests.ledger.test_contract import deliver, people

LATER = Stamp(run_id="run-2", at=NOON + timedelta(hours=1))
STAMP = Stamp(run_id="run-1", at=NOON)
ANN, BEN = "ann@example.com", "ben@example.com"
INVALID = made(REFUSALS, [{"email": ANN, "code": "invalid", "field": "phone_number"}])


@pytest.fixture
def ledger(tmp_path: Path) -> DeltaLedger:
    """An empty ledger in a folder."""
    return DeltaLedger(UPath(tmp_path) / "list")


def steps(ledger: DeltaLedger, email: str = ANN) -> list[tuple[str, str | None]]:
    """Step and outcome of everything that happened to a person."""
    return fold_steps(about(ledger.read_versions(), email)).select("step", "outcome").rows()


def added(ledger: Ledger) -> None:
    """Klaviyo took both."""
    deliver(ledger, people(ANN, BEN), body="1")


def refused(ledger: Ledger) -> None:
    """Klaviyo refused Ann, and took Ben."""
    ledger.append(STAMP.intents(people(ANN, BEN), body="1"))
    ledger.append(STAMP.refused(INVALID, body="1"))
    ledger.append(STAMP.submitted("1", "job-1", life=(NOON, NOON)))
    ledger.append(STAMP.settled("1", outcome="done"))


def dropped(ledger: Ledger) -> None:
    """Klaviyo took both, and left a field of Ann's out."""
    added(ledger)
    ledger.append(STAMP.dropped(INVALID, body="1"))


def lost(ledger: Ledger) -> None:
    """The body had no effect."""
    deliver(ledger, people(ANN, BEN), body="1", outcome="lost")


def opened(ledger: Ledger) -> None:
    """The body's answer never came."""
    ledger.append(STAMP.intents(people(ANN, BEN), body="1"))


def left(ledger: Ledger) -> None:
    """Both came, and Ann left."""
    added(ledger)
    deliver(ledger, people(ANN, change="remove"), body="2")


def before_us(ledger: Ledger) -> None:
    """Both were on the list before."""
    ledger.append(STAMP.existing(members([ANN, BEN])))


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (added, [("add", "confirmed")]),
        (refused, [("add", "refused")]),
        (dropped, [("add", "confirmed")]),
        (lost, [("add", "lost")]),
        (opened, [("add", "open")]),
        (left, [("add", "confirmed"), ("remove", "confirmed")]),
        (before_us, [("existing", None)]),
    ],
)
def test_steps(ledger: DeltaLedger, history: Callable[[Ledger], None], expected: list[tuple[str, str | None]]) -> None:
    """Each change that was sent is a step with its outcome, and who was there before is one without."""
    history(ledger)

    assert steps(ledger) == expected


def test_a_step_knows_its_run_and_what_klaviyo_said(ledger: DeltaLedger) -> None:
    """A step holds when, the run, the bulk job, and Klaviyo's code and field where it had something against it."""
    dropped(ledger)
    (step,) = fold_steps(about(ledger.read_receipts(), ANN)).iter_rows(named=True)

    assert (step["at"], step["run_id"], step["bulk_job_id"]) == (NOON, "run-1", "job-1")
    assert (step["code"], step["field"]) == ("invalid", "phone_number")
    (other,) = fold_steps(about(ledger.read_receipts(), BEN)).iter_rows(named=True)
    assert (other["code"], other["field"]) == (None, None)


def test_a_compaction_hides_nothing(ledger: DeltaLedger) -> None:
    """What a compaction took out of the ledger is still told, in its order and once, also where numbers begin anew."""
    left(ledger)
    fewer = compact(ledger.read_receipts(), people_count=1, worth=0)
    assert fewer is not None
    ledger.replace(fewer)
    again = DeltaLedger(ledger.folder)
    again.append(LATER.intents(people(ANN), body="3"))

    assert steps(again) == [("add", "confirmed"), ("remove", "confirmed"), ("add", "open")]
    assert steps(again, BEN) == [("add", "confirmed")]


def test_what_only_a_compaction_left(ledger: DeltaLedger) -> None:
    """Where older files are gone, a person is still known by what the compaction kept of them."""
    added(ledger)
    fewer = compact(ledger.read_receipts(), people_count=1, worth=0)
    assert fewer is not None
    alone = DeltaLedger(ledger.folder.parent / "other")
    alone.replace(fewer)

    assert steps(alone) == [("member", None)]


def test_one_persons_receipts_fold_to_the_same(ledger: DeltaLedger) -> None:
    """The receipts about a person say of them what all receipts say."""
    left(ledger)
    deliver(ledger, people(BEN, change="update", payload="v2"), body="3")
    whole = fold(ledger.read_receipts()).collect()

    for email in (ANN, BEN):
        alone = fold(about(ledger.read_receipts(), email)).collect()
        assert alone.equals(whole.filter(email=email))


def test_nobody_else(ledger: DeltaLedger) -> None:
    """Of who was never there nothing is told."""
    added(ledger)

    assert steps(ledger, "ann@example.co") == []

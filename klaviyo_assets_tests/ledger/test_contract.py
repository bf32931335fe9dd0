"""What every ledger keeps to, in memory and as a Delta table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from upath import UPath

from klaviyo_assets.frames import CHANGES, RECEIPTS
from klaviyo_assets.ledger import (
    DeltaLedger,
    Ledger,
    MemoryLedger,
    Stamp,
    compact,
    fold,
    fold_existing,
    fold_open_bodies,
)
from klaviyo_assets.ledger.state import fold_open_people
from klaviyo_assets_tests.frames_made import NOON, made, members

STAMP = Stamp(run_id="run-1", at=NOON)
Open = Callable[[], Ledger]


@pytest.fixture(params=["memory", "delta"])
def open_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same ledger, as a new process would."""
    memory = MemoryLedger()
    return (lambda: memory) if request.param == "memory" else lambda: DeltaLedger(UPath(tmp_path) / "a" / "list")


def people(
    *emails: str, change: str = "add", payload: str | None = "v1", clears: Sequence[str] | None = None
) -> pl.DataFrame:
    """CHANGES."""
    return made(CHANGES, [{"email": email} for email in emails], change=change, payload=payload, clears=clears)


def deliver(ledger: Ledger, changes: pl.DataFrame, *, body: str, outcome: str = "done") -> None:
    """All receipts of one body that went well, or was lost."""
    ledger.append(STAMP.intents(changes, body=body))
    ledger.append(STAMP.submitted(body, f"job-{body}", life=(NOON, NOON)))
    ledger.append(STAMP.settled(body, outcome=outcome, completed_at=NOON))


def state(ledger: Ledger) -> dict[str, str | None]:
    """Address to payload of everybody in the ledger."""
    return dict(fold(ledger.read_receipts()).select("email", "payload").sort("email").collect().iter_rows())


def test_a_new_ledger_is_empty(open_ledger: Open) -> None:
    """Before anything was written there are no receipts, of the right columns."""
    receipts = open_ledger().read_receipts().collect()

    assert receipts.schema == RECEIPTS
    assert receipts.is_empty()


def test_receipts_are_numbered_on_across_processes(open_ledger: Open) -> None:
    """A ledger that is opened again goes on with the next number."""
    open_ledger().append(STAMP.intents(people("a@example.com", "b@example.com"), body="1"))
    open_ledger().append(STAMP.intents(people("c@example.com"), body="2"))

    receipts = open_ledger().read_receipts().sort("sequence").collect()
    assert receipts["sequence"].to_list() == [0, 1, 2]
    assert receipts["email"].to_list() == ["a@example.com", "b@example.com", "c@example.com"]


def test_appending_nothing_writes_nothing(open_ledger: Open) -> None:
    """An empty group leaves the ledger as it is."""
    ledger = open_ledger()
    ledger.append(STAMP.intents(people(), body="1"))

    assert ledger.read_receipts().collect().is_empty()


def test_a_delivered_person_is_in_the_ledger(open_ledger: Open) -> None:
    """An addition that was confirmed is somebody on the list, with the life of the bulk job."""
    deliver(open_ledger(), people("a@example.com"), body="1")

    row = fold(open_ledger().read_receipts()).collect().row(0, named=True)
    assert (row["email"], row["payload"], row["ours"], row["open"]) == ("a@example.com", "v1", True, False)
    assert (row["joined_from"], row["joined_until"]) == (NOON, NOON)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([("add", "v1", "done")], {"a@example.com": "v1"}, id="added"),
        pytest.param([("add", "v1", "lost")], {}, id="addition-lost"),
        pytest.param([("add", "v1", "done"), ("update", "v2", "done")], {"a@example.com": "v2"}, id="updated"),
        pytest.param([("add", "v1", "done"), ("update", "v2", "lost")], {"a@example.com": "v1"}, id="update-lost"),
        pytest.param([("add", "v1", "done"), ("remove", None, "done")], {}, id="removed"),
        pytest.param([("add", "v1", "done"), ("remove", None, "lost")], {"a@example.com": "v1"}, id="removal-lost"),
        pytest.param(
            [("add", "v1", "done"), ("remove", None, "done"), ("add", "v3", "done")],
            {"a@example.com": "v3"},
            id="came-back",
        ),
    ],
)
def test_what_took_effect_last_counts(
    open_ledger: Open, steps: list[tuple[str, str, str]], expected: dict[str, str]
) -> None:
    """The state is that of the last change that took effect, by number."""
    for number, (change, payload, outcome) in enumerate(steps):
        deliver(
            open_ledger(), people("a@example.com", change=change, payload=payload), body=str(number), outcome=outcome
        )

    assert state(open_ledger()) == expected


def test_an_intent_without_an_outcome_is_open(open_ledger: Open) -> None:
    """Who is in a body that is not settled is open, and keeps the payload that was confirmed."""
    ledger = open_ledger()
    deliver(ledger, people("a@example.com"), body="1")
    ledger.append(STAMP.intents(people("a@example.com", change="update", payload="v2"), body="2"))
    ledger.append(STAMP.intents(people("b@example.com"), body="3"))

    rows = fold(ledger.read_receipts()).sort("email").select("email", "payload", "open").collect().rows()
    assert rows == [("a@example.com", "v1", True), ("b@example.com", None, True)]
    bodies = fold_open_bodies(ledger.read_receipts()).collect()
    assert sorted(bodies.select("body", "change", "people_count").rows()) == [("2", "update", 1), ("3", "add", 1)]


def test_who_was_refused_is_not_in_the_ledger(open_ledger: Open) -> None:
    """A refusal takes its person out of the body, and leaves the others in."""
    ledger = open_ledger()
    refusal = pl.DataFrame({"email": ["b@example.com"], "code": ["invalid"], "field": ["email"]})
    ledger.append(STAMP.intents(people("a@example.com", "b@example.com"), body="1"))
    ledger.append(STAMP.refused(refusal, body="1"))

    assert fold_open_people(ledger.read_receipts(), "1").collect()["email"].to_list() == ["a@example.com"]
    ledger.append(STAMP.settled("1", outcome="done", completed_at=NOON))
    assert state(ledger) == {"a@example.com": "v1"}


def test_refused_update_leaves_what_was_there(open_ledger: Open) -> None:
    """Who was on the list stays in the ledger when an update is refused."""
    ledger = open_ledger()
    deliver(ledger, people("a@example.com"), body="1")
    ledger.append(STAMP.intents(people("a@example.com", change="update", payload="v2"), body="2"))
    ledger.append(STAMP.refused(pl.DataFrame({"email": ["a@example.com"], "code": ["x"], "field": [""]}), body="2"))
    ledger.append(STAMP.settled("2", outcome="done", completed_at=NOON))

    assert state(ledger) == {"a@example.com": "v1"}


def test_existing_members_are_not_ours(open_ledger: Open) -> None:
    """Who was there before stays somebody else's, also after we delivered to them."""
    ledger = open_ledger()
    ledger.append(STAMP.existing(members(["a@example.com", "z@example.com"])))
    deliver(ledger, people("a@example.com", "b@example.com"), body="1")

    assert dict(fold(ledger.read_receipts()).select("email", "ours").collect().iter_rows()) == {
        "a@example.com": False,
        "b@example.com": True,
    }
    assert set(fold_existing(ledger.read_receipts()).collect()["email"]) == {"a@example.com", "z@example.com"}


def test_who_is_gone_is_not_in_the_ledger(open_ledger: Open) -> None:
    """Who was found to be on the list no more is forgotten."""
    ledger = open_ledger()
    deliver(ledger, people("a@example.com", "b@example.com"), body="1")
    ledger.append(STAMP.gone(people("b@example.com")))

    assert state(ledger) == {"a@example.com": "v1"}


def row(ledger: Ledger) -> dict[str, Any]:
    """The one person in the ledger."""
    return fold(ledger.read_receipts()).collect().row(0, named=True)


def test_who_is_adopted_is_ours_from_then_on(open_ledger: Open) -> None:
    """Whom we found on the list is in the ledger, and ours, once adopted, with what is known of the person."""
    ledger = open_ledger()
    ledger.append(STAMP.existing(members(["a@example.com", "b@example.com"])))
    facts = {"email": "a@example.com", "external_id": "7", "payload": "v1", "uncleared": ["title"], "joined_at": NOON}
    known = pl.DataFrame([facts])
    ledger.append(STAMP.adopted(known))

    found = row(ledger)
    assert (found["email"], found["payload"], found["external_id"], found["ours"]) == ("a@example.com", "v1", "7", True)
    assert found["uncleared"] == ["title"]
    assert (found["joined_from"], found["joined_until"]) == (NOON, NOON)
    assert fold_existing(ledger.read_receipts()).collect()["email"].to_list() == ["b@example.com"]


def test_whom_others_put_back_is_theirs_again(open_ledger: Open) -> None:
    """Who was adopted, and was found to have been put there by others since, is not ours."""
    ledger = open_ledger()
    ledger.append(STAMP.existing(members(["a@example.com"])))
    ledger.append(STAMP.adopted(members(["a@example.com"]).with_columns(payload=pl.lit("v1"), uncleared=None)))
    ledger.append(STAMP.existing(members(["a@example.com"])))

    assert row(ledger)["ours"] is False


def test_a_field_that_was_left_out_makes_a_person_incomplete(open_ledger: Open) -> None:
    """Klaviyo took the person: he is in the ledger, to be tried again until nothing is left out."""
    ledger, drop = open_ledger(), pl.DataFrame({"email": ["a@example.com"], "code": ["x"], "field": ["phone_number"]})
    ledger.append(STAMP.intents(people("a@example.com"), body="1"))
    ledger.append(STAMP.submitted("1", "job-1", life=(NOON, NOON), dropped="phone_number"))
    assert fold_open_bodies(ledger.read_receipts()).collect()["dropped"].to_list() == ["phone_number"]

    ledger.append(pl.concat([STAMP.dropped(drop, body="1"), STAMP.settled("1", outcome="done")]))
    assert (row(ledger)["payload"], row(ledger)["incomplete"]) == ("v1", True)

    deliver(ledger, people("a@example.com", change="update", payload="v2"), body="2")
    assert (row(ledger)["payload"], row(ledger)["incomplete"]) == ("v2", False)


@pytest.mark.parametrize(
    ("outcome", "expected"), [("done", None), ("lost", ["title"])], ids=["it-was-emptied", "its-answer-was-lost"]
)
def test_what_is_to_be_emptied_is_remembered_until_it_is(
    open_ledger: Open, outcome: str, expected: list[str] | None
) -> None:
    """An update says which fields are to be emptied after it, and only a clear that took effect ends that."""
    ledger = open_ledger()
    deliver(ledger, people("a@example.com"), body="1")
    deliver(ledger, people("a@example.com", change="update", payload="v2", clears=["title"]), body="2")
    assert (row(ledger)["payload"], row(ledger)["uncleared"]) == ("v2", ["title"])

    deliver(ledger, people("a@example.com", change="clear", payload=None, clears=["title"]), body="3", outcome=outcome)
    assert (row(ledger)["payload"], row(ledger)["uncleared"]) == ("v2", expected)


def test_a_refused_clear_is_still_to_be_done(open_ledger: Open) -> None:
    """Whose fields Klaviyo did not empty still has them to be emptied."""
    ledger, refusal = open_ledger(), pl.DataFrame({"email": ["a@example.com"], "code": ["x"], "field": ["title"]})
    deliver(ledger, people("a@example.com"), body="1")
    deliver(ledger, people("a@example.com", change="update", payload="v2", clears=["title"]), body="2")
    clear = STAMP.intents(people("a@example.com", change="clear", payload=None, clears=["title"]), body="3")
    ledger.append(pl.concat([clear, STAMP.refused(refusal, body="3"), STAMP.settled("3", outcome="done")]))

    assert row(ledger)["uncleared"] == ["title"]


def test_small_ledgers_are_not_rewritten(open_ledger: Open) -> None:
    """A rewrite that saves little is not made."""
    deliver(open_ledger(), people("a@example.com"), body="1")

    assert compact(open_ledger().read_receipts(), people_count=1) is None


def test_a_compacted_ledger_says_the_same_in_fewer_receipts(open_ledger: Open) -> None:
    """Compaction loses nobody, no open body, and nobody who was there before."""
    ledger = open_ledger()
    ledger.append(STAMP.existing(members(["a@example.com", "z@example.com"])))
    for number in range(8):
        deliver(ledger, people("a@example.com", "b@example.com", payload=f"v{number}"), body=str(number))
    ledger.append(STAMP.intents(people("c@example.com"), body="open"))
    before = [fold(ledger.read_receipts()).sort("email").collect(), fold_open_bodies(ledger.read_receipts()).collect()]
    count = ledger.read_receipts().collect().height

    fewer = compact(ledger.read_receipts(), people_count=2, worth=0)
    assert fewer is not None
    ledger.replace(fewer)

    again = open_ledger()
    assert again.read_receipts().collect().height < count
    assert fold(again.read_receipts()).sort("email").collect().equals(before[0])
    assert fold_open_bodies(again.read_receipts()).collect().equals(before[1])
    assert set(fold_existing(again.read_receipts()).collect()["email"]) == {"a@example.com", "z@example.com"}
    deliver(again, people("b@example.com", change="remove"), body="after")
    assert "b@example.com" not in state(again)

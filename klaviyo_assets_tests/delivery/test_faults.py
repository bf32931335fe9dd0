"""What goes wrong on the way: nothing is lost, nobody is wronged, and one more run makes it good."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from klaviyo_assets.delivery import imports, in_flight
from klaviyo_assets.delivery.world import World
from klaviyo_assets.errors import KlaviyoError
from klaviyo_assets.klaviyo import BulkJob, Client, bulk
from klaviyo_assets.ledger import DeltaLedger, fold
from klaviyo_assets.sandbox import (
    AlterAnswer,
    AnswerWith,
    CutBody,
    DropConnection,
    Effect,
    EndBulkJob,
    FailRows,
)
from klaviyo_assets_tests.delivery.scene import Scene, accounted, crowd, refusals
from klaviyo_assets_tests.delivery.steps import EVERY_ATTEMPT, IMPORT, JOBS, LOOK_UP, REMOVE
from klaviyo_assets_tests.delivery.worlds import OneByOne, orderly_world

ROW = "/data/attributes/profiles/data/{}/attributes/email"


def row_error(index: int) -> dict[str, Any]:
    """Klaviyo's error about one row."""
    source = {"pointer": ROW.format(index)}
    return {"code": "invalid", "title": "Invalid input.", "detail": "Invalid email address", "source": source}


NO_ROW = {
    "code": "invalid",
    "title": "Invalid input.",
    "detail": "The payload is invalid.",
    "source": {"pointer": "/data"},
}


@pytest.mark.parametrize(
    ("where", "effect", "times"),
    [
        pytest.param(IMPORT, AnswerWith(503), 3, id="import-unavailable"),
        pytest.param(IMPORT, AnswerWith(502, html=True, after_work=True), 1, id="import-page-after-work"),
        pytest.param(IMPORT, AnswerWith(429, retry_after="30"), 2, id="import-throttled"),
        pytest.param(IMPORT, DropConnection(), 2, id="import-dropped-before"),
        pytest.param(IMPORT, DropConnection(after_work=True), 1, id="import-dropped-after"),
        pytest.param(IMPORT, CutBody(), 1, id="import-answer-cut"),
        pytest.param(JOBS, AnswerWith(500), 2, id="jobs-unavailable"),
        pytest.param(JOBS, AlterAnswer({"/data/*/attributes/status": "dreaming"}), 1, id="job-of-unknown-status"),
        pytest.param(JOBS, AlterAnswer({"/data/*/attributes/unheard_of": [1]}), 1, id="job-with-unknown-field"),
        pytest.param(LOOK_UP, AnswerWith(504), 1, id="look-up-unavailable"),
        pytest.param(REMOVE, DropConnection(after_work=True), 1, id="removal-dropped-after"),
        pytest.param(REMOVE, AnswerWith(429, retry_after="1"), 1, id="removal-throttled"),
    ],
)
def test_fault_that_passes_is_survived_within_the_run(
    scene: Scene, where: dict[str, Any], effect: Effect, times: int
) -> None:
    """A failure that passes is waited out: the list is equal to the segment at the end of the same run."""
    scene.run(crowd(10))
    scene.sandbox.order_fault(effect, times=times, **where)
    people = crowd(10, first=3)
    report = scene.run(people)

    assert scene.members(report) == people
    assert report.unfinished is None
    assert accounted(report)


@pytest.mark.parametrize(
    ("effect", "code"),
    [
        pytest.param(AnswerWith(400, errors=(row_error(1), row_error(3))), "invalid", id="named-at-once"),
        pytest.param(FailRows(indexes=(1, 3), code="bad"), "bad", id="import-errors-with-pointer"),
        pytest.param(FailRows(indexes=(1, 3), code="bad", with_pointer=False), "bad", id="import-errors-with-payload"),
        pytest.param(
            FailRows(indexes=(1, 3), code="bad", with_pointer=False, with_payload=False), "bad", id="import-errors-bare"
        ),
    ],
)
def test_rows_that_klaviyo_refuses_cost_only_themselves(scene: Scene, effect: Effect, code: str) -> None:
    """Refused rows are named with Klaviyo's code, the others arrive, and the next run tries them again."""
    scene.sandbox.order_fault(effect, **IMPORT)
    report = scene.run(crowd(5))

    assert set(scene.members(report)) == {"p0@example.com", "p2@example.com", "p4@example.com"}
    assert [(email, got) for email, got, _ in refusals(report)] == [("p1@example.com", code), ("p3@example.com", code)]
    assert (report.added, report.refused, report.pending) == (3, 2, 0)
    assert report.refusals["row"].sort().to_list() == [1, 3]
    assert accounted(report)
    assert scene.run(crowd(5)).added == 2


@pytest.mark.parametrize("effect", [AnswerWith(400, errors=(NO_ROW,)), AnswerWith(413)], ids=["unnamed", "too-large"])
def test_body_that_is_refused_without_a_name_is_halved(scene: Scene, effect: Effect) -> None:
    """Halves are sent by themselves, so that whatever was wrong costs as little as can be."""
    scene.sandbox.order_fault(effect, times=3, **IMPORT)
    report = scene.run(crowd(8))

    assert scene.members(report) == crowd(8)
    assert scene.sent().count("POST /api/profile-bulk-import-jobs") > 3
    assert accounted(report)


def test_many_pages_of_import_errors_are_all_read(scene: Scene) -> None:
    """A bulk job with more failures than fit on a page forgets none."""
    scene.sandbox.order_fault(FailRows(indexes=tuple(range(250))), **IMPORT)
    report = scene.run(crowd(400))

    assert (report.added, report.refused) == (150, 250)
    assert len(scene.members(report)) == 150


@pytest.mark.parametrize("ending", ["cancelled", "expired"])
def test_bulk_job_that_comes_to_nothing_is_sent_again(scene: Scene, ending: Any) -> None:
    """A job that was cancelled, or is forgotten, leaves its people pending; the next run sends them again."""
    scene.sandbox.order_fault(EndBulkJob(ending, applied_share=0.5), **IMPORT)
    report = scene.run(crowd(6))
    assert (report.added, report.pending) == (0, 6)
    assert report.unfinished is not None
    assert accounted(report)

    report = scene.run(crowd(6))
    assert scene.members(report) == crowd(6)
    assert (report.added, report.pending, report.unfinished) == (6, 0, None)


@pytest.mark.parametrize("applied_share", [0.5, 1.0], ids=["half", "whole"])
def test_whom_a_cancelled_job_put_on_the_list_is_ours(scene: Scene, applied_share: float) -> None:
    """People who joined with a job that was cancelled joined by our doing, and leave again when they should."""
    scene.sandbox.order_fault(EndBulkJob("cancelled", applied_share=applied_share), **IMPORT)
    scene.run(crowd(6))
    scene.sandbox.advance(3600)
    assert scene.run(crowd(6)).added == 6

    scene.sandbox.advance(3600)
    report = scene.run(crowd(1))
    assert scene.members(report) == crowd(1)
    assert report.removed == 5


def test_whom_an_unanswered_attempt_put_on_the_list_is_ours(scene: Scene) -> None:
    """Where an attempt was taken and its answer lost, people joined earlier than with the job that we know of."""
    scene.sandbox.order_fault(DropConnection(after_work=True), times=4, **IMPORT)
    assert scene.run(crowd(6)).added == 6

    scene.sandbox.advance(3600)
    report = scene.run(crowd(1))
    assert scene.members(report) == crowd(1)
    assert report.removed == 5


def test_intents_are_in_the_ledger_before_their_body_leaves(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed while a body is on its way has written down who is in it."""
    list_id = scene.sandbox.create_list("VIP")
    folder = scene.storage / "ledgers" / "vip" / scene.sandbox.account_id / list_id
    submit, written = Client.submit_body, []

    def look_and_submit(client: Client, body: bytes) -> BulkJob:
        open_people = fold(DeltaLedger(folder).read_receipts()).filter("open").select(pl.len()).collect().item()
        written.append(open_people)
        return submit(client, body)

    monkeypatch.setattr(Client, "submit_body", look_and_submit)
    scene.run(crowd(7))

    assert written == [7]


def test_intents_of_several_bodies_share_a_commit(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit costs nearly as much for one body as for eight; only the first does not wait for others."""
    monkeypatch.setattr(bulk, "MOST_PROFILES", 1)
    append, heights = DeltaLedger.append, []

    def append_and_tell(ledger: DeltaLedger, receipts: pl.DataFrame) -> None:
        heights.append(receipts.filter(pl.col("event") == "intent").height)
        append(ledger, receipts)

    monkeypatch.setattr(DeltaLedger, "append", append_and_tell)
    scene.run(crowd(20))

    assert [height for height in heights if height] == [1, 8, 8, 3]


@pytest.mark.parametrize("ending", ["stuck_queued", "stuck_processing"])
def test_bulk_job_that_never_ends_is_left_at_the_deadline(scene: Scene, ending: Any) -> None:
    """Past the deadline the run ends with what is pending; the next sends nobody anew who is still open."""
    scene.sandbox.order_fault(EndBulkJob(ending, applied_share=0), **IMPORT)
    report = scene.run(crowd(6), limits={"deadline_minutes": 2})
    assert report.pending == 6
    assert "deadline_minutes" in str(report.unfinished)

    scene.sandbox.clear_requests()
    report = scene.run(crowd(6), limits={"deadline_minutes": 2})
    assert report.pending == 6
    assert "POST /api/profile-bulk-import-jobs" not in scene.sent()


@pytest.mark.parametrize("after_work", [True, False], ids=["taken", "not-taken"])
def test_body_without_an_answer_is_looked_for_before_it_is_sent_again(scene: Scene, after_work: bool) -> None:
    """After a run that never got its answers, the next finds out first what became of the body."""
    scene.sandbox.order_fault(DropConnection(after_work=after_work), times=7, **IMPORT)
    report = scene.run(crowd(6))
    assert report.pending == 6

    scene.sandbox.clear_requests()
    report = scene.run(crowd(6))
    assert scene.members(report) == crowd(6)
    assert (report.added, report.unchanged) == ((0, 6) if after_work else (6, 0))
    assert scene.sent().count("POST /api/profile-bulk-import-jobs") == (0 if after_work else 1)


def test_removal_without_an_answer_is_not_taken_for_somebody_elses(scene: Scene) -> None:
    """Who is not on the list after a removal of ours was left there by it."""
    scene.run(crowd(3))
    scene.sandbox.order_fault(DropConnection(after_work=True), times=7, **REMOVE)
    assert scene.run(crowd(1)).unfinished is not None

    report = scene.run(crowd(1))
    assert scene.members(report) == crowd(1)
    assert (report.removed, report.not_found, report.ours) == (2, 0, 1)


@pytest.mark.parametrize("after_work", [True, False], ids=["done", "not-done"])
@pytest.mark.parametrize("value", [1, 2], ids=["as-before", "changed"])
def test_who_comes_back_after_a_removal_without_an_answer_is_on_the_list(
    scene: Scene, after_work: bool, value: int
) -> None:
    """Whether a removal had its effect is asked of the list: whom it took off is put there again, and is ours."""
    scene.run(crowd(3))
    scene.sandbox.advance(3600)
    scene.sandbox.order_fault(DropConnection(after_work=after_work), times=EVERY_ATTEMPT, **REMOVE)
    assert scene.run(crowd(1)).unfinished is not None
    scene.sandbox.advance(3600)

    report = scene.run(crowd(3, value))
    assert scene.members(report) == crowd(3, value)
    assert (report.removed, report.added) == ((2, 2) if after_work else (0, 0))
    assert report.ours == 3
    assert accounted(report)
    report = scene.run(crowd(1, value))
    assert scene.members(report) == crowd(1, value)
    assert report.removed == 2


def test_who_joined_again_with_each_attempt_is_ours_to_remove(scene: Scene) -> None:
    """Where no attempt of a body is answered and all are taken, its people joined with any of them."""
    scene.sandbox.change(rejoin_keeps_first=False)
    scene.run(crowd(2))
    scene.sandbox.order_fault(DropConnection(after_work=True), times=EVERY_ATTEMPT, **IMPORT)
    assert scene.run(crowd(4)).unfinished is not None
    scene.sandbox.advance(3600)

    report = scene.run(crowd(2))
    assert scene.members(report) == crowd(2)
    assert report.removed == 2


def test_who_joined_again_by_another_hand_after_a_removal_without_an_answer_stays(scene: Scene) -> None:
    """Whom our removal took off, and somebody else put back before we looked, is somebody else's from then on."""
    scene.run(crowd(3))
    scene.sandbox.order_fault(DropConnection(after_work=True), times=EVERY_ATTEMPT, **REMOVE)
    report = scene.run(crowd(1))
    scene.sandbox.advance(3600)
    scene.sandbox.put_on_list(str(report.list_id), ["p2@example.com"])

    scene.run(crowd(3))
    report = scene.run(crowd(1))
    assert set(scene.members(report)) == {"p0@example.com", "p2@example.com"}


def test_removal_that_may_be_at_work_is_given_time_before_the_list_is_asked(scene: Scene) -> None:
    """A request outlives its sender for a moment; a list that is read at once would still show who is about to go."""
    scene.run(crowd(3))
    scene.sandbox.order_fault(DropConnection(), times=EVERY_ATTEMPT, **REMOVE)
    scene.run(crowd(1))

    before = scene.sandbox.state.now()
    scene.run(crowd(3))
    assert scene.sandbox.state.now() - before > 5


@pytest.mark.parametrize(
    ("status", "sentence"), [(401, "was revoked"), (403, "lacks a scope"), (404, "knows nothing")], ids=str
)
def test_refusal_of_everything_stops_the_run_at_once(scene: Scene, status: int, sentence: str) -> None:
    """A revoked key in the middle ends the run with one sentence, and the next run goes on."""
    scene.sandbox.order_fault(AnswerWith(status), **IMPORT)
    report = scene.run(crowd(4))
    assert sentence in str(report.unfinished)
    assert (report.added, report.pending) == (0, 4)

    report = scene.run(crowd(4))
    assert scene.members(report) == crowd(4)


def test_fault_before_anything_was_sent_is_raised(scene: Scene) -> None:
    """Where the plan was never made there is no report, only the error."""
    scene.sandbox.order_fault(AnswerWith(503), times=7, path="/api/accounts*")
    with pytest.raises(KlaviyoError, match="503"):
        scene.run(crowd(1))


def test_throttling_beyond_the_deadline_ends_the_run(scene: Scene) -> None:
    """A wait that Klaviyo asks for and that would pass the deadline is not waited."""
    scene.sandbox.order_fault(AnswerWith(429, retry_after="86400"), **IMPORT)
    report = scene.run(crowd(4))

    assert "wait 86400 s" in str(report.unfinished)
    assert report.pending == 4


def test_unlucky_people_among_removals_cost_only_themselves(scene: Scene) -> None:
    """A batch of removals that Klaviyo refuses is halved, and whoever can leave does."""
    scene.run(crowd(6))
    scene.sandbox.order_fault(AnswerWith(404), times=2, **REMOVE)
    report = scene.run(crowd(2))

    assert report.unfinished is None
    assert set(scene.members(report)) >= set(crowd(2))
    assert report.removed + report.stayed == 4
    report = scene.run(crowd(2))
    assert scene.members(report) == crowd(2)


def test_body_that_is_refused_whatever_it_holds_stops_the_run(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where so many parts are refused without a name, the fault is not in the rows; the next run tries all again."""
    monkeypatch.setattr(imports, "MOST_HALVINGS", 3)
    scene.world = orderly_world()
    scene.sandbox.order_fault(AnswerWith(400, errors=(NO_ROW,)), times=4, **IMPORT)
    report = scene.run(crowd(16))
    assert "refused 3 parts of the export and named no row" in str(report.unfinished)
    assert (report.refused, report.pending) == (0, 16)

    assert scene.members(scene.run(crowd(16))) == crowd(16)


def test_what_klaviyo_answers_after_the_end_is_recorded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies that had left when another one stopped the run are followed by the next, and nobody is sent twice."""
    monkeypatch.setattr(bulk, "MOST_PROFILES", 2)
    scene.world = World(in_flight=lambda: OneByOne(lambda count: count - 1))
    scene.sandbox.order_fault(AnswerWith(401), **IMPORT)
    report = scene.run(crowd(6))
    assert (report.added, report.pending) == (0, 6)

    scene.sandbox.clear_requests()
    report = scene.run(crowd(6))
    assert (report.added, report.unchanged) == (2, 4)
    assert scene.sent().count("POST /api/profile-bulk-import-jobs") == 1
    assert scene.members(report) == crowd(6)


def test_bodies_that_had_not_left_when_the_run_stopped_are_over(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their intents are recorded ahead; nobody has to look for what never left."""
    monkeypatch.setattr(bulk, "MOST_PROFILES", 1)
    scene.world = orderly_world()
    scene.sandbox.order_fault(AnswerWith(401), nth=2, **IMPORT)
    report = scene.run(crowd(20))
    on_their_way = 1 + in_flight.MOST
    assert report.pending == 20
    assert scene.ledger(report)["open"].to_list() == [True] * on_their_way

    assert scene.members(scene.run(crowd(20))) == crowd(20)

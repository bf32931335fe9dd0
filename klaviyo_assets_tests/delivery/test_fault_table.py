"""Each fault alone: what the report says, what the list holds then, and what the next run does.

p0 to p5 were delivered. Now p0 and p1 left, p2 changed, p3 has a field to be emptied, and p6 and p7 joined: six people
to do something about, by two bodies (additions, updates), one clear, and one removal of two.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import pytest

from klaviyo_assets.errors import KlaviyoAssetsError
from klaviyo_assets.report import Report
from klaviyo_assets.sandbox import (
    AlterAnswer,
    AnswerWith,
    ChangeScopes,
    CutBody,
    DelayAnswer,
    DeleteList,
    DropConnection,
    DropFields,
    Effect,
    EndBulkJob,
    FailRows,
    PutOnList,
    RevokeKey,
    SlowBody,
    TakeOffList,
)
from klaviyo_assets_tests.delivery.scene import Scene, accounted, crowd
from klaviyo_assets_tests.delivery.steps import (
    ACCOUNT,
    CLEAR,
    EVERY_ATTEMPT,
    IMPORT,
    JOBS,
    LIST,
    LOOK_UP,
    REMOVE,
    Step,
)
from klaviyo_assets_tests.delivery.worlds import orderly_world

BEFORE: Final[dict[str, Any]] = {
    **crowd(6),
    "p3@example.com": {"first_name": "Ada", "properties": {"value": 1}},
}
NOW: Final[dict[str, Any]] = {**crowd(6, first=2), "p2@example.com": 2}
LIMITS: Final = {"max_removed_share": 1, "deadline_minutes": 10}

ALL: Final = "+2 ~2 -2"  # all that there is to do: added, updated, removed; and ?refused, !pending
NOTHING: Final = ""
SEGMENT: Final = "2 3 4 5 6 7"


class Case(NamedTuple):
    """One row of the table.

    Attributes:
        stops: words of the sentence with which the run ends; None where it does all.
    """

    step: Step
    effect: Effect
    report: str
    members: str
    following: str
    stops: str | None = None
    times: int = 1
    nth: int = 1


def row(index: int) -> dict[str, Any]:
    """Klaviyo's error about one row."""
    source = {"pointer": f"/data/attributes/profiles/data/{index}/attributes/email"}
    return {"code": "invalid", "title": "Invalid input.", "detail": "Invalid email address", "source": source}


FOR_GOOD: Final = {"times": EVERY_ATTEMPT}

CASES: Final[dict[str, Case]] = {
    "account: JSON of another form": Case(
        ACCOUNT, AlterAnswer({"/data": "text"}), "", "0 1 2 3 4 5", ALL, "another form"
    ),
    "list: JSON of another form": Case(LIST, AlterAnswer({"/data": []}), "", "0 1 2 3 4 5", ALL, "another form"),
    "import: JSON of another form": Case(
        IMPORT, AlterAnswer({"/data/attributes": 7}), "!4", "0 1 2 3 4 5", "~2 -2", "another form"
    ),
    "jobs: JSON of another form": Case(JOBS, AlterAnswer({"/data": "text"}), "", "0 1 2 3 4 5", ALL, "another form"),
    # The account and the list are asked for before anything is known: there is no report.
    "account: unavailable": Case(ACCOUNT, AnswerWith(503), ALL, SEGMENT, NOTHING, times=2),
    "account: unavailable for good": Case(ACCOUNT, AnswerWith(503), "", "0 1 2 3 4 5", ALL, "503", **FOR_GOOD),
    "account: key revoked": Case(ACCOUNT, AnswerWith(401), "", "0 1 2 3 4 5", ALL, "revoked"),
    "account: scope missing": Case(ACCOUNT, AnswerWith(403), "", "0 1 2 3 4 5", ALL, "lacks a scope"),
    "account: a proxy's page": Case(ACCOUNT, AnswerWith(403, html=True), "", "0 1 2 3 4 5", ALL, "proxy"),
    "account: answer slow": Case(ACCOUNT, SlowBody(0.01), ALL, SEGMENT, NOTHING),
    "list: unknown": Case(LIST, AnswerWith(404), "", "0 1 2 3 4 5", ALL, "list"),
    "list: answer cut": Case(LIST, CutBody(), ALL, SEGMENT, NOTHING),
    # Bodies.
    "import: throttled": Case(IMPORT, AnswerWith(429, retry_after="30"), ALL, SEGMENT, NOTHING, times=2),
    "import: throttled until a date": Case(
        IMPORT, AnswerWith(429, retry_after="Mon, 23 Nov 2026 12:00:00 GMT"), ALL, SEGMENT, NOTHING
    ),
    "import: throttled without a time": Case(IMPORT, AnswerWith(429, retry_after="soon"), ALL, SEGMENT, NOTHING),
    "import: throttled for a day": Case(
        IMPORT, AnswerWith(429, retry_after="86400"), "!4", "0 1 2 3 4 5", ALL, "86400 s"
    ),
    "import: unavailable": Case(IMPORT, AnswerWith(500), ALL, SEGMENT, NOTHING, times=3),
    "import: unavailable for good": Case(IMPORT, AnswerWith(503), "!4", "0 1 2 3 4 5", ALL, "503", **FOR_GOOD),
    "import: unavailable after it was taken": Case(IMPORT, AnswerWith(504, after_work=True), ALL, SEGMENT, NOTHING),
    "import: a proxy's page": Case(IMPORT, AnswerWith(502, html=True), ALL, SEGMENT, NOTHING),
    "import: blocked by a proxy's page": Case(IMPORT, AnswerWith(403, html=True), "!4", "0 1 2 3 4 5", ALL, "proxy"),
    "import: connection dropped before": Case(IMPORT, DropConnection(), ALL, SEGMENT, NOTHING),
    "import: connection dropped after": Case(IMPORT, DropConnection(after_work=True), ALL, SEGMENT, NOTHING),
    "import: answer cut": Case(IMPORT, CutBody(), ALL, SEGMENT, NOTHING),
    "import: answer slow": Case(IMPORT, SlowBody(0.01), ALL, SEGMENT, NOTHING),
    "import: answer late": Case(IMPORT, DelayAnswer(0.05), ALL, SEGMENT, NOTHING),
    "import: answer with a field that nobody knows": Case(
        IMPORT, AlterAnswer({"/data/attributes/unheard_of": 1}), ALL, SEGMENT, NOTHING
    ),
    "import: key revoked": Case(IMPORT, AnswerWith(401), "!4", "0 1 2 3 4 5", ALL, "revoked"),
    "import: scope missing": Case(IMPORT, AnswerWith(403), "!4", "0 1 2 3 4 5", ALL, "lacks a scope"),
    "import: a row refused with its place": Case(
        IMPORT, AnswerWith(400, errors=(row(0),)), "+1 ~2 -2 ?1", "2 3 4 5 7", "+1"
    ),
    "import: refused without a place": Case(IMPORT, AnswerWith(400), ALL, SEGMENT, NOTHING),
    "import: too large": Case(IMPORT, AnswerWith(413), ALL, SEGMENT, NOTHING),
    "import: each row refused alone": Case(IMPORT, AnswerWith(400), "~2 -2 ?2", "2 3 4 5", "+2", times=4),
    # Bulk jobs.
    "job: a row fails": Case(IMPORT, FailRows(indexes=(0,)), "+1 ~2 -2 ?1", "2 3 4 5 7", "+1"),
    "job: a row fails, told by its contents": Case(
        IMPORT, FailRows(indexes=(1,), with_pointer=False), "+1 ~2 -2 ?1", "2 3 4 5 6", "+1"
    ),
    "job: a row fails, not told which": Case(
        IMPORT, FailRows(indexes=(1,), with_pointer=False, with_payload=False), "+1 ~2 -2 ?1", "2 3 4 5 6", "+1"
    ),
    "job: all rows fail": Case(IMPORT, FailRows(indexes=(0, 1)), "~2 -2 ?2", "2 3 4 5", "+2"),
    "job: cancelled": Case(
        IMPORT, EndBulkJob("cancelled", applied_share=0.5), "~2 -2 !2", "2 3 4 5 6", "+2", "not confirmed"
    ),
    "job: forgotten": Case(IMPORT, EndBulkJob("expired"), "~2 -2 !2", SEGMENT, "+2", "not confirmed"),
    "job: stuck in the queue": Case(
        IMPORT, EndBulkJob("stuck_queued", applied_share=0), "~2 -2 !2", "2 3 4 5", "!2", "deadline_minutes"
    ),
    "job: stuck half way": Case(
        IMPORT, EndBulkJob("stuck_processing", applied_share=0.5), "~2 -2 !2", "2 3 4 5 6", "!2", "deadline"
    ),
    "job: of a status that nobody knows": Case(
        JOBS, AlterAnswer({"/data/*/attributes/status": "dreaming"}), ALL, SEGMENT, NOTHING
    ),
    "jobs: unavailable": Case(JOBS, AnswerWith(500), ALL, SEGMENT, NOTHING, times=3),
    "jobs: unavailable for good": Case(JOBS, AnswerWith(503), "", "0 1 2 3 4 5", ALL, "503", **FOR_GOOD),
    "jobs: unavailable from then on": Case(
        JOBS, AnswerWith(503), "!4", "0 1 2 3 4 5 6 7", "~1 -2", "503", nth=2, **FOR_GOOD
    ),
    # Values to be emptied.
    "clear: throttled": Case(CLEAR, AnswerWith(429, retry_after="1"), ALL, SEGMENT, NOTHING),
    "clear: dropped after": Case(CLEAR, DropConnection(after_work=True), ALL, SEGMENT, NOTHING),
    "clear: identity of another": Case(CLEAR, AnswerWith(409), "+2 ~1 -2 ?1", SEGMENT, "~1"),
    "clear: refused": Case(CLEAR, AnswerWith(400), "+2 ~1 -2 ?1", SEGMENT, "~1"),
    # Leavers.
    "look-up: unavailable": Case(LOOK_UP, AnswerWith(504), ALL, SEGMENT, NOTHING),
    "look-up: unavailable for good": Case(
        LOOK_UP, AnswerWith(502, html=True), "+2 ~2", "0 1 2 3 4 5 6 7", "-2", "502", **FOR_GOOD
    ),
    "removal: throttled": Case(REMOVE, AnswerWith(429, retry_after="1"), ALL, SEGMENT, NOTHING),
    "removal: dropped before": Case(REMOVE, DropConnection(), ALL, SEGMENT, NOTHING),
    "removal: dropped after": Case(REMOVE, DropConnection(after_work=True), ALL, SEGMENT, NOTHING),
    "removal: dropped after, for good": Case(
        REMOVE, DropConnection(after_work=True), "+2 ~2", SEGMENT, "-2", "did not answer", **FOR_GOOD
    ),
    "removal: one id unknown": Case(REMOVE, AnswerWith(404), ALL, SEGMENT, NOTHING),
    "removal: each id unknown": Case(REMOVE, AnswerWith(404), "+2 ~2", "0 1 2 3 4 5 6 7", "-2", times=3),
    "removal: refused": Case(REMOVE, AnswerWith(400), ALL, SEGMENT, NOTHING),
    # What others do meanwhile. A key that is gone is put back before the next run.
    "meanwhile: the key is revoked": Case(IMPORT, RevokeKey(), "!4", "0 1 2 3 4 5", ALL, "revoked"),
    "meanwhile: the key is revoked once additions were taken": Case(
        IMPORT, RevokeKey(after_work=True), "!4", "0 1 2 3 4 5", "~2 -2", "revoked"
    ),
    "meanwhile: the key loses a scope": Case(
        IMPORT, ChangeScopes(scopes=("accounts:read", "lists:read")), "!4", "0 1 2 3 4 5", ALL, "lacks the scope"
    ),
    "meanwhile: a leaver is taken off by hand": Case(
        LOOK_UP, TakeOffList("VIPVIP", ("p0@example.com",)), "+2 ~2 -1", SEGMENT, NOTHING
    ),
    "meanwhile: a leaver is taken off between look-up and removal": Case(
        REMOVE, TakeOffList("VIPVIP", ("p0@example.com",)), ALL, SEGMENT, NOTHING
    ),
    "meanwhile: a joiner is put on the list by hand": Case(
        IMPORT, PutOnList("VIPVIP", ("p6@example.com",)), ALL, SEGMENT, NOTHING
    ),
    "meanwhile: the list is deleted": Case(IMPORT, DeleteList("VIPVIP"), "!4", "", "", "VIPVIP"),
    "meanwhile: a phone number is left out that nobody sent": Case(
        IMPORT, DropFields(indexes=(0,)), ALL, SEGMENT, NOTHING
    ),
    "removal: key revoked": Case(REMOVE, AnswerWith(401), "+2 ~2", "0 1 2 3 4 5 6 7", "-2", "revoked"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_fault_costs_what_the_table_says(scene: Scene, case: Case) -> None:
    """Every row is in the report, nobody is wronged, the run says why it stopped, and the next one goes on."""
    scene.world = orderly_world()
    scene.sandbox.create_list("VIP", list_id="VIPVIP")
    scene.run(BEFORE, limits=LIMITS)
    scene.sandbox.advance(3600)
    scene.sandbox.order_fault(case.effect, nth=case.nth, times=case.times, **case.step)
    told, stops = deliver(scene)

    assert (told, members(scene)) == (case.report, case.members)
    assert (case.stops is None) == (stops is None)
    assert str(case.stops or None) in str(stops)
    assert scene.sandbox.unmet_faults() == []
    scene.sandbox.add_account(scene.sandbox.key, account_id=scene.sandbox.account_id)
    assert deliver(scene)[0] == case.following


def deliver(scene: Scene) -> tuple[str, str | None]:
    """The report in the table's words, and why the run stopped."""
    try:
        report = scene.run(NOW, limits=LIMITS)
    except KlaviyoAssetsError as error:
        return "", str(error)
    assert accounted(report)
    return in_signs(report), report.unfinished


def in_signs(report: Report) -> str:
    """What was done, as the table writes it."""
    counts = {
        "+": report.added,
        "~": report.updated,
        "-": report.removed,
        "?": report.refused,
        "!": report.pending,
    }
    return " ".join(f"{sign}{count}" for sign, count in counts.items() if count)


def members(scene: Scene) -> str:
    """Whose numbers stand on the only list."""
    lists = scene.sandbox.state.accounts[scene.sandbox.account_id].lists
    return " ".join(sorted(member["email"][1] for list_id in lists for member in scene.sandbox.members(list_id)))

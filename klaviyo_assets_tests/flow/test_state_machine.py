"""Segment, sandbox and ledger together, at random: customers come and go, others touch the list, things fail.

A failure prints the steps that led to it, and the seed that repeats them.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from upath import UPath

from klaviyo_assets.errors import KlaviyoError
from klaviyo_assets.sandbox import AnswerWith, DropConnection, EndBulkJob, FailRows, RunningSandbox, Settings, serve
from klaviyo_assets_tests.delivery.scene import Scene, accounted

EMAILS = [f"p{number}@example.com" for number in range(8)]
some = st.lists(st.sampled_from(EMAILS), min_size=1, max_size=4, unique=True)
IMPORT = {"method": "POST", "path": "/api/profile-bulk-import-jobs*"}
REMOVE = {"method": "DELETE", "path": "/api/lists/*/relationships/profiles*"}
FAULTS: dict[str, tuple[dict[str, Any], Any, int]] = {
    "import answer lost once": (IMPORT, DropConnection(after_work=True), 1),
    "import answer lost for good": (IMPORT, DropConnection(after_work=True), 7),
    "import never arrived": (IMPORT, DropConnection(), 7),
    "import unavailable": (IMPORT, AnswerWith(503), 7),
    "key revoked in the middle": (IMPORT, AnswerWith(401), 1),
    "row refused in the job": (IMPORT, FailRows(indexes=(0,)), 1),
    "job cancelled half way": (IMPORT, EndBulkJob("cancelled", applied_share=0.5), 1),
    "job cancelled at once": (IMPORT, EndBulkJob("cancelled", applied_share=0.0), 1),
    "removal answer lost for good": (REMOVE, DropConnection(after_work=True), 7),
    "removal never arrived": (REMOVE, AnswerWith(503), 7),
}


class ListAndSegment(RuleBasedStateMachine):
    """One export that removes leavers, and what others do to its list."""

    sandbox: RunningSandbox

    @initialize(existing=st.lists(st.sampled_from(EMAILS), max_size=2, unique=True), rejoin_keeps_first=st.booleans())
    def begin(self, existing: list[str], rejoin_keeps_first: bool) -> None:
        self.sandbox.reset(rejoin_keeps_first=rejoin_keeps_first)
        self.folder = contextlib.ExitStack()
        storage = self.folder.enter_context(tempfile.TemporaryDirectory())
        self.scene = Scene(self.sandbox, UPath(Path(storage)))
        self.segment: dict[str, int] = {}
        self.list_id = self.sandbox.create_list("VIP")
        self.sandbox.put_on_list(self.list_id, existing)
        self.others = set(existing)  # on the list, put there by others
        self.taken_off: set[str] = set()  # delivered by us, and taken off by others
        self.sandbox.advance(60)

    def teardown(self) -> None:
        self.folder.close()

    @rule(emails=some, value=st.integers(1, 3))
    def customers_join_or_change(self, emails: list[str], value: int) -> None:
        self.segment.update(dict.fromkeys(emails, value))

    @rule(emails=some)
    def customers_leave(self, emails: list[str]) -> None:
        for email in emails:
            self.segment.pop(email, None)

    @rule(email=st.sampled_from(EMAILS))
    def others_put_somebody_on_the_list(self, email: str) -> None:
        if email not in self.on_list():
            self.sandbox.put_on_list(self.list_id, [email])
            self.others.add(email)
            self.taken_off.discard(email)
            self.sandbox.advance(60)

    @rule(email=st.sampled_from(EMAILS))
    def others_take_somebody_off(self, email: str) -> None:
        if email in self.on_list():
            self.sandbox.take_off_list(self.list_id, [email])
            self.others.discard(email)
            self.taken_off.add(email)

    @precondition(lambda self: self.segment)
    @rule(fault=st.sampled_from(sorted(FAULTS)))
    def a_delivery_fails(self, fault: str) -> None:
        where, effect, times = FAULTS[fault]
        self.sandbox.order_fault(effect, times=times, **where)
        with contextlib.suppress(KlaviyoError):
            assert accounted(self.scene.run(self.segment))
        self.sandbox.state.faults.clear()
        self.sandbox.advance(3600)

    @precondition(lambda self: self.segment)
    @rule()
    def a_delivery_succeeds(self) -> None:
        report = self.scene.run(self.segment)
        assert accounted(report)
        assert report.unfinished is None
        self.sandbox.advance(3600)
        again = self.scene.run(self.segment)
        assert (again.added, again.updated, again.removed, again.refused) == (0, 0, 0, 0)
        self.check_list()
        self.sandbox.advance(3600)

    def check_list(self) -> None:
        """The list is the segment, besides whom others put there, and without whom others took off."""
        on_list = self.on_list()
        assert self.segment.keys() - self.taken_off <= on_list.keys()
        # Whom others took off may stay off, or join again if he left the segment and came back.
        assert on_list.keys() - self.segment.keys() <= self.others | self.ever_foreign
        for email in self.segment.keys() & on_list.keys():
            assert on_list[email] == self.segment[email]

    @invariant()
    def whom_others_put_there_is_there(self) -> None:
        """We never remove who is not ours."""
        if hasattr(self, "list_id"):
            self.ever_foreign = getattr(self, "ever_foreign", set()) | self.others
            assert self.others <= self.on_list().keys()

    def on_list(self) -> dict[str, Any]:
        return {m["email"]: m["properties"].get("value") for m in self.sandbox.members(self.list_id)}


def test_list_follows_segment_whatever_happens() -> None:
    """After any history, one delivery without faults makes the list equal to the segment, and wrongs nobody."""
    with serve(Settings(speed=0)) as sandbox:
        ListAndSegment.sandbox = sandbox
        examples = 40 if os.environ.get("CI") else 12
        run_state_machine_as_test(
            ListAndSegment, settings=settings(max_examples=examples, stateful_step_count=12, deadline=None)
        )

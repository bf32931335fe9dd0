"""What Klaviyo may do to a delivery, by name: on which requests, what, and how often."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from klaviyo_assets.sandbox import (
    AlterAnswer,
    AnswerWith,
    CutBody,
    DropConnection,
    Effect,
    EndBulkJob,
    FailRows,
)
from klaviyo_assets_tests.delivery.steps import CLEAR, EVERY_ATTEMPT, IMPORT, JOBS, LOOK_UP, REMOVE, Step


class Ordered(NamedTuple):
    """A fault."""

    step: Step
    effect: Effect
    times: int = 1

    @property
    def where(self) -> dict[str, Any]:
        """As `order_fault` takes it."""
        return {**self.step, "times": self.times}


FAULTS: Final[dict[str, Ordered]] = {
    "import answer lost once": Ordered(IMPORT, DropConnection(after_work=True)),
    "import answer lost for good": Ordered(IMPORT, DropConnection(after_work=True), EVERY_ATTEMPT),
    "import never arrived": Ordered(IMPORT, DropConnection(), EVERY_ATTEMPT),
    "import unavailable": Ordered(IMPORT, AnswerWith(503), EVERY_ATTEMPT),
    "import throttled": Ordered(IMPORT, AnswerWith(429, retry_after="30")),
    "import throttled for a day": Ordered(IMPORT, AnswerWith(429, retry_after="86400")),
    "import refused without a name": Ordered(IMPORT, AnswerWith(400)),
    "import too large": Ordered(IMPORT, AnswerWith(413)),
    "key revoked in the middle": Ordered(IMPORT, AnswerWith(401)),
    "answer cut": Ordered(IMPORT, CutBody()),
    "row refused in the job": Ordered(IMPORT, FailRows(indexes=(0,))),
    "row refused in the job without a name": Ordered(
        IMPORT, FailRows(indexes=(0,), with_pointer=False, with_payload=False)
    ),
    "job cancelled half way": Ordered(IMPORT, EndBulkJob("cancelled", applied_share=0.5)),
    "job cancelled at once": Ordered(IMPORT, EndBulkJob("cancelled", applied_share=0.0)),
    "job forgotten": Ordered(IMPORT, EndBulkJob("expired")),
    "jobs unavailable": Ordered(JOBS, AnswerWith(500), EVERY_ATTEMPT),
    "job of unknown status": Ordered(JOBS, AlterAnswer({"/data/*/attributes/status": "dreaming"})),
    "clear answer lost for good": Ordered(CLEAR, DropConnection(after_work=True), EVERY_ATTEMPT),
    "clear refused": Ordered(CLEAR, AnswerWith(400)),
    "look-up unavailable": Ordered(LOOK_UP, AnswerWith(502, html=True), EVERY_ATTEMPT),
    "removal answer lost for good": Ordered(REMOVE, DropConnection(after_work=True), EVERY_ATTEMPT),
    "removal never arrived": Ordered(REMOVE, AnswerWith(503), EVERY_ATTEMPT),
    "removal refused": Ordered(REMOVE, AnswerWith(404)),
}

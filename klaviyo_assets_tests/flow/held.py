"""A Klaviyo that works so slowly that a run is surely found at the moment at which a test wants to disturb it.

What becomes of the run is in the tests; what must be true afterwards in `truth.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import polars as pl

from klaviyo_assets.sandbox import RunningSandbox, Settings, serve
from klaviyo_assets_tests.flow.customers import UNUSABLE, first_customers

BULK_JOBS: Final = "/api/profile-bulk-import-jobs"
BODY_COUNT: Final = 2
FEW: Final = pl.concat([first_customers().head(BODY_COUNT * 10_000 - 5_000), UNUSABLE])
"""Customers for two bodies."""

_SLOW_JOB_S: Final = 100.0
_QUICK_JOB_S: Final = 0.05
_LONGEST_JOB_S: Final = 2.5 * _SLOW_JOB_S  # a full body takes twice as long, give or take a quarter


@contextmanager
def serve_slowly() -> Iterator[RunningSandbox]:
    """A Klaviyo whose bulk jobs do not end before it is let go on."""
    with serve(Settings(limits="off", job_duration_s=_SLOW_JOB_S)) as sandbox:
        yield sandbox


def hold(sandbox: RunningSandbox) -> None:
    """Bulk jobs of bodies that come from now on do not end, and the requests so far are forgotten."""
    sandbox.change(job_duration_s=_SLOW_JOB_S)
    sandbox.clear_requests()


def let_go_on(sandbox: RunningSandbox) -> None:
    """All bulk jobs are over, and those to come are quick; the requests so far are forgotten."""
    sandbox.change(job_duration_s=_QUICK_JOB_S)
    sandbox.advance(_LONGEST_JOB_S)
    sandbox.clear_requests()


def count_requests(sandbox: RunningSandbox, method: str, path: str) -> int:
    """How many requests of this kind were answered."""
    return sum((each.method, each.path.partition("?")[0].rstrip("/")) == (method, path) for each in sandbox.requests())


def is_sending(sandbox: RunningSandbox) -> bool:
    """Whether a body was taken, and another one was not yet."""
    return count_requests(sandbox, "POST", BULK_JOBS) == 1


def is_waiting(sandbox: RunningSandbox) -> bool:
    """Whether all bodies were taken, and Klaviyo was asked how they stand."""
    return count_requests(sandbox, "POST", BULK_JOBS) == BODY_COUNT and count_requests(sandbox, "GET", BULK_JOBS) > 1

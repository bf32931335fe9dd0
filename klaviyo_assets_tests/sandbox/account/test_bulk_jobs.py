"""The course of a bulk job, at chosen times."""

from __future__ import annotations

import random

import pytest

from klaviyo_assets.sandbox.account.bulk_jobs import BulkJob, Course, Ending, RowFailure, without_duplicates
from klaviyo_assets.sandbox.account.payload import Row

FAILED = RowFailure("01", "invalid", "Invalid input.", "No.")


def course(ending: Ending = "complete") -> Course:
    """Applied at 10, started at 20, completed at 40, expired at 100."""
    return Course(created_at=0, applies_at=10, starts_at=20, completes_at=40, expires_at=100, ending=ending)


@pytest.mark.parametrize(
    ("ending", "statuses"),
    [
        ("complete", ["queued", "queued", "processing", "processing", "complete", "complete"]),
        ("expired", ["queued", "queued", "processing", "processing", "complete", "complete"]),
        ("cancelled", ["queued", "queued", "processing", "processing", "cancelled", "cancelled"]),
        ("stuck_queued", ["queued"] * 6),
        ("stuck_processing", ["queued", "queued"] + ["processing"] * 4),
    ],
)
def test_status(ending: Ending, statuses: list[str]) -> None:
    """What a job says at each moment."""
    assert [course(ending).status(now) for now in (0, 19.9, 20, 39.9, 40, 99)] == statuses


@pytest.mark.parametrize(
    ("now", "completed", "failed", "told"), [(0, 0, 0, 0), (19, 0, 0, 0), (30, 4, 0, 1), (40, 8, 1, 1)]
)
def test_counters(now: float, completed: int, failed: int, told: int) -> None:
    """They grow while the job is processing, and never before."""
    job = BulkJob("J", (), total_count=9, course=course(), rows=[], failures=(FAILED,))

    assert (job.completed_count(now), job.failed_count(now), len(job.failures_told(now))) == (completed, failed, told)


@pytest.mark.parametrize(("row_count", "base_s"), [(1, 1.0), (10_000, 1.0), (10_000, 30.0)])
def test_how_long_a_job_takes(row_count: int, base_s: float) -> None:
    """Its base, twice that for a full body, and up to a quarter more or less; drawn, and the same for a seed."""
    whole_s = base_s * (1 + row_count / 10_000)

    def drawn(seed: int) -> Course:
        draw = random.Random(seed)
        return Course.drawn(draw, created_at=5.0, row_count=row_count, base_s=base_s, ending="complete")

    durations = {drawn(seed).completes_at - 5.0 for seed in range(50)}
    assert all(0.75 * whole_s <= duration <= 1.25 * whole_s for duration in durations)
    assert len(durations) > 40
    assert drawn(7) == drawn(7)


def test_a_job_without_duration_is_complete_at_once() -> None:
    """Then there is no moment at which it is anything else."""
    instant = Course.drawn(random.Random(0), created_at=5.0, row_count=9, base_s=0.0, ending="complete")

    assert (instant.status(5.0), instant.progress(5.0)) == ("complete", 1.0)


def test_people_are_told_apart_by_their_first_identifier() -> None:
    """E-mail, else phone number, else external id, else the id; each other row stays."""
    rows = [
        Row(None, "a@b.co", "+1", "x"),
        Row(None, "a@b.co", "+2", "y"),
        Row(None, None, "+1", "x"),
        Row(None, None, None, "x"),
        Row("01", None, None, None),
        Row("01", None, None, None),
    ]

    assert without_duplicates(rows, "first") == [rows[0], rows[2], rows[3], rows[4]]
    assert without_duplicates(rows, "last") == [rows[1], rows[2], rows[3], rows[5]]

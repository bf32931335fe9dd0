"""Nobody's address, and no other value of a customer, reaches Dagster's database, logs or page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from klaviyo_assets.sandbox import AnswerWith, FailRows, RunningSandbox
from klaviyo_assets_tests.orchestration.projects import Project, export

MARKERS = ("zyzzyva", "zzphone", "+3712999")
PEOPLE = [f"zyzzyva{number}@example.com" for number in range(12)]
COLUMNS: dict[str, Any] = {
    "Name": [f"zyzzyva name {number}" for number in range(13)],
    "Phone": ["+37129990000", "zzphone", *[None] * 11],
}
BULK_IMPORT = "/api/profile-bulk-import-jobs"


def refuse_rows(sandbox: RunningSandbox) -> None:
    """Klaviyo refuses rows, and repeats them."""
    sandbox.order_fault(
        FailRows(emails=tuple(PEOPLE[:3]), detail=f"{PEOPLE[0]} is wrong"), method="POST", path=BULK_IMPORT
    )


def refuse_all(sandbox: RunningSandbox) -> None:
    """Klaviyo refuses the request, and quotes it."""
    errors = ({"code": "invalid", "title": "Invalid input.", "detail": f"{PEOPLE[0]} is wrong", "source": {}},)
    sandbox.order_fault(AnswerWith(400, errors=errors), method="POST", path=BULK_IMPORT, times=50)


def nothing(sandbox: RunningSandbox) -> None:
    """Klaviyo takes everything."""


@pytest.mark.parametrize(
    ("trouble", "limits"),
    [(nothing, {}), (refuse_rows, {}), (refuse_all, {}), (nothing, {"max_profiles": 2})],
    ids=["delivered", "rows refused", "all refused", "blocked"],
)
def test_markers(
    project: Project,
    sandbox: RunningSandbox,
    capfd: pytest.CaptureFixture[str],
    trouble: Callable[[RunningSandbox], None],
    limits: dict[str, Any],
) -> None:
    """Whatever happens, no value of a customer is in an event or a run that Dagster keeps, or in what a run prints."""
    trouble(sandbox)
    fields = {"first_name": "Name", "phone_number": "Phone", "properties": "*"}
    project.exports = [export(fields=fields, limits=limits)]
    project.write_source([*PEOPLE, "zyzzyva without at"], "vip", **COLUMNS)
    project.materialize("segments/vip")
    project.run_job()
    project.run_job(config={"dry_run": True})
    runs = project.instance.get_runs()
    kept = [dg.serialize_value(event) for run in runs for event in project.instance.all_logs(run.run_id)]
    told = "".join([*kept, *map(dg.serialize_value, runs), *capfd.readouterr()])
    assert "klaviyo/vip/profiles" in told
    for marker in MARKERS:
        assert marker not in told

"""What started a run, by the tags that Dagster itself puts on runs."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster._core.storage import tags as dagster_tags

from klaviyo_assets.orchestration.triggers import Trigger, trigger_of

SCHEDULED = dg.DagsterRun.tags_for_schedule(dg.ScheduleDefinition(name="nightly", cron_schedule="@daily", job_name="j"))
SENSED = {dagster_tags.SENSOR_NAME_TAG: "refreshed"}
REPEATED = {dagster_tags.PARENT_RUN_ID_TAG: "run-1", dagster_tags.ROOT_RUN_ID_TAG: "run-0"}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, Trigger("manual", None)),
        ({dagster_tags.USER_TAG: "ada@contoso.com"}, Trigger("manual", "ada@contoso.com")),
        (SCHEDULED, Trigger("schedule", "nightly")),
        (SENSED, Trigger("sensor", "refreshed")),
        ({**SENSED, dagster_tags.AUTOMATION_CONDITION_TAG: "true"}, Trigger("automation", "refreshed")),
        ({dagster_tags.AUTO_MATERIALIZE_TAG: "true"}, Trigger("automation", None)),
        ({dagster_tags.BACKFILL_ID_TAG: "abc", dagster_tags.USER_TAG: "ada"}, Trigger("backfill", "abc")),
        ({**SCHEDULED, **REPEATED}, Trigger("re-execution", "run-1")),
        ({**SENSED, **REPEATED, dagster_tags.RETRY_NUMBER_TAG: "1"}, Trigger("retry", "run-1")),
    ],
    ids=["manual", "person", "schedule", "sensor", "condition", "automation", "backfill", "repeated", "retried"],
)
def test_trigger(tags: dict[str, str], expected: Trigger) -> None:
    """A run that is repeated was started by that; else its schedule, sensor or person is named."""
    assert trigger_of(tags) == expected

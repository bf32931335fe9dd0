"""Cron expressions, judged by Dagster itself, wherever a declaration has one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import dagster as dg

from klaviyo_assets.exports import EVERY_REFRESH, OFF
from klaviyo_assets.orchestration.declarations.mistakes import AttributePath, Mistake, closest, shown


def wrong_crons(attributes: Mapping[str, Any]) -> list[Mistake]:
    """A mistake for each cron of a segment or an export that is none; what is no text is judged elsewhere."""
    return [Mistake(path, _sentence(path, cron)) for path, cron in _crons(attributes) if not _is_cron(cron)]


def _crons(attributes: Mapping[str, Any]) -> Iterator[tuple[AttributePath, str]]:
    refresh, schedule = attributes.get("refresh"), attributes.get("schedule")
    if isinstance(refresh, list | tuple):
        yield from ((("refresh", index), cron) for index, cron in enumerate(refresh) if isinstance(cron, str))
    elif isinstance(refresh, str):
        yield ("refresh",), refresh
    if isinstance(schedule, str) and schedule not in (EVERY_REFRESH, OFF):
        yield ("schedule",), schedule


@cache
def _is_cron(cron: str) -> bool:
    # Dagster's check of a cron is not public by itself; this is the public way to it.
    try:
        dg.ScheduleDefinition(name="cron", cron_schedule=cron, job_name="cron")
    except dg.DagsterInvalidDefinitionError:
        return False
    return True


def _sentence(path: AttributePath, cron: str) -> str:
    words = [EVERY_REFRESH, OFF] if path == ("schedule",) else []
    near = closest(cron, words)
    expected = ", ".join([*words, ""]) + ("or a cron" if words else "a cron")
    remedy = f"write schedule: {near}" if near else 'write it as "0 5 * * *", in quotes: daily at 5:00'
    return f"found {shown(cron)}, expected {expected} of five fields (minute, hour, day, month, weekday); {remedy}"

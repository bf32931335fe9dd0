"""Each delivery, dry run and refusal as a transfer in the history, and the last few of them for Dagster's page.

The beginning is recorded before anything is sent: without it nothing is. The end is recorded afterwards, and a history
that cannot take it does not make a delivery fail, since a delivery that fails is sent again; the ledger has it all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import polars as pl
from upath import UPath

from klaviyo_assets.errors import KlaviyoAssetsError, LedgerError, Refused
from klaviyo_assets.exports import Export, KlaviyoConnection
from klaviyo_assets.ledger import COUNTS, TRANSFERS, History, Remembered
from klaviyo_assets.orchestration.metadata import markdown_table
from klaviyo_assets.orchestration.triggers import trigger_of
from klaviyo_assets.report import Report

_SHOWN: Final = 5
_SHOWN_COLUMNS: Final = ("started", "trigger", "added", "updated", "removed", "refused", "ended")


@dataclass
class Ending:
    """What a transfer came to, where it came to a report."""

    report: Report | None = None


@contextmanager
def recorded(history: History, facts: Mapping[str, Any], *, warn: Callable[[str], None]) -> Iterator[Ending]:
    """The block is one transfer, and its end is recorded however it ends.

    Args:
        history: where it is recorded.
        facts: what is known of it, by the names of TRANSFERS.
        warn: takes a sentence where the end cannot be recorded.

    Raises:
        LedgerError: the beginning cannot be recorded; the block is not entered.
    """
    begun = {**facts, "transfer": uuid4().hex, "started_at": datetime.now(UTC)}
    if not facts["dry_run"]:
        history.append(_row({**begun, "event": "began"}))
    ending = Ending()
    try:
        yield ending
    except BaseException as error:
        _record_end(history, begun | _told_by_error(error), warn)
        raise
    _record_end(history, begun | _told_by_report(ending.report), warn)


def transfer_facts(
    export: Export,
    connection: KlaviyoConnection | None,
    *,
    run_id: str,
    tags: Mapping[str, str],
    config: Mapping[str, bool],
    storage: UPath,
) -> dict[str, Any]:
    """What is known of a transfer before it begins, by the names of TRANSFERS.

    Args:
        export: which segments go to which list.
        connection: the account; None where the export is inactive.
        run_id: the run.
        tags: the run's.
        config: how this delivery differs from others.
        storage: where is remembered whose account and which list it is.
    """
    trigger = trigger_of(tags)
    return {
        "export": export.name,
        "connection": export.connection,
        **_destination(export, connection, Remembered(storage)),
        "run_id": run_id,
        "trigger": trigger.kind,
        "triggered_by": trigger.name,
        **config,
        "agreed_by": connection.consent.agreed_by if connection else None,
        "agreed_on": connection.consent.agreed_on if connection else None,
    }


def last_transfers(history: History, export_name: str) -> str:
    """The last few transfers of an export as a Markdown table; no person's name or address is in it.

    Raises:
        LedgerError: the history cannot be read.
    """
    transfers = history.read_transfers().filter(pl.col("export") == export_name).tail(_SHOWN)
    shown = transfers.reverse().with_columns(
        started=pl.col("started_at").dt.strftime("%Y-%m-%d %H:%M UTC"),
        ended=pl.when("dry_run")
        .then(pl.format("{} (dry run)", "outcome"))
        .otherwise(pl.col("outcome").cast(pl.String).fill_null("not recorded: it goes on, or was killed")),
    )
    columns = [pl.col(name).cast(pl.String).fill_null("") for name in _SHOWN_COLUMNS]
    return markdown_table(_SHOWN_COLUMNS, shown.select(columns).collect().iter_rows())


def _destination(export: Export, connection: KlaviyoConnection | None, remembered: Remembered) -> dict[str, str | None]:
    """The account and the list, as declared or as earlier deliveries learned."""
    account_id = list_id = None
    if connection is not None:
        account_id = connection.account_id or remembered.account_id(connection.name)
    if export.list_id or account_id:
        list_id = export.list_id or remembered.list_id(str(account_id), str(export.list_name))
    return {"account_id": account_id, "list_id": list_id}


def _told_by_report(report: Report | None) -> dict[str, Any]:
    if report is None:
        return {"outcome": "failed"}
    counts = {name: getattr(report, name) for name in COUNTS}
    where = {"account_id": report.account_id, "list_id": report.list_id}
    outcome = "broken off" if report.unfinished else "done"
    return {**counts, **where, "outcome": outcome, "sentence": report.unfinished}


def _told_by_error(error: BaseException) -> dict[str, Any]:
    if isinstance(error, KlaviyoAssetsError):
        return {"outcome": "refused" if isinstance(error, Refused) else "failed", "sentence": str(error)}
    # What others say may quote a customer; and what is no Exception is somebody who ends the run.
    outcome = "failed" if isinstance(error, Exception) else "broken off"
    return {"outcome": outcome, "sentence": f"It ended with {type(error).__name__}; the run's log says more."}


def _record_end(history: History, facts: Mapping[str, Any], warn: Callable[[str], None]) -> None:
    try:
        history.append(_row({**facts, "event": "ended", "ended_at": datetime.now(UTC)}))
        history.tidy()
    except LedgerError as error:
        warn(f"{error} How this delivery ended is not in the history; the ledger has all that was sent.")


def _row(facts: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(TRANSFERS) | dict(facts)], schema=TRANSFERS)

"""Was this person sent to Klaviyo, by which exports, when, in which runs; and if not, why not.

Everything is read from the storage, and nothing is written. Whoever asks has given the address; it is in the answer's
lines nowhere. How receipts add up to steps is told in `ledger.traces`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from upath import UPath

from klaviyo_assets.delivery import KeptLedger, find_ledgers
from klaviyo_assets.ledger import History, about, fold, fold_existing, fold_steps, list_folders
from klaviyo_assets.orchestration.storage import frame_path
from klaviyo_assets.segments import reading

_OUTCOMES: Final = {
    "confirmed": "confirmed by Klaviyo",
    "refused": "refused by Klaviyo",
    "lost": "without effect: Klaviyo never carried it out",
    "open": "not confirmed yet; the export's next run settles it",
}
_OTHER_STEPS: Final = {
    "existing": "was on the list before this export",
    "adopted": "counts as put there by this export from now on",
    "gone": "was found to be off the list, by somebody else's doing",
    "member": "was put on the list by this export; its steps are not kept any more",
}


@dataclass(frozen=True)
class Traced:
    """What is known of one person under one export, as lines for people to read.

    Attributes:
        export: its name.
        lines: what is known; empty where nothing is.
    """

    export: str
    lines: Sequence[str]


def trace(email: str, *, storage: UPath, declared: Sequence[str]) -> list[Traced]:
    """What is known of a person, export by export.

    Args:
        email: the address, in the form in which PROFILES have it.
        storage: where frames, ledgers and the history are.
        declared: the names of exports; those of which the storage holds anything are looked at too.

    Raises:
        SegmentError: a stored frame cannot be read.
        LedgerError: a ledger or the history cannot be read.
    """
    ledgers = find_ledgers(storage)
    names = sorted({*declared, *stored_exports(storage), *(each.export for each in ledgers)})
    transfers = _transfers_by_run(storage)
    return [
        Traced(
            name,
            [
                *_in_frames(storage, name, email),
                *(line for each in ledgers if each.export == name for line in _in_ledger(each, email, transfers)),
            ],
        )
        for name in names
    ]


def stored_exports(storage: UPath) -> list[str]:
    """The exports of which a frame is stored."""
    return [each.name for each in list_folders(storage / "klaviyo")]


def _in_frames(storage: UPath, export: str, email: str) -> Iterator[str]:
    """Where the person stands in what was mapped last."""
    for row in _rows_of(storage, export, "profiles", email):
        yield f"now: can be sent; row {row['row']} of {row['segment']}"
        if row["dropped"]:
            yield f"     without an optional field: {row['dropped']}"
    for row in _rows_of(storage, export, "rejections", email):
        yield f"now: row {row['row']} of {row['segment']} is not sent: {row['rule']}. {row['reason']}"


def _rows_of(storage: UPath, export: str, part: str, email: str) -> list[dict[str, Any]]:
    path = frame_path(storage, export, part)
    if not path.exists():
        return []
    with reading(f"What is stored as klaviyo/{export}/{part}"):
        return pl.scan_parquet(str(path)).filter(pl.col("email") == email).sort("segment", "row").collect().to_dicts()


def _in_ledger(kept: KeptLedger, email: str, transfers: Mapping[tuple[str, str], dict[str, Any]]) -> Iterator[str]:
    receipts = about(kept.ledger.read_receipts(), email).collect().lazy()
    steps = fold_steps(about(kept.ledger.read_versions(), email))
    if steps.is_empty():
        return
    yield f"list {kept.list_id} of account {kept.account_id}: {_state(receipts)}"
    for step in steps.iter_rows(named=True):
        yield f"  {step['at']:%Y-%m-%d %H:%M:%S} UTC  {_told(step)}"
        bulk_job = f"; bulk job {step['bulk_job_id']}" if step["bulk_job_id"] else ""
        yield f"    run {step['run_id']}{_transfer(transfers.get((kept.export, step['run_id'])))}{bulk_job}"


def _state(receipts: pl.LazyFrame) -> str:
    """Whether the person is on the list by our doing, as far as the ledger knows."""
    if not fold_existing(receipts).collect().is_empty():
        return "was on it before this export, which never takes them off"
    people = fold(receipts).collect()
    if people.is_empty():
        return "not on it by this export"
    return "a change is not settled yet" if people["open"].any() else "put on it by this export"


def _told(step: Mapping[str, Any]) -> str:
    if step["outcome"] is None:
        since = f", since {step['joined_at']:%Y-%m-%d %H:%M:%S} UTC" if step["joined_at"] else ""
        return _OTHER_STEPS[step["step"]] + since
    why = " ".join(filter(None, (step["code"], step["field"])))
    if why and step["outcome"] != "refused":
        why = f"without the field: {why}"
    return f"{step['step']}: {_OUTCOMES[step['outcome']]}" + (f" ({why})" if why else "")


def _transfer(transfer: Mapping[str, Any] | None) -> str:
    if transfer is None:
        return " (before the history began)"
    by = f" {transfer['triggered_by']}" if transfer["triggered_by"] else ""
    consent = f"; consent of {transfer['agreed_by']}, {transfer['agreed_on']}" if transfer["agreed_by"] else ""
    return f", started by {transfer['trigger']}{by}{consent}"


def _transfers_by_run(storage: UPath) -> dict[tuple[str, str], dict[str, Any]]:
    transfers = History(storage).read_transfers().collect()
    return {(each["export"], each["run_id"]): each for each in transfers.iter_rows(named=True)}

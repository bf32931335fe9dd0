"""The plan of a delivery, and everything that may refuse it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from klaviyo_assets.delivery.destination import Destination
from klaviyo_assets.delivery.evidence import check_still_valid
from klaviyo_assets.delivery.ledgers import names_beside, sent_by_others
from klaviyo_assets.delivery.order import Work
from klaviyo_assets.errors import LedgerError
from klaviyo_assets.exports import Export
from klaviyo_assets.frames import UNREADABLE, read_in_parts
from klaviyo_assets.klaviyo import MOST_PROFILES
from klaviyo_assets.ledger import Ledger, fold, has_delivered
from klaviyo_assets.plan import Plan, diff, guard, guard_mapping, guard_size, measure, render_text


def check_size(work: Work) -> None:
    """Refuse what no plan can make good before Klaviyo is asked for anything: not even a list is created for it.

    Raises:
        UnsafePlan: too many people, too few, or too few usable addresses.
    """
    export, size = work.order.export, measure(work.profiles, work.rejections)
    guard_mapping(export.name, size, export.limits)
    guard_size(export.name, size, export.limits)


def make_plan(work: Work, ledger: Ledger, destination: Destination) -> Plan:
    """What has to change, once nothing speaks against it.

    Raises:
        UnsafePlan: a limit of the export is broken.
        LedgerOutdated: Klaviyo shows more deliveries than the ledger knows.
        LedgerError: the ledger, or what is stored of the segment, cannot be read.
    """
    order, export = work.order, work.order.export
    receipts = ledger.read_receipts()
    with work.step("plan"):
        plan = _diff(work, receipts, destination)
    work.progress.say(f"The plan: {render_text(plan)}.")
    guard(export.name, plan, export.limits, leavers=export.leavers, allow_mass_removal=order.allow_mass_removal)
    if plan.counts.added and has_delivered(receipts) and not is_trusted(work, destination):
        additions = plan.additions.select("email")
        check_still_valid(export, receipts, additions, client=work.client, list_id=destination.list_id)
    return plan


def read_people(work: Work, people: pl.LazyFrame, *, count: int) -> Iterator[pl.DataFrame]:
    """CHANGES of a plan's additions or updates, a body's worth at a time, so that of millions few are held.

    Args:
        work: whose plan it is.
        people: its additions, or its updates.
        count: how many they are.

    Raises:
        LedgerError: what is stored of the segment cannot be read.
    """
    with _told(work.order.export):
        yield from read_in_parts(people, height=count, part_height=MOST_PROFILES)


def is_trusted(work: Work, destination: Destination) -> bool:
    """Whether what Klaviyo shows says nothing about the ledger: it was read anew, or others of ours fill the list."""
    declared = {other.name for other in work.order.others}
    return work.order.reconcile or bool(declared & names_beside(work.storage, destination))


def _diff(work: Work, receipts: pl.LazyFrame, destination: Destination) -> Plan:
    order, export = work.order, work.order.export
    with _told(export):
        return diff(
            work.profiles,
            work.rejections,
            # Who is forgotten is nobody's to remove, as long as the ledger still has them.
            work.forgotten.spare(fold(receipts)),
            leavers=export.leavers,
            on_null=export.on_null,
            others=sent_by_others(work.storage, destination, order.others) if destination.list else None,
            resend_all=order.resend_all,
        )


@contextmanager
def _told(export: Export) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        # The library's own text may quote a value.
        message = (
            f"The stored profiles, the rejections or the ledger of export {export.name!r} cannot be read "
            f"({type(error).__name__}), and nothing more is sent: materialize the profiles again; if that does not "
            f"help, restore the ledger from a backup."
        )
        raise LedgerError(message) from None

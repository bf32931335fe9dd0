"""One delivery, from the mapped segment to the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
from upath import UPath

from klaviyo_assets.delivery.destination import Destination, find_destination
from klaviyo_assets.delivery.following import Follower
from klaviyo_assets.delivery.imports import Sender
from klaviyo_assets.delivery.outcome import Outcome, report
from klaviyo_assets.delivery.progress import Progress
from klaviyo_assets.delivery.recording import Recorder
from klaviyo_assets.delivery.removals import Remover
from klaviyo_assets.delivery.settling import settle
from klaviyo_assets.errors import DeadlinePassed, ExportInactive, KlaviyoError
from klaviyo_assets.exports import Export, KlaviyoConnection
from klaviyo_assets.frames import MEMBERS, PROFILES, REJECTIONS, conform, empty
from klaviyo_assets.klaviyo import Client
from klaviyo_assets.ledger import DeltaLedger, Ledger, MemoryLedger, Remembered, compact, fold
from klaviyo_assets.plan import Plan, diff, guard, guard_mapping, guard_size, measure, render_text
from klaviyo_assets.report import Phases, Report


@dataclass(frozen=True)
class Order:
    """What is asked of one delivery.

    Attributes:
        run_id: who asks; it stands on every receipt.
        dry_run: plan and guard, and send nothing.
        allow_mass_removal: pass over `max_removed_share` this once.
    """

    export: Export
    connection: KlaviyoConnection
    run_id: str
    dry_run: bool = False
    allow_mass_removal: bool = False


def deliver(
    order: Order,
    *,
    profiles: pl.LazyFrame,
    rejections: pl.LazyFrame,
    client: Client,
    storage: UPath,
    log: Callable[[str], None],
) -> Report:
    """Make the list equal to the segment, as far as the export says, and tell what came of it.

    Args:
        order: which export, and how.
        profiles: PROFILES of the segment.
        rejections: REJECTIONS of the segment.
        client: the account.
        storage: where ledgers and what is remembered are kept.
        log: takes one line at a time, without addresses.

    Raises:
        Refused: nothing was sent; a person decides.
        KlaviyoError: Klaviyo refused, or did not answer, before anything was sent.
        LedgerError: the ledger cannot be read or written.
    """
    if not order.export.enabled:
        raise ExportInactive(f"Export {order.export.name!r} is not enabled; write enabled: true to let it run.")
    profiles = conform(profiles, PROFILES, name="profiles")
    rejections = conform(rejections, REJECTIONS, name="rejections")
    _check_size(order.export, profiles, rejections)
    phases = Phases()
    client.session.set_deadline(order.export.limits.deadline_minutes * 60)
    delivery = _Delivery(
        order=order,
        profiles=profiles,
        rejections=rejections,
        client=client,
        storage=storage,
        phases=phases,
        progress=Progress(log, client.session),
    )
    with phases.measure("total"):
        outcome = delivery.preview() if order.dry_run else delivery.carry_out()
    return report(order.export.name, outcome, rejections=rejections, client=client, phases=phases.seconds)


def _check_size(export: Export, profiles: pl.LazyFrame, rejections: pl.LazyFrame) -> None:
    """Refuse what no plan can make good before Klaviyo is asked for anything: not even a list is created for it."""
    size = measure(profiles, rejections)
    guard_mapping(export.name, size, export.limits)
    guard_size(export.name, size, export.limits)


@dataclass(frozen=True)
class _Delivery:
    """The steps of one delivery, in the order in which they are taken."""

    order: Order
    profiles: pl.LazyFrame
    rejections: pl.LazyFrame
    client: Client
    storage: UPath
    phases: Phases
    progress: Progress

    def preview(self) -> Outcome:
        """Plan and guard, and change nothing anywhere."""
        destination = self._find_destination()
        return Outcome(destination, self._plan(self._open_ledger(destination)), dry_run=True)

    def carry_out(self) -> Outcome:
        """Settle what is open, plan, guard, send, and count."""
        destination = self._find_destination()
        ledger = self._open_ledger(destination)
        with Recorder(ledger, run_id=self.order.run_id) as recorder:
            follower = Follower(self.client, recorder)
            self._settle(recorder, follower, destination.list_id)
            outcome = Outcome(destination, self._plan(ledger))
            self._send(outcome, recorder, follower)
        with self.phases.measure("record"):
            fewer = compact(ledger.read_receipts(), people_count=outcome.ours)
            if fewer is not None:
                ledger.replace(fewer)
        return outcome

    def _find_destination(self) -> Destination:
        with self.phases.measure("verify"):
            return find_destination(
                self.order.export,
                self.order.connection,
                client=self.client,
                remembered=Remembered(self.storage),
                create=not self.order.dry_run,
            )

    def _open_ledger(self, destination: Destination) -> Ledger:
        folder = destination.ledger_folder(self.storage, self.order.export.name)
        return DeltaLedger(folder) if folder else MemoryLedger()

    def _settle(self, recorder: Recorder, follower: Follower, list_id: str) -> None:
        with self.phases.measure("settle"):
            is_first = recorder.ledger.read_receipts().head(1).collect().is_empty()
            if is_first:
                self._note_existing_members(recorder, list_id)
            else:
                settle(self.client, recorder, follower, list_id=list_id, tick=self.progress.tick)

    def _note_existing_members(self, recorder: Recorder, list_id: str) -> None:
        """Write down who is on the list before we come: they are not ours."""
        if self.client.fetch_list(list_id, count=True).member_count == 0:
            return
        self.progress.say("The list has members already; they are read once, and stay whatever happens.")
        pages = []
        for page in self.client.read_members(list_id):
            pages.append(page.drop_nulls("email"))
            self.progress.tick()
        # All in one commit: a ledger that is not empty is taken to know everybody who was there.
        recorder.note(recorder.stamp.existing(pl.concat([empty(MEMBERS), *pages])))
        recorder.commit()

    def _plan(self, ledger: Ledger) -> Plan:
        export = self.order.export
        with self.phases.measure("plan"):
            plan = diff(self.profiles, self.rejections, fold(ledger.read_receipts()), leavers=export.leavers)
        self.progress.say(f"The plan: {render_text(plan)}.")
        allowed = self.order.allow_mass_removal
        guard(export.name, plan, export.limits, leavers=export.leavers, allow_mass_removal=allowed)
        return plan

    def _send(self, outcome: Outcome, recorder: Recorder, follower: Follower) -> None:
        """Send what the plan says, in its order: removals only once the additions are confirmed."""
        changes, list_id, tick = outcome.plan.changes, outcome.destination.list_id, self.progress.tick
        sender = Sender(self.client, recorder, follower, list_id=list_id)
        remover = Remover(self.client, recorder, list_id=list_id)
        self.progress.watch(lambda: sum(follower.confirmed.values()) + remover.removed, total=changes.height)
        try:
            with self.phases.measure("send"):
                sender.send(changes, tick=tick)
            with self.phases.measure("wait for Klaviyo"):
                follower.follow(tick=tick)
                recorder.commit()
            with self.phases.measure("remove"):
                remover.remove(changes, tick=tick)
            with self.phases.measure("count"):
                outcome.members = self.client.fetch_list(list_id, count=True).member_count
        except (DeadlinePassed, KlaviyoError) as error:
            outcome.stopped = str(error)
        outcome.added, outcome.updated = follower.confirmed["add"], follower.confirmed["update"]
        outcome.removed, outcome.not_found = remover.removed, remover.not_found
        outcome.refused = pl.concat([sender.refused, follower.refused])

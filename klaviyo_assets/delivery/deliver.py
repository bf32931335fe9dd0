"""One delivery, from the mapped segment to the report: its steps, in the order in which they are taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl
from upath import UPath

from klaviyo_assets.delivery.clears import Clearer
from klaviyo_assets.delivery.contract import check_contract
from klaviyo_assets.delivery.destination import Destination, check_not_shared, find_list, verify_account
from klaviyo_assets.delivery.following import Follower
from klaviyo_assets.delivery.heartbeat import Heartbeat
from klaviyo_assets.delivery.imports import Sender
from klaviyo_assets.delivery.ledgers import names_beside, open_ledger
from klaviyo_assets.delivery.opening import Opening
from klaviyo_assets.delivery.order import Order, Work
from klaviyo_assets.delivery.outcome import Outcome, report
from klaviyo_assets.delivery.planning import check_size, is_trusted, make_plan, read_people
from klaviyo_assets.delivery.preview import preview
from klaviyo_assets.delivery.progress import Progress
from klaviyo_assets.delivery.recording import Recorder
from klaviyo_assets.delivery.removals import Remover
from klaviyo_assets.delivery.turn import take_turn
from klaviyo_assets.delivery.world import World
from klaviyo_assets.errors import DeadlinePassed, ExportInactive, KlaviyoError, LeaseLost, Paused
from klaviyo_assets.frames import PROFILES, REJECTIONS, conform
from klaviyo_assets.klaviyo import Client
from klaviyo_assets.ledger import Lease, Ledger, Pause, compact
from klaviyo_assets.report import Report

_SHARE_OF_TIME: Final = 0.5  # of what is left until the deadline, which bulk jobs may take before leavers are removed


def deliver(
    order: Order,
    *,
    profiles: pl.LazyFrame,
    rejections: pl.LazyFrame,
    client: Client,
    storage: UPath,
    log: Callable[[str], None],
    show: Callable[[str], None] = lambda words: None,
    world: World | None = None,
) -> Report:
    """Make the list equal to the segment, as far as the export says, and tell what came of it.

    Args:
        order: which export, and how.
        profiles: PROFILES of the segment.
        rejections: REJECTIONS of the segment.
        client: the account.
        storage: where ledgers, leases and what is remembered are kept.
        log: takes one line at a time, without addresses.
        show: takes a few words on how far it is, which replace those before.
        world: time, names, and requests at once; by default those of this machine.

    Raises:
        Refused: nothing was sent; a person decides.
        KlaviyoError: Klaviyo refused, or did not answer, before anything was sent.
        LedgerError: the ledger cannot be read or written.
    """
    if not order.export.enabled:
        raise ExportInactive(f"Export {order.export.name!r} is not enabled; write enabled: true to let it run.")
    session = client.session
    work = Work(
        order=order,
        profiles=conform(profiles, PROFILES, name="profiles"),
        rejections=conform(rejections, REJECTIONS, name="rejections"),
        client=client,
        storage=storage,
        progress=Progress(say=log, show=show, session=session),
        world=world or World(),
    )
    check_size(work)
    session.set_deadline(order.export.limits.deadline_minutes * 60)
    with work.phases.measure("anything else"), Heartbeat([work.progress.tell]):
        outcome = preview(work) if order.dry_run else _carry_out(work)
    return report(order.export.name, outcome, client=client, phases=work.phases.seconds)


def _carry_out(work: Work) -> Outcome:
    """Wait for the account, and deliver."""
    order, session = work.order, work.client.session
    pause = Pause(work.storage)
    session.only_while(lambda request: pause.check(order.connection.name))
    with work.step("verify"):
        account = verify_account(order.connection, client=work.client, remembered=work.remembered, remember=True)
    lease = Lease(work.storage, account.id, run_id=order.run_id, now=lambda: work.world.now().timestamp())
    with take_turn(lease, account.id, session=session, say=work.progress.say):
        with work.step("verify"):
            found = find_list(
                order.export,
                account,
                client=work.client,
                remembered=work.remembered,
                before_creating=lambda: check_contract(work, account),
            )
        destination = Destination(account, found)
        check_not_shared(order.export, destination, order.others, remembered=work.remembered)
        ledger = open_ledger(work.storage, order.export, destination, take_over=True)
        # Not before the account is ours: who is forgotten meanwhile is not sent by whoever waits for it.
        outcome = _deliver_to(destination, ledger, work.without_forgotten())
        if outcome.stopped is None:
            _compact(ledger, outcome, work)
    return outcome


def _deliver_to(destination: Destination, ledger: Ledger, work: Work) -> Outcome:
    """Settle what is open, plan, guard, send, and count."""
    elapsed = work.client.session.now
    run_id, measure = work.order.run_id, work.phases.measure
    with Recorder(ledger, run_id=run_id, world=work.world, elapsed=elapsed, measure=measure) as recorder:
        follower = Follower(work.client, recorder)
        adopts = work.order.export.existing_members == "adopt"
        remover = Remover(work.client, recorder, list_id=destination.list_id, adopts=adopts)
        opening = Opening(
            work.order.export,
            destination.list_id,
            client=work.client,
            recorder=recorder,
            progress=work.progress,
            forgotten=work.forgotten,
        )
        with work.step("settle"):
            beside = names_beside(work.storage, destination)
            opening.begin(work.profiles.select("email"), beside=beside, is_trusted=is_trusted(work, destination))
            opening.settle(follower, remover)
        with work.step("read the list"):
            if work.order.reconcile:
                opening.reconcile()
            opening.adopt()
        # What an earlier run left open is settled by now, and counts as what it is.
        people_count = check_contract(work, destination.account)
        plan = make_plan(work, ledger, destination)
        outcome = Outcome(destination, plan, work.rejections, people_count=people_count)
        _send(outcome, recorder, follower, remover, work)
    return outcome


def _send(outcome: Outcome, recorder: Recorder, follower: Follower, remover: Remover, work: Work) -> None:
    """Send what the plan says, in its order: clears and removals only once additions and updates are confirmed.

    A bulk job that does not end holds nobody but its own people.
    """
    plan, list_id, client = outcome.plan, outcome.destination.list_id, work.client
    sender = Sender(client, recorder, follower, list_id=list_id)
    clearer = Clearer(client, recorder)
    work.progress.watch(
        lambda: sum(follower.confirmed.values()) + clearer.cleared + remover.removed,
        total=plan.counts.change_count,
    )
    try:
        with work.step("send"):
            sender.send(
                read_people(work, plan.additions, count=plan.counts.added),
                read_people(work, plan.updates, count=plan.update_count),
                work.world.in_flight(),
            )
        with work.step("wait for Klaviyo"):
            follower.follow_own(until=client.session.now() + _SHARE_OF_TIME * client.session.left_s)
            recorder.commit()
        with work.step("clear"):
            clearer.clear(plan.changes, work.world.in_flight())
        with work.step("remove"):
            remover.remove(plan.changes)
        with work.step("wait for Klaviyo"):
            follower.follow_own()
            recorder.commit()
        with work.step("count"):
            outcome.members = client.fetch_list(list_id, count=True).member_count
    except (DeadlinePassed, KlaviyoError, LeaseLost, Paused) as error:
        outcome.stopped = str(error)
    outcome.added, outcome.updated = follower.confirmed["add"], follower.confirmed["update"] + clearer.cleared
    outcome.cleared = follower.cleared + clearer.cleared
    outcome.removed, outcome.not_found = remover.removed, remover.not_found
    outcome.removed_before = remover.removed_before
    outcome.refused = pl.concat([sender.refused, follower.refused, clearer.refused])


def _compact(ledger: Ledger, outcome: Outcome, work: Work) -> None:
    with work.step("record"):
        fewer = compact(ledger.read_receipts(), people_count=outcome.ours)
        if fewer is not None:
            ledger.replace(fewer)

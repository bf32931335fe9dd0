"""From what happened to the report: the sums, and the sentence for a delivery that did not end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from klaviyo_assets.delivery.destination import Destination
from klaviyo_assets.delivery.following import REFUSED
from klaviyo_assets.frames import REFUSALS, empty
from klaviyo_assets.klaviyo import Client, link_to_list
from klaviyo_assets.plan import Plan, read_among
from klaviyo_assets.report import Report


@dataclass(frozen=True)
class NewProfiles:
    """How many of the people who would be added are no profiles of the account yet.

    Attributes:
        count: exactly, or estimated.
        margin: half the width of the 95 % confidence interval; 0 where everybody was looked up.
    """

    count: int
    margin: int


@dataclass
class Outcome:
    """What a delivery has come to so far; it is filled as answers come.

    Attributes:
        rejections: REJECTIONS, with those whom nobody may send any more.
        added: people who joined the list.
        updated: people who got other fields.
        cleared: people who had fields emptied, all of them among those updated.
        removed: people who left the list by our doing.
        removed_before: people whom an earlier run had taken off, which did not live to tell; no part of the plan.
        not_found: leavers who were not on the list any more.
        refused: whom Klaviyo did not take: REFUSED.
        members: how many members Klaviyo counts at the end.
        people_count: how many people all exports of the account account for; None without a contract_limit.
        stopped: why the delivery was broken off.
        new_profiles: of a dry run: who of those added would be new to the account.
        flows: of a dry run: the live flows that joining the list starts; None where it is not known.
    """

    destination: Destination
    plan: Plan
    rejections: pl.LazyFrame = field(repr=False)
    dry_run: bool = False
    added: int = 0
    updated: int = 0
    cleared: int = 0
    removed: int = 0
    removed_before: int = 0
    not_found: int = 0
    refused: pl.DataFrame = field(default_factory=lambda: empty(REFUSED), repr=False)
    members: int | None = None
    people_count: int | None = None
    stopped: str | None = None
    new_profiles: NewProfiles | None = None
    flows: tuple[str, ...] | None = None

    @property
    def ours(self) -> int:
        """People on the list whom we account for."""
        return self.plan.counts.member_count + self.added - self.removed - self.not_found


def report(export_name: str, outcome: Outcome, *, client: Client, phases: Mapping[str, float]) -> Report:
    """The report of a delivery, or of a dry run."""
    klaviyo_list, session = outcome.destination.list, client.session
    duration_s = sum(phases.values())
    counts = _counts(outcome)
    people = counts["added"] + counts["updated"] + counts["removed"]
    return Report(
        export=export_name,
        account_id=outcome.destination.account.id,
        list_id=klaviyo_list.id if klaviyo_list else None,
        list_name=klaviyo_list.name if klaviyo_list else None,
        list_url=link_to_list(klaviyo_list.id, api_url=session.api_url) if klaviyo_list else None,
        dry_run=outcome.dry_run,
        rows_read=outcome.plan.counts.rows_read,
        **counts,
        new_profiles=outcome.new_profiles.count if outcome.new_profiles else None,
        new_profiles_margin=outcome.new_profiles.margin if outcome.new_profiles else None,
        flows=outcome.flows,
        members=outcome.members,
        ours=outcome.ours,
        people_count=outcome.people_count,
        requests=session.request_count,
        waited_s=session.waited_s,
        duration_s=duration_s,
        profiles_per_s=people / duration_s if duration_s else 0.0,
        phases_s=dict(phases),
        rejected_by_rule=_count_rules(outcome.rejections),
        refusals=_name_rows(outcome),
        unfinished=_unfinished(outcome, counts["pending"]),
    )


def _count_rules(rejections: pl.LazyFrame) -> dict[str, int]:
    return dict(rejections.group_by("rule").len().sort("rule").collect().iter_rows())


def _counts(outcome: Outcome) -> dict[str, int]:
    plan = outcome.plan.counts
    added, updated, cleared, removed = (
        (plan.added, plan.updated, plan.cleared_count, plan.removed)
        if outcome.dry_run
        else (outcome.added, outcome.updated, outcome.cleared, outcome.removed)
    )
    refused = outcome.refused.height
    return {
        "added": added,
        "updated": updated,
        "cleared": cleared,
        "removed": removed + outcome.removed_before,
        "unchanged": plan.unchanged,
        "stayed": plan.stayed + plan.removed - removed - outcome.not_found,
        "rejected": plan.rejected,
        "refused": refused,
        "pending": plan.pending + plan.added + plan.updated - added - updated - refused,
        "not_found": outcome.not_found,
    }


def _name_rows(outcome: Outcome) -> pl.DataFrame:
    """The refusals with the rows that they are about."""
    refused, plan = outcome.refused, outcome.plan
    if refused.is_empty():  # the segment is not read again for nobody
        return empty(REFUSALS)
    rows = pl.concat(
        people.select("email", "segment", "row") for people in (plan.additions, plan.updates, plan.changes.lazy())
    )
    theirs = read_among(rows.drop_nulls("row"), refused["email"]).unique("email")
    return refused.join(theirs, on="email", how="left").select(REFUSALS.names()).cast(REFUSALS)


def _unfinished(outcome: Outcome, pending: int) -> str | None:
    if outcome.stopped is not None:
        return f"{outcome.stopped} {pending} rows are not confirmed; what was done is recorded, the next run goes on."
    if pending and not outcome.dry_run:
        return (
            f"{pending} rows are not confirmed, because Klaviyo did not finish the bulk jobs that hold them, or an "
            f"earlier one; run the export again, and it goes on with them."
        )
    return None

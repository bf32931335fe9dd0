"""What has to change so that the list is equal to the segment.

    | in the segment now          | in the ledger     | leavers | change                               |
    |-----------------------------|-------------------|---------|--------------------------------------|
    | yes                         | no                | any     | add                                  |
    | yes                         | same payload      | any     | unchanged                            |
    | yes                         | other payload     | any     | update                               |
    | yes                         | a field left out  | any     | update: it is tried again            |
    | yes                         | a field to empty  | any     | clear; see `clears`                  |
    | no                          | yes               | remove  | remove                               |
    | no                          | yes               | keep    | stay                                 |
    | no                          | yes, not ours     | any     | stay                                 |
    | rejected, address known     | yes               | any     | stay                                 |
    | under a new address         | under the old one | any     | move: add the new; once confirmed,   |
    |   (same external_id)        |                   |         |   remove the old                     |
    | yes                         | open              | any     | pending                              |
    | no                          | open              | any     | stay, until it is settled            |
    | no                          | no                | any     | nothing to do with us                |

"Open" means that a request with this person is not settled: bulk jobs are not processed in order, so a new change
could be overtaken by the old one. "Not ours" means that the person was on the list before we came. Who has not
agreed to be contacted is rejected, and counts as not in the segment: that is no bad row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from klaviyo_assets.frames import CHANGE, CHANGES, DUPLICATE_RULE, NOT_OPTED_IN_RULE, PROFILES, empty
from klaviyo_assets.plan.clears import add_clears

_IN_SEGMENT: Final = pl.col("row").is_not_null()
_IN_LEDGER: Final = pl.col("ours").is_not_null()
_KINDS_OF_CHANGE: Final = ["add", "update", "clear", "remove"]


@dataclass(frozen=True)
class PlanCounts:
    """How many there are of each kind.

    Of the rows that were read: rows_read = added + updated + unchanged + pending + rejected. Of the people in the
    ledger who are not in the segment: removed (moved_count of them because their address changed), stayed. Who is only
    cleared counts as updated; cleared_count is how many people have a field emptied.
    """

    rows_read: int
    rejected: int
    duplicate_count: int
    not_opted_in_count: int
    added: int
    updated: int
    cleared_count: int
    unchanged: int
    pending: int
    removed: int
    moved_count: int
    stayed: int
    member_count: int  # people in the ledger, without those whose first request is still open

    @property
    def profile_count(self) -> int:
        """How many people the segment holds."""
        return self.rows_read - self.rejected

    @property
    def change_count(self) -> int:
        """How many people there is something to do about."""
        return self.added + self.updated + self.removed


@dataclass(frozen=True)
class Plan:
    """The decision: what to send, and how many there are of each kind.

    Attributes:
        changes: CHANGES, sorted by change and address; only what there is to do.
        counts: of everything, also of what stays as it is.
    """

    changes: pl.DataFrame
    counts: PlanCounts

    def __repr__(self) -> str:
        # A frame's own repr would show addresses.
        return f"Plan({self.counts})"


def diff(
    profiles: pl.LazyFrame,
    rejections: pl.LazyFrame,
    ledger: pl.LazyFrame,
    *,
    leavers: Literal["keep", "remove"],
    on_null: Literal["clear", "keep"] = "clear",
    others: pl.LazyFrame | None = None,
    resend_all: bool = False,
) -> Plan:
    """Compare the segment with the ledger, by the table above.

    Args:
        profiles: PROFILES, each address once.
        rejections: REJECTIONS.
        ledger: LEDGER, each address once.
        leavers: whether who left the segment leaves the list.
        on_null: whether a field that we sent and that is empty now is emptied in Klaviyo.
        others: `email` and `payload` of the people whom other exports of the account send; what they send is not
            emptied.
        resend_all: whether everybody who would be unchanged is updated all the same.
    """
    judged = _judge(_side_by_side(profiles, rejections, ledger), leavers, on_null=on_null, resend_all=resend_all)
    candidates, kinds, people, rejected = pl.collect_all(
        [_changes(judged), _count_kinds(judged), _count_members(ledger), _count_rejections(rejections)]
    )
    if on_null == "clear":
        changes = add_clears(candidates, empty(_SENT_BY_OTHERS).lazy() if others is None else others)
    else:
        changes = candidates.select(CHANGES.names())
    return Plan(changes=changes, counts=_counts(changes, kinds, people, rejected))


_SENT_BY_OTHERS: Final = pl.Schema({"email": pl.String, "payload": pl.String})


def _side_by_side(profiles: pl.LazyFrame, rejections: pl.LazyFrame, ledger: pl.LazyFrame) -> pl.LazyFrame:
    """One row per address of either side; `row` is null outside the segment, `ours` outside the ledger."""
    desired = profiles.select(PROFILES.names())
    new_addresses = (
        desired.filter(pl.col("external_id").is_not_null())
        .select("external_id", new_address="email")
        .unique("external_id", keep="none")
    )
    is_bad = pl.col("rule") != NOT_OPTED_IN_RULE
    bad_rows = rejections.filter(is_bad).select("email", bad_row=True).drop_nulls("email").unique("email")
    known = (
        ledger.rename({"payload": "known_payload"})
        .join(new_addresses, on="external_id", how="left")
        .join(bad_rows, on="email", how="left")
    )
    return desired.join(known, on="email", how="full", coalesce=True, suffix="_known")


def _judge(
    sides: pl.LazyFrame, leavers: Literal["keep", "remove"], *, on_null: Literal["clear", "keep"], resend_all: bool
) -> pl.LazyFrame:
    """The rows with their `kind`, from the top of the rules to the first that holds."""
    moved = pl.col("new_address").is_not_null() & pl.col("ours")
    leaves = pl.col("ours") & pl.lit(leavers == "remove")
    is_confirmed = (pl.col("payload") == pl.col("known_payload")) & ~pl.col("incomplete") & pl.lit(not resend_all)
    may_be_cleared = pl.col("uncleared").is_not_null() & pl.lit(on_null == "clear")
    kind = (
        pl.when(pl.col("open"))
        .then(pl.when(_IN_SEGMENT).then(pl.lit("pending")).otherwise(pl.lit("stay")))
        .when(_IN_SEGMENT & ~_IN_LEDGER)
        .then(pl.lit("add"))
        .when(_IN_SEGMENT & is_confirmed & may_be_cleared)
        .then(pl.lit("clear"))
        .when(_IN_SEGMENT & is_confirmed)
        .then(pl.lit("unchanged"))
        .when(_IN_SEGMENT)
        .then(pl.lit("update"))
        .when((moved | leaves) & pl.col("bad_row").is_null())
        .then(pl.lit("remove"))
        .otherwise(pl.lit("stay"))
    )
    return sides.with_columns(kind=kind)


def _changes(judged: pl.LazyFrame) -> pl.LazyFrame:
    """CHANGES, and what `add_clears` asks for."""
    removal, is_known = pl.col("kind") == "remove", pl.col("kind").is_in(["update", "clear"])
    return (
        judged.filter(pl.col("kind").is_in(_KINDS_OF_CHANGE))
        .with_columns(
            change=pl.col("kind").cast(CHANGE),
            external_id=pl.coalesce("external_id", "external_id_known"),
            clears=pl.lit(None, dtype=CHANGES["clears"]),
            unset=pl.lit(None, dtype=CHANGES["unset"]),
            confirm_first=pl.when(removal).then("new_address"),
            joined_from=pl.when(removal).then("joined_from"),
            joined_until=pl.when(removal).then("joined_until"),
            known_payload=pl.when(is_known).then("known_payload"),
        )
        .select(*CHANGES.names(), "known_payload", "uncleared", "dropped")
        .sort("change", "email")
    )


def _count_kinds(judged: pl.LazyFrame) -> pl.LazyFrame:
    moved = (pl.col("kind") == "remove") & pl.col("new_address").is_not_null()
    return judged.group_by("kind").agg(count=pl.len(), moved_count=moved.sum())


def _count_members(ledger: pl.LazyFrame) -> pl.LazyFrame:
    is_first = pl.col("payload").is_null() & pl.col("open")
    return ledger.select(member_count=(~is_first).sum())


def _count_rejections(rejections: pl.LazyFrame) -> pl.LazyFrame:
    return rejections.select(
        rejected=pl.len(),
        duplicate_count=(pl.col("rule") == DUPLICATE_RULE).sum(),
        not_opted_in_count=(pl.col("rule") == NOT_OPTED_IN_RULE).sum(),
    )


def _counts(changes: pl.DataFrame, kinds: pl.DataFrame, people: pl.DataFrame, rejections: pl.DataFrame) -> PlanCounts:
    count = dict(kinds.select("kind", "count").iter_rows())
    rejected, duplicate_count, not_opted_in_count = rejections.row(0)
    updates = changes.filter(pl.col("change") == "update")
    emptied = updates.select(by_import=pl.col("unset").is_not_null(), later=pl.col("clears").is_not_null())
    only_cleared = int((changes["change"] == "clear").sum()) - int(emptied["later"].sum())
    added, pending = count.get("add", 0), count.get("pending", 0)
    updated = updates.height + only_cleared
    unchanged = count.get("unchanged", 0) + count.get("clear", 0) - only_cleared
    return PlanCounts(
        rows_read=added + updated + unchanged + pending + rejected,
        rejected=rejected,
        duplicate_count=duplicate_count,
        not_opted_in_count=not_opted_in_count,
        added=added,
        updated=updated,
        cleared_count=int(emptied.select(pl.any_horizontal(pl.all()).sum()).item()) + only_cleared,
        unchanged=unchanged,
        pending=pending,
        removed=count.get("remove", 0),
        moved_count=int(kinds["moved_count"].sum()),
        stayed=count.get("stay", 0),
        member_count=people.item(),
    )

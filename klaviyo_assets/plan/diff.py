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

from klaviyo_assets.frames import CHANGE, CHANGES, DUPLICATE_RULE, WITHHELD_RULES, empty
from klaviyo_assets.plan.clears import find_clears
from klaviyo_assets.plan.sides import Sides, compare, read_changed


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
    withheld_count: int
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

    Additions and updates may be all of the segment, and are read from it again when they are sent, in its order.

    Attributes:
        additions: CHANGES of those who are to join the list.
        updates: CHANGES of those who are to get other fields.
        changes: CHANGES of those who leave, and of whom fields are emptied one by one, sorted by change and address.
        update_count: how many updates there are; who is only cleared counts as updated, and is none of them.
        counts: of everything, also of what stays as it is.
    """

    additions: pl.LazyFrame
    updates: pl.LazyFrame
    changes: pl.DataFrame
    update_count: int
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
    may_clear = on_null == "clear"
    sides = compare(profiles, rejections, ledger, leavers=leavers, may_clear=may_clear, resend_all=resend_all)
    others = empty(_SENT_BY_OTHERS).lazy() if others is None else others
    cleared = find_clears(sides.inside if may_clear else sides.inside.clear(), profiles, ledger, others)
    inside = sides.inside.with_row_index("place").join(cleared, on="place", how="left")
    updates = inside.filter(pl.col("kind") == "update")
    clears = inside.filter(pl.col("clears").is_not_null())
    return Plan(
        additions=_as_changes(sides.additions, "add"),
        updates=_as_changes(read_changed(profiles, updates), "update"),
        changes=pl.concat([_clears(profiles, clears), _removals(sides.outside)]).sort("change", "email"),
        update_count=updates.height,
        counts=_counts(updates, clears, sides, _count_rejections(rejections)),
    )


_SENT_BY_OTHERS: Final = pl.Schema({"email": pl.String, "payload": pl.String})


def _as_changes(people: pl.LazyFrame, change: str) -> pl.LazyFrame:
    """CHANGES of one kind; a column that the people do not have says nothing of them."""
    found = people.collect_schema()
    told = people.with_columns(
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in CHANGES.items() if name not in found
    )
    return told.with_columns(change=pl.lit(change, dtype=CHANGE)).select(CHANGES.names()).cast(CHANGES)


def _clears(profiles: pl.LazyFrame, people: pl.DataFrame) -> pl.DataFrame:
    """CHANGES of those of whom fields are emptied one by one, whether or not they get others before."""
    told = read_changed(profiles.with_columns(payload=pl.lit(None, dtype=pl.String)), people.with_columns(unset=None))
    return _as_changes(told, "clear").collect()


def _removals(outside: pl.DataFrame) -> pl.DataFrame:
    removed = outside.filter(pl.col("kind") == "remove").drop("uncleared").rename({"new_address": "confirm_first"})
    return _as_changes(removed.lazy(), "remove").collect()


def _count_rejections(rejections: pl.LazyFrame) -> pl.DataFrame:
    return rejections.select(
        rejected=pl.len(),
        duplicate_count=(pl.col("rule") == DUPLICATE_RULE).sum(),
        withheld_count=pl.col("rule").is_in(WITHHELD_RULES).sum(),
    ).collect()


def _counts(updates: pl.DataFrame, clears: pl.DataFrame, sides: Sides, rejections: pl.DataFrame) -> PlanCounts:
    removed = sides.outside.filter(pl.col("kind") == "remove")
    rejected, duplicate_count, withheld_count = rejections.row(0)
    emptied = updates.select(by_import=pl.col("unset").is_not_null(), later=pl.col("clears").is_not_null())
    only_cleared = clears.height - int(emptied["later"].sum())
    updated = updates.height + only_cleared
    return PlanCounts(
        rows_read=sides.profile_count + rejected,
        rejected=rejected,
        duplicate_count=duplicate_count,
        withheld_count=withheld_count,
        added=sides.added,
        updated=updated,
        cleared_count=int(emptied.select(pl.any_horizontal(pl.all()).sum()).item()) + only_cleared,
        unchanged=sides.profile_count - sides.added - updated - sides.pending,
        pending=sides.pending,
        removed=removed.height,
        moved_count=removed["new_address"].count(),
        stayed=sides.outside.height - removed.height,
        member_count=sides.member_count,
    )

"""What has to change so that the list is equal to the segment.

    | in the segment now          | in the ledger     | leavers | change                               |
    |-----------------------------|-------------------|---------|--------------------------------------|
    | yes                         | no                | any     | add                                  |
    | yes                         | same payload      | any     | unchanged                            |
    | yes                         | other payload     | any     | update                               |
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
could be overtaken by the old one. "Not ours" means that the person was on the list before we came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from klaviyo_assets.frames import CHANGE, CHANGES, DUPLICATE_RULE

_IN_SEGMENT: Final = pl.col("row").is_not_null()
_IN_LEDGER: Final = pl.col("ours").is_not_null()


@dataclass(frozen=True)
class PlanCounts:
    """How many there are of each kind.

    Of the rows that were read: rows_read = added + updated + unchanged + pending + rejected. Of the people in the
    ledger who are not in the segment: removed (moved_count of them because their address changed), stayed.
    """

    rows_read: int
    rejected: int
    duplicate_count: int
    added: int
    updated: int
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
) -> Plan:
    """Compare the segment with the ledger, by the table above.

    Args:
        profiles: PROFILES, each address once.
        rejections: REJECTIONS.
        ledger: LEDGER, each address once.
        leavers: whether who left the segment leaves the list.
    """
    judged = _judge(_side_by_side(profiles, rejections, ledger), leavers)
    changes, kinds, people, rejected = pl.collect_all(
        [_changes(judged), _count_kinds(judged), _count_members(ledger), _count_rejections(rejections)]
    )
    return Plan(changes=changes, counts=_counts(kinds, people, rejected))


def _side_by_side(profiles: pl.LazyFrame, rejections: pl.LazyFrame, ledger: pl.LazyFrame) -> pl.LazyFrame:
    """One row per address of either side; `row` is null outside the segment, `ours` outside the ledger."""
    desired = profiles.select("email", "external_id", "payload", "segment", "row")
    new_addresses = (
        desired.filter(pl.col("external_id").is_not_null())
        .select("external_id", new_address="email")
        .unique("external_id", keep="none")
    )
    bad_rows = rejections.select("email", bad_row=True).drop_nulls("email").unique("email")
    known = (
        ledger.rename({"payload": "known_payload"})
        .join(new_addresses, on="external_id", how="left")
        .join(bad_rows, on="email", how="left")
    )
    return desired.join(known, on="email", how="full", coalesce=True, suffix="_known")


def _judge(sides: pl.LazyFrame, leavers: Literal["keep", "remove"]) -> pl.LazyFrame:
    """The rows with their `kind`, from the top of the rules to the first that holds."""
    moved = pl.col("new_address").is_not_null() & pl.col("ours")
    leaves = pl.col("ours") & pl.lit(leavers == "remove") & pl.col("bad_row").is_null()
    kind = (
        pl.when(pl.col("open"))
        .then(pl.when(_IN_SEGMENT).then(pl.lit("pending")).otherwise(pl.lit("stay")))
        .when(_IN_SEGMENT & ~_IN_LEDGER)
        .then(pl.lit("add"))
        .when(_IN_SEGMENT & (pl.col("payload") == pl.col("known_payload")))
        .then(pl.lit("unchanged"))
        .when(_IN_SEGMENT)
        .then(pl.lit("update"))
        .when(moved | leaves)
        .then(pl.lit("remove"))
        .otherwise(pl.lit("stay"))
    )
    return sides.with_columns(kind=kind)


def _changes(judged: pl.LazyFrame) -> pl.LazyFrame:
    removal = pl.col("kind") == "remove"
    return (
        judged.filter(pl.col("kind").is_in(["add", "update", "remove"]))
        .with_columns(
            change=pl.col("kind").cast(CHANGE),
            external_id=pl.coalesce("external_id", "external_id_known"),
            confirm_first=pl.when(removal).then("new_address"),
            joined_from=pl.when(removal).then("joined_from"),
            joined_until=pl.when(removal).then("joined_until"),
            leaving=pl.when(removal).then("leaving"),
        )
        .select(CHANGES.names())
        .sort("change", "email")
    )


def _count_kinds(judged: pl.LazyFrame) -> pl.LazyFrame:
    moved = (pl.col("kind") == "remove") & pl.col("new_address").is_not_null()
    return judged.group_by("kind").agg(count=pl.len(), moved_count=moved.sum())


def _count_members(ledger: pl.LazyFrame) -> pl.LazyFrame:
    return ledger.select(member_count=pl.col("payload").is_not_null().sum())


def _count_rejections(rejections: pl.LazyFrame) -> pl.LazyFrame:
    return rejections.select(rejected=pl.len(), duplicate_count=(pl.col("rule") == DUPLICATE_RULE).sum())


def _counts(kinds: pl.DataFrame, people: pl.DataFrame, rejections: pl.DataFrame) -> PlanCounts:
    count = dict(kinds.select("kind", "count").iter_rows())
    rejected, duplicate_count = rejections.row(0)
    in_segment = [count.get(kind, 0) for kind in ("add", "update", "unchanged", "pending")]
    return PlanCounts(
        rows_read=sum(in_segment) + rejected,
        rejected=rejected,
        duplicate_count=duplicate_count,
        added=in_segment[0],
        updated=in_segment[1],
        unchanged=in_segment[2],
        pending=in_segment[3],
        removed=count.get("remove", 0),
        moved_count=int(kinds["moved_count"].sum()),
        stayed=count.get("stay", 0),
        member_count=people.item(),
    )

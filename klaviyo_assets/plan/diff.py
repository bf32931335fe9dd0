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

from klaviyo_assets.frames import CHANGE, CHANGES, DUPLICATE_RULE, PROFILES, WITHHELD_RULES, empty
from klaviyo_assets.plan.clears import add_clears
from klaviyo_assets.plan.sides import find_both, find_outside, read_additions, read_among, read_inside, read_known


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

    Attributes:
        additions: CHANGES of those who are to join the list, in the order of the segment. They may be all of it, and
            are read from it again when they are sent.
        changes: CHANGES of everybody else about whom there is something to do, sorted by change and address.
        counts: of everything, also of what stays as it is.
    """

    additions: pl.LazyFrame
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
    known = read_known(ledger)
    both = find_both(profiles, known, may_clear=on_null == "clear", resend_all=resend_all)
    outside = find_outside(profiles, rejections, known, both, leavers=leavers)
    changes = _candidates(read_inside(profiles, known, both), outside, ledger)
    if on_null == "clear":
        changes = add_clears(changes, empty(_SENT_BY_OTHERS).lazy() if others is None else others)
    profile_count = profiles.select(pl.len()).collect().item()
    return Plan(
        additions=_additions(profiles, known),
        changes=changes.select(CHANGES.names()),
        counts=_counts(changes, outside, known, profile_count, _count_rejections(rejections)),
    )


_SENT_BY_OTHERS: Final = pl.Schema({"email": pl.String, "payload": pl.String})


def _additions(profiles: pl.LazyFrame, known: pl.DataFrame) -> pl.LazyFrame:
    """CHANGES of those who are new; a column that PROFILES does not have says nothing of them."""
    people = read_additions(profiles, known).with_columns(change=pl.lit("add", dtype=CHANGE))
    return people.select(
        pl.col(name) if name in PROFILES or name == "change" else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in CHANGES.items()
    )


def _candidates(inside: pl.DataFrame, outside: pl.DataFrame, ledger: pl.LazyFrame) -> pl.DataFrame:
    """CHANGES of who is in the ledger, and what `add_clears` asks for."""
    facts = ledger.select("email", "uncleared", known_external_id="external_id", known_payload="payload")
    sent = inside.join(read_among(facts, inside["email"]), on="email", how="left")
    removed = outside.filter(pl.col("kind") == "remove").rename({"new_address": "confirm_first"}).drop("uncleared")
    removed = removed.with_columns(pl.col("kind").cast(CHANGE))
    return (
        pl.concat([sent, removed], how="diagonal")
        .with_columns(
            change="kind",
            external_id=pl.coalesce("external_id", "known_external_id"),
            clears=pl.lit(None, dtype=CHANGES["clears"]),
            unset=pl.lit(None, dtype=CHANGES["unset"]),
        )
        .select(*CHANGES.names(), "known_payload", "uncleared", "dropped")
        .sort("change", "email")
    )


def _count_rejections(rejections: pl.LazyFrame) -> pl.DataFrame:
    return rejections.select(
        rejected=pl.len(),
        duplicate_count=(pl.col("rule") == DUPLICATE_RULE).sum(),
        withheld_count=pl.col("rule").is_in(WITHHELD_RULES).sum(),
    ).collect()


def _counts(
    changes: pl.DataFrame,
    outside: pl.DataFrame,
    known: pl.DataFrame,
    profile_count: int,
    rejections: pl.DataFrame,
) -> PlanCounts:
    # Each address stands once on either side: who is on both is the ledger without those who are outside.
    added = profile_count - (known.height - outside.height)
    pending = int(known["open"].sum()) - int(outside["open"].sum())
    removed = outside.filter(pl.col("kind") == "remove")
    rejected, duplicate_count, withheld_count = rejections.row(0)
    updates = changes.filter(pl.col("change") == "update")
    emptied = updates.select(by_import=pl.col("unset").is_not_null(), later=pl.col("clears").is_not_null())
    only_cleared = int((changes["change"] == "clear").sum()) - int(emptied["later"].sum())
    updated = updates.height + only_cleared
    return PlanCounts(
        rows_read=profile_count + rejected,
        rejected=rejected,
        duplicate_count=duplicate_count,
        withheld_count=withheld_count,
        added=added,
        updated=updated,
        cleared_count=int(emptied.select(pl.any_horizontal(pl.all()).sum()).item()) + only_cleared,
        unchanged=profile_count - added - updated - pending,
        pending=pending,
        removed=removed.height,
        moved_count=removed["new_address"].count(),
        stayed=outside.height - removed.height,
        member_count=known.height - int(known.select((pl.col("known_digest").is_null() & pl.col("open")).sum()).item()),
    )

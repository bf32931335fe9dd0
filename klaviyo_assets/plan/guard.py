"""What may refuse a plan: the limits of an export, each with what was measured and what to do.

The same functions serve the asset checks, which show the limits, and the delivery, which holds them however it was
started. A limit is raised as `UnsafePlan`; nothing here decides what to send.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from klaviyo_assets.errors import UnsafePlan
from klaviyo_assets.exports import LARGEST_EXPORT, Limits
from klaviyo_assets.frames import DUPLICATE_RULE, WITHHELD_RULES
from klaviyo_assets.plan.diff import Plan

FEWEST_REMOVALS: Final = 10  # below it a share says little: two of three people may leave a small segment


@dataclass(frozen=True)
class Size:
    """How large a segment is, and how much of it can be used."""

    rows_read: int
    profile_count: int
    duplicate_count: int
    withheld_count: int = 0

    @property
    def unusable_count(self) -> int:
        """Rows without a usable address; a duplicate's is usable, and one that may not be used is no mistake."""
        return self.rows_read - self.profile_count - self.duplicate_count - self.withheld_count

    @property
    def valid_share(self) -> float:
        """Share of the rows that have a usable address; 1 where there are no rows."""
        return 1 - self.unusable_count / self.rows_read if self.rows_read else 1.0


def measure(profiles: pl.LazyFrame, rejections: pl.LazyFrame) -> Size:
    """The size of mapped segments: PROFILES and REJECTIONS."""
    people, rejected = pl.collect_all(
        [
            profiles.select(count=pl.len()),
            rejections.select(
                count=pl.len(),
                duplicates=(pl.col("rule") == DUPLICATE_RULE).sum(),
                withheld=pl.col("rule").is_in(WITHHELD_RULES).sum(),
            ),
        ]
    )
    rejected_count, duplicate_count, withheld_count = rejected.row(0)
    return Size(
        rows_read=people.item() + rejected_count,
        profile_count=people.item(),
        duplicate_count=duplicate_count,
        withheld_count=withheld_count,
    )


def guard(export_name: str, plan: Plan, limits: Limits, *, leavers: str, allow_mass_removal: bool = False) -> None:
    """Hold every limit of the export against the plan.

    Raises:
        UnsafePlan: the first limit that is broken; nothing may be sent.
    """
    counts = plan.counts
    size = Size(counts.rows_read, counts.profile_count, counts.duplicate_count, counts.withheld_count)
    if not allow_mass_removal:
        guard_removals(export_name, plan, limits, leavers=leavers)
    guard_mapping(export_name, size, limits)
    guard_size(export_name, size, limits)


def guard_mapping(export_name: str, size: Size, limits: Limits) -> None:
    """Refuse a segment in which too few rows have a usable address.

    Raises:
        UnsafePlan: the share of usable addresses is below `min_valid_share`.
    """
    if size.valid_share < limits.min_valid_share:
        message = (
            f"Of {size.rows_read} rows for export {export_name!r}, {size.unusable_count} have no usable e-mail "
            f"address: {_percent(size.valid_share)} are usable, below min_valid_share of "
            f"{_percent(limits.min_valid_share)}; check that match.email names the right column, look at the "
            f"rejections, or lower min_valid_share."
        )
        raise UnsafePlan(message, limit="min_valid_share")


def guard_size(export_name: str, size: Size, limits: Limits) -> None:
    """Refuse a segment that holds too many people, or too few.

    Raises:
        UnsafePlan: the number of profiles is over `max_profiles`, or under `min_profiles`.
    """
    found = f"Export {export_name!r} holds {size.profile_count} profiles"
    if size.profile_count > limits.max_profiles:
        message = (
            f"{found}, over max_profiles of {limits.max_profiles}; narrow the segment, spread it over several "
            f"exports, or raise max_profiles (at most {LARGEST_EXPORT}) if your contract with Klaviyo allows it."
        )
        raise UnsafePlan(message, limit="max_profiles")
    if size.profile_count < limits.min_profiles:
        message = (
            f"{found}, under min_profiles of {limits.min_profiles}; check that the segment was refreshed "
            f"completely, or lower min_profiles."
        )
        raise UnsafePlan(message, limit="min_profiles")


def guard_removals(export_name: str, plan: Plan, limits: Limits, *, leavers: str) -> None:
    """Refuse a plan that would empty the list, or much of it; who only changed address does not count.

    Raises:
        UnsafePlan: the share of removals is over `max_removed_share`, or the segment became empty.
    """
    counts = plan.counts
    once = "allow it for one run with allow_mass_removal: true in the run's config"
    if counts.member_count and not counts.profile_count:
        message = (
            f"The segment of export {export_name!r} has become empty, while {counts.member_count} of its people "
            f"are on the list; check the segment's source, or {once}."
        )
        raise UnsafePlan(message, limit="max_removed_share")
    leaving = counts.removed - counts.moved_count
    share = leaving / counts.member_count if counts.member_count else 0.0
    if leavers == "remove" and leaving >= FEWEST_REMOVALS and share > limits.max_removed_share:
        message = (
            f"The plan for export {export_name!r} removes {leaving} of {counts.member_count} members "
            f"({_percent(share)}), over max_removed_share of {_percent(limits.max_removed_share)}; check the "
            f"segment, or {once}."
        )
        raise UnsafePlan(message, limit="max_removed_share")


def _percent(share: float) -> str:
    return f"{share:.1%}".replace(".0%", "%")

"""The checks: what was measured, the limit, and the remedy, also where all is well.

`email_mapping` and `size_limit` look at stored profiles, stop a delivery that would follow in the same run, and can
be executed alone. The others are made by a delivery. The limits themselves are held below (`plan/guard.py`), however
a delivery is started; a check shows them.
"""

# No `from __future__ import annotations`: Dagster takes the class of a context from the annotation as it stands.
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import dagster as dg

from klaviyo_assets.errors import ContractExceeded, UnsafePlan
from klaviyo_assets.exports import Export, KlaviyoConnection, Limits
from klaviyo_assets.orchestration.keys import export_keys
from klaviyo_assets.orchestration.metadata import counts_table
from klaviyo_assets.plan.guard import Size, guard_mapping, guard_size, measure
from klaviyo_assets.report import Report

MOST_REFUSED: Final = 0.01  # share of the rows sent above which refusals are an error, and not a warning

_EMAIL_MAPPING: Final = "email_mapping"
_SIZE_LIMIT: Final = "size_limit"
_WITHIN_LIMITS: Final = "within_limits"
_CONTRACT_LIMIT: Final = "contract_limit"
_REFUSALS: Final = "refusals"
_MEMBERSHIP: Final = "membership"

_GUARDS: Final[Mapping[str, Callable[[str, Size, Limits], None]]] = {
    _EMAIL_MAPPING: guard_mapping,
    _SIZE_LIMIT: guard_size,
}


def profiles_checks(export: Export) -> dg.AssetChecksDefinition:
    """The blocking checks email_mapping and size_limit of klaviyo/<export>/profiles, by one op that measures once."""
    keys = export_keys(export)

    @dg.multi_asset_check(
        name=f"klaviyo__{export.name}__checks",
        specs=_profiles_check_specs(export),
        ins={"profiles": dg.AssetIn(keys.profiles), "rejections": dg.AssetIn(keys.rejections)},
        can_subset=True,
    )
    def check(context: dg.AssetCheckExecutionContext, profiles: Any, rejections: Any) -> Iterable[dg.AssetCheckResult]:
        size = measure(profiles, rejections)
        for key in sorted(context.selected_asset_check_keys):
            yield _check_size(export, key, size)

    return check


def _profiles_check_specs(export: Export) -> list[dg.AssetCheckSpec]:
    keys, limits = export_keys(export), export.limits
    descriptions = {
        _EMAIL_MAPPING: (
            f"At least {limits.min_valid_share:.0%} of the rows for `{export.name}` have a usable e-mail address "
            f"(min_valid_share), taken from column `{export.match.email}`."
        ),
        _SIZE_LIMIT: (
            f"There are {limits.min_profiles} to {limits.max_profiles} profiles for `{export.name}` "
            f"(min_profiles, max_profiles)."
        ),
    }
    return [
        dg.AssetCheckSpec(
            name, asset=keys.profiles, additional_deps=[keys.rejections], blocking=True, description=description
        )
        for name, description in descriptions.items()
    ]


def _check_size(export: Export, key: dg.AssetCheckKey, size: Size) -> dg.AssetCheckResult:
    of: dict[str, Any] = {"asset_key": key.asset_key, "check_name": key.name}
    measured = _size_metadata(size, export.limits)
    try:
        _GUARDS[key.name](export.name, size, export.limits)
    except UnsafePlan as refusal:
        return _blocked(refusal, measured, **of)
    return dg.AssetCheckResult(passed=True, description=_describe_size(size), metadata=measured, **of)


def delivery_check_specs(export: Export) -> list[dg.AssetCheckSpec]:
    """What a delivery of the export reports."""
    key = export_keys(export).klaviyo_list
    return [
        dg.AssetCheckSpec(
            _WITHIN_LIMITS,
            asset=key,
            blocking=True,
            description=f"Size and removals are within the limits of `{export.name}`; held again by each "
            f"delivery, however it was started. Where it fails, nothing was sent.",
        ),
        dg.AssetCheckSpec(
            _CONTRACT_LIMIT,
            asset=key,
            blocking=True,
            description=f"All exports of the account, `{export.name}` among them, each person counted once, hold no "
            f"more people than the connection's contract_limit. Where it fails, nothing was sent.",
        ),
        dg.AssetCheckSpec(
            _REFUSALS,
            asset=key,
            description=f"Klaviyo took every row that `{export.name}` sent; an error above {MOST_REFUSED:.0%} of them.",
        ),
        dg.AssetCheckSpec(
            _MEMBERSHIP,
            asset=key,
            description=f"By Klaviyo's count, which may lag, the list of `{export.name}` has at least as many "
            f"members as we put there.",
        ),
    ]


def delivery_checks(export: Export, connection: KlaviyoConnection, report: Report) -> list[dg.AssetCheckResult]:
    """The results of a delivery that was carried out."""
    key = export_keys(export).klaviyo_list
    counted = [] if report.members is None else [_membership(key, report.members, report.ours)]
    return [_within_limits(key, export, report), _contract(key, connection, report), _refusals(key, report), *counted]


def unsafe_check(key: dg.AssetKey, refusal: UnsafePlan) -> dg.AssetCheckResult:
    """The result of a delivery that was refused by a limit."""
    if isinstance(refusal, ContractExceeded):
        measured = _contract_metadata(refusal.people_count, refusal.contract_limit)
        return _blocked(refusal, measured, asset_key=key, check_name=_CONTRACT_LIMIT)
    return _blocked(refusal, {}, asset_key=key, check_name=_WITHIN_LIMITS)


def _blocked(refusal: UnsafePlan, metadata: Mapping[str, Any], **of: Any) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=False,
        severity=dg.AssetCheckSeverity.ERROR,
        description=str(refusal),
        metadata={**metadata, "limit": refusal.limit},
        **of,
    )


def _size_metadata(size: Size, limits: Limits) -> dict[str, Any]:
    return {
        "rows_read": size.rows_read,
        "profile_count": size.profile_count,
        "unusable_count": size.unusable_count,
        "valid_share": size.valid_share,
        "min_valid_share": limits.min_valid_share,
        "min_profiles": limits.min_profiles,
        "max_profiles": limits.max_profiles,
    }


def _describe_size(size: Size) -> str:
    return (
        f"Rows read: {size.rows_read}, profiles: {size.profile_count}, rows without a usable address: "
        f"{size.unusable_count}."
    )


def _within_limits(key: dg.AssetKey, export: Export, report: Report) -> dg.AssetCheckResult:
    profile_count = report.rows_read - report.rejected
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=_WITHIN_LIMITS,
        passed=True,
        description=f"{profile_count} profiles, {report.removed} removals.",
        metadata={
            "profile_count": profile_count,
            "max_profiles": export.limits.max_profiles,
            "removed": report.removed,
            "max_removed_share": export.limits.max_removed_share,
        },
    )


def _contract(key: dg.AssetKey, connection: KlaviyoConnection, report: Report) -> dg.AssetCheckResult:
    count, limit = report.people_count, connection.contract_limit
    if count is None or limit is None:
        metadata, description = {}, f"{connection.title} has no contract_limit; nothing is measured."
    else:
        metadata = _contract_metadata(count, limit)
        description = f"{count} people by all exports of the account, each counted once; contract_limit is {limit}."
    return dg.AssetCheckResult(
        asset_key=key, check_name=_CONTRACT_LIMIT, passed=True, description=description, metadata=metadata
    )


def _contract_metadata(people_count: int, contract_limit: int) -> dict[str, int]:
    return {"people_count": people_count, "contract_limit": contract_limit}


def _refusals(key: dg.AssetKey, report: Report) -> dg.AssetCheckResult:
    sent = report.added + report.updated + report.refused
    share = report.refused / sent if sent else 0.0
    severe = share > MOST_REFUSED
    remedy = "; correct the rows at their source, the next delivery tries them again" if report.refused else ""
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=_REFUSALS,
        passed=not report.refused,
        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
        description=f"Klaviyo refused {report.refused} of {sent} rows sent{remedy}.",
        metadata={
            "refused": report.refused,
            "refused_share": share,
            "error_above_share": MOST_REFUSED,
            "by_code": dg.MetadataValue.md(counts_table("code", report.refused_by_code())),
        },
    )


def _membership(key: dg.AssetKey, members: int, ours: int) -> dg.AssetCheckResult:
    short = members < ours
    remedy = "; the count may lag, or staff took people off by hand" if short else ""
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=_MEMBERSHIP,
        passed=not short,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"The list has {members} members by Klaviyo's count; we put {ours} there{remedy}.",
        metadata={"members": members, "ours": ours},
    )

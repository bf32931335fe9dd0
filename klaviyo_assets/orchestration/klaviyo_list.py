"""The list asset: one materialization of klaviyo/<export>/list is one delivery.

What a delivery does is in `delivery`; here its outcome is told to Dagster: as a materialization with its numbers, as
an observation after a dry run, or as a failure with one sentence. The checks that it reports are in `checks.py`.
"""

# No `from __future__ import annotations`: Dagster takes the class of a config from the annotation as it stands.
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from pydantic import Field
from upath import UPath

from klaviyo_assets.delivery import Order, deliver
from klaviyo_assets.errors import (
    ExportInactive,
    KlaviyoAssetsError,
    LedgerError,
    LedgerOutdated,
    ListShared,
    ListStartsFlow,
    Refused,
    UnsafePlan,
)
from klaviyo_assets.exports import Export, KlaviyoConnection
from klaviyo_assets.ledger import History
from klaviyo_assets.orchestration.checks import delivery_check_specs, delivery_checks, unsafe_check
from klaviyo_assets.orchestration.keys import KLAVIYO_GROUP, PROGRESS_TAG, export_keys, export_tags, list_op_name
from klaviyo_assets.orchestration.resources import KlaviyoAccount, check_not_paused
from klaviyo_assets.orchestration.storage import refusals_path, replace_file, storage_root
from klaviyo_assets.orchestration.times import mapping_s
from klaviyo_assets.orchestration.transfers import Ending, last_transfers, recorded, transfer_facts
from klaviyo_assets.report import Report

Told = Iterator[dg.AssetCheckResult | dg.AssetObservation | dg.MaterializeResult[None]]


class DeliveryConfig(dg.Config):
    """How this one delivery differs from the others."""

    dry_run: bool = Field(
        default=False, description="Only tell what would change: nothing is sent, created or materialized."
    )
    allow_mass_removal: bool = Field(
        default=False,
        description="Remove as many members as the plan says, also where the segment has become empty.",
    )
    reconcile: bool = Field(
        default=False, description="Read the list first, and repair what differs from what was delivered."
    )
    resend_all: bool = Field(default=False, description="Send everybody's fields again, also where nothing changed.")


def list_asset(
    export: Export,
    *,
    connection: KlaviyoConnection | None,
    all_exports: Sequence[Export],
    owners: list[str],
    project_root: Path,
) -> dg.AssetsDefinition:
    """The asset klaviyo/<export>/list with its checks.

    Args:
        export: which segments go to which list.
        connection: the account; None where the export is inactive, so that a run of it fails.
        all_exports: all that are declared.
        owners: who answers for it.
        project_root: the folder below which everything is stored by default.
    """
    keys = export_keys(export)
    spec = _list_spec(export, connection, owners)
    frames = {"profiles": dg.AssetIn(keys.profiles), "rejections": dg.AssetIn(keys.rejections)}

    @dg.multi_asset(
        name=list_op_name(export),
        specs=[spec],
        ins=frames if connection else {},
        check_specs=delivery_check_specs(export),
        can_subset=True,
        required_resource_keys={connection.resource_key} if connection else set(),
        pool=connection.resource_key if connection else None,
    )
    def deliver_to_list(context: dg.AssetExecutionContext, config: DeliveryConfig, **frames: Any) -> Told:
        _check_selected(context, spec.key)
        storage = storage_root(project_root)
        try:
            with _recorded(context, export, connection, config, storage) as ending:
                sender = _active(export, connection)
                others = [other for other in all_exports if other.name != export.name]
                order = Order(export, sender, context.run.run_id, others=others, **config.model_dump())
                ending.report = report = _carry_out(order, context, frames, storage)
        except (UnsafePlan, ListShared, ListStartsFlow, LedgerOutdated) as refusal:
            yield from _tell_refused(context, config, spec.key, refusal)
        except KlaviyoAssetsError as error:
            raise _failure(str(error)) from error
        else:
            yield from _tell(context, order, spec.key, report, storage)

    return deliver_to_list


def _recorded(
    context: dg.AssetExecutionContext,
    export: Export,
    connection: KlaviyoConnection | None,
    config: DeliveryConfig,
    storage: UPath,
) -> AbstractContextManager[Ending]:
    run = context.run
    facts = transfer_facts(
        export, connection, run_id=run.run_id, tags=run.tags, config=config.model_dump(), storage=storage
    )
    return recorded(History(storage), facts, warn=context.log.warning)


def _carry_out(
    order: Order, context: dg.AssetExecutionContext, frames: Mapping[str, pl.LazyFrame], storage: UPath
) -> Report:
    check_not_paused()
    account: KlaviyoAccount = getattr(context.resources, order.connection.resource_key)
    with account.connect() as client:
        report = deliver(
            order,
            profiles=frames["profiles"],
            rejections=frames["rejections"],
            client=client,
            storage=storage,
            log=context.log.info,
            show=partial(_show_progress, context),
        )
    if not report.dry_run:
        replace_file(report.refusals.lazy(), refusals_path(storage, order.export))
    return report


def _show_progress(context: dg.AssetExecutionContext, words: str) -> None:
    """On the run's page, and in the list of runs, while the run goes on."""
    context.instance.add_run_tags(context.run.run_id, {PROGRESS_TAG: words})


def _tell(context: dg.AssetExecutionContext, order: Order, key: dg.AssetKey, report: Report, storage: UPath) -> Told:
    if report.unfinished:
        raise _failure(report.unfinished, report.numbers())
    if report.dry_run:
        yield dg.AssetObservation(key, metadata=_delivery_metadata(report), description="A dry run: nothing was sent.")
        return
    checks = _selected(context, delivery_checks(order.export, order.connection, report))
    kept_at = dg.MetadataValue.path(str(refusals_path(storage, order.export)))
    refused = {"refusals": kept_at} if report.refused else {}
    times = {"times": dg.MetadataValue.md(report.times(mapped_s=mapping_s(context.instance, order.export)))}
    metadata = _delivery_metadata(report) | times | refused | _history_metadata(context, order.export, History(storage))
    yield dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=checks)


def _tell_refused(
    context: dg.AssetExecutionContext, config: DeliveryConfig, key: dg.AssetKey, refusal: Refused
) -> Told:
    limit = {"limit": refusal.limit} if isinstance(refusal, UnsafePlan) else {}
    if config.dry_run:
        metadata = {"would_be_refused": str(refusal), **limit}
        yield dg.AssetObservation(key, metadata=metadata, description=f"A delivery would be refused: {refusal}")
        return
    if isinstance(refusal, UnsafePlan):
        yield from _selected(context, [unsafe_check(key, refusal)])
    raise _failure(str(refusal)) from refusal


def _delivery_metadata(report: Report) -> dict[str, Any]:
    counted = {} if report.members is None else {"dagster/row_count": report.members}
    linked = {}
    if report.list_url:
        linked = {"dagster/uri": report.list_url, "list": dg.MetadataValue.url(report.list_url)}
    return {**report.numbers(), **counted, **linked, "summary": dg.MetadataValue.md(report.summary())}


def _history_metadata(context: dg.AssetExecutionContext, export: Export, history: History) -> dict[str, Any]:
    """Where the history is, and the last transfers of the export; a history that cannot be read fails nothing."""
    kept_at = {"history": dg.MetadataValue.path(str(history.folder))}
    try:
        return kept_at | {"last_transfers": dg.MetadataValue.md(last_transfers(history, export.name))}
    except LedgerError as error:
        context.log.warning(str(error))
        return kept_at


def _check_selected(context: dg.AssetExecutionContext, key: dg.AssetKey) -> None:
    # Dagster offers to execute a check alone; that must not become a delivery.
    if key not in context.selected_asset_keys:
        raise _failure(f"The checks of {key.to_user_string()} are made by a delivery; materialize the asset itself.")


def _selected(context: dg.AssetExecutionContext, results: Iterable[dg.AssetCheckResult]) -> list[dg.AssetCheckResult]:
    names = {key.name for key in context.selected_asset_check_keys}
    return [result for result in results if result.check_name in names]


def _active(export: Export, connection: KlaviyoConnection | None) -> KlaviyoConnection:
    if connection is not None:
        return connection
    found, remedy = _why_inactive(export)
    raise ExportInactive(f"Export {export.name!r} {found}, and nothing is sent; {remedy} in its declaration to go on.")


def _why_inactive(export: Export) -> tuple[str, str]:
    """What it is, and what ends that."""
    return ("is not enabled", "set enabled: true") if export.connection else ("is detached", "name its connection")


def _failure(sentence: str, numbers: Mapping[str, float] | None = None) -> dg.Failure:
    return dg.Failure(sentence, metadata=numbers, allow_retries=False)


def _list_spec(export: Export, connection: KlaviyoConnection | None, owners: list[str]) -> dg.AssetSpec:
    keys = export_keys(export)
    return dg.AssetSpec(
        keys.klaviyo_list,
        deps=[keys.profiles, keys.rejections],
        skippable=True,
        group_name=KLAVIYO_GROUP,
        kinds={"klaviyo"},
        owners=owners,
        tags=export_tags(export),
        description=_describe(export, connection),
        metadata={"connection": connection.title} if connection else {},
    )


def _describe(export: Export, connection: KlaviyoConnection | None) -> str:
    target = f"with id `{export.list_id}`" if export.list_id else f'named "{export.list_name}"'
    leavers = {"keep": "stays on the list", "remove": "is taken off the list"}[export.leavers]
    account = f"connection `{export.connection}`" if export.connection else "no connection"
    account += f", {connection.title}" if connection else ""
    idle = "" if connection else f" The export {_why_inactive(export)[0]}, and nothing is sent."
    # Who agreed is told with the connection, to those who look there.
    consent = f"\n\nConsent of {connection.consent.agreed_on}: {connection.consent_meaning}" if connection else ""
    return (
        f"The Klaviyo list {target}, filled by export `{export.name}`, by {account}.{idle} Each materialization sends "
        f"what changed since the last one; who leaves the segments {leavers}. Nothing is sent above "
        f"{export.limits.max_profiles} profiles, below {export.limits.min_valid_share:.0%} usable addresses, or where "
        f"more than {export.limits.max_removed_share:.0%} of the members would be removed.{consent}"
    )

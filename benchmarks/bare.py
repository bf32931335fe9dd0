"""What bare Dagster has to load for many exports: as many assets, checks, jobs, sensors and resources, that do nothing.

Nothing of ours is imported here: it is what there would be to pay without it.
"""

# No `from __future__ import annotations`: Dagster evaluates the annotations of what it decorates again and again.
from collections.abc import Iterator
from typing import Any, Final

import dagster as dg

PER_CONNECTION: Final = 3


def bare(export_count: int, *, is_shared: bool = False) -> dg.Definitions:
    """As many assets, checks, jobs and sensors, that do nothing, with nothing of ours."""
    connections = [_bare_connection(f"c{number}") for number in range(-(-export_count // PER_CONNECTION))]
    segments = [_bare_segment(f"s{number}", is_shared=is_shared) for number in range(export_count)]
    exports = [_bare_export(f"e{number}", is_shared=is_shared) for number in range(export_count)]
    shared = [_bare_automation("all", dg.AssetSelection.all())] if is_shared else []
    return dg.Definitions.merge(*connections, *segments, *exports, *shared)


class BareComponent(dg.Component, dg.Model, dg.Resolvable):
    """What one declaration costs where it says and does nothing."""

    kind: str
    name: str

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """As many definitions as a declaration of the kind makes."""
        build = {"connections": _bare_connection, "segments": _bare_segment, "exports": _bare_export}
        return build[self.kind](self.name)


class _Account(dg.ConfigurableResource["_Account"]):
    api_key_env: str


class _Config(dg.Config):
    dry_run: bool = False
    allow_mass_removal: bool = False
    reconcile: bool = False
    resend_all: bool = False


def _bare_connection(name: str) -> dg.Definitions:
    @dg.op(name=f"ask_{name}", required_resource_keys={f"klaviyo_{name}"})
    def ask() -> None: ...

    @dg.op(name=f"read_{name}")
    def read() -> None: ...

    @dg.job(name=f"verify_{name}")
    def verify() -> None:
        ask()
        read()

    return dg.Definitions(resources={f"klaviyo_{name}": _Account(api_key_env="KEY")}, jobs=[verify])


def _bare_segment(name: str, *, is_shared: bool = False) -> dg.Definitions:
    key = dg.AssetKey(["segments", name])

    @dg.asset(key=key, group_name="segments")
    def segment() -> None: ...

    sensors = [] if is_shared else [_bare_sensor(f"{name}_source_refreshed", asset_selection=[key])]
    return dg.Definitions(assets=[segment], sensors=sensors)


def _bare_export(name: str, *, is_shared: bool = False) -> dg.Definitions:
    profiles, rejections, members = (
        dg.AssetKey(["klaviyo", name, part]) for part in ("profiles", "rejections", "list")
    )
    number = int(name[1:])

    @dg.multi_asset(
        name=f"klaviyo__{name}__profiles",
        ins={"segment": dg.AssetIn(dg.AssetKey(["segments", f"s{number}"]))},
        outs={"profiles": dg.AssetOut(key=profiles), "rejections": dg.AssetOut(key=rejections)},
    )
    def map_segment(segment: Any) -> Iterator[dg.Output[Any]]:
        yield from ()

    @dg.multi_asset_check(
        name=f"klaviyo__{name}__checks",
        specs=[dg.AssetCheckSpec(check, asset=profiles, blocking=True) for check in ("email_mapping", "size_limit")],
        can_subset=True,
    )
    def check() -> Iterator[dg.AssetCheckResult]:
        yield from ()

    @dg.multi_asset(
        name=f"klaviyo__{name}__list",
        specs=[dg.AssetSpec(members, deps=[profiles, rejections], skippable=True)],
        check_specs=[dg.AssetCheckSpec(f"check_{n}", asset=members) for n in range(4)],
        can_subset=True,
        required_resource_keys={f"klaviyo_c{number // PER_CONNECTION}"},
    )
    def deliver(config: _Config) -> Iterator[dg.MaterializeResult[Any]]:
        yield from ()

    own = dg.Definitions(assets=[map_segment, deliver], asset_checks=[check])
    keys = dg.AssetSelection.assets(profiles, rejections, members)
    return own if is_shared else dg.Definitions.merge(own, _bare_automation(name, keys))


def _bare_automation(name: str, selection: dg.AssetSelection) -> dg.Definitions:
    job = dg.define_asset_job(f"export_{name}", selection)
    return dg.Definitions(jobs=[job], sensors=[_bare_sensor(f"{name}_segments_refreshed", job_name=f"export_{name}")])


def _bare_sensor(name: str, **target: Any) -> dg.SensorDefinition:
    @dg.sensor(name=name, default_status=dg.DefaultSensorStatus.RUNNING, **target)
    def ask() -> Iterator[dg.SkipReason]:
        yield dg.SkipReason("Nothing to do.")

    return ask

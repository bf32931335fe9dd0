"""This project through a real run of Dagster, in a process of its own, so that its start is measured too.

Beside it stand two that deliver nothing: `idle` is a run of Dagster with the same definitions whose assets do nothing,
`bare` imports what every run needs.
"""

from __future__ import annotations

import sys
from typing import Final

import dagster as dg

from benchmarks.contenders.setting import Setting, read_setting, read_words

IDLE, BARE = "idle", "bare"
_IDLE_KEYS: Final = [dg.AssetKey(["idle", name]) for name in "abc"]
_EXPORTED: Final = ("segments/bench", "klaviyo/bench/profiles", "klaviyo/bench/rejections", "klaviyo/bench/list")


def definitions(setting: Setting) -> dg.Definitions:
    """The export of the customers in the folder, and three assets that do nothing."""
    from benchmarks.contenders.export import CONNECTION, EXPORT, segment
    from klaviyo_assets import build_defs

    exported = build_defs(
        connections=[CONNECTION], segments=[segment(setting)], exports=[EXPORT], project_root=setting.folder
    )
    return dg.Definitions.merge(exported, dg.Definitions(assets=[_idle(key) for key in _IDLE_KEYS]))


def _idle(key: dg.AssetKey) -> dg.AssetsDefinition:
    @dg.asset(key=key)
    def nothing() -> None:
        """Takes no time of its own."""

    return nothing


def run(asked: str, setting: Setting) -> None:
    """One run, of the export or of what does nothing."""
    keys = _IDLE_KEYS if asked == IDLE else [dg.AssetKey.from_user_string(key) for key in _EXPORTED]
    job = definitions(setting).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(instance=instance, asset_selection=keys)
    sys.exit(0 if result.success else 1)


def main() -> None:
    """A case is the same run each time; what is prepared is Dagster's own database, which a deployment has."""
    *first, asked = read_words()
    if asked == BARE:
        import polars as pl

        assert pl.__version__
    else:
        run(IDLE if first else asked, read_setting())


if __name__ == "__main__":
    main()

"""The program of a worker: one run of Dagster, which exports the segment to one of several accounts.

Asked `prepare`, it reads the segment, which all of them share; asked a number, it is the export to that account.
"""

from __future__ import annotations

import os
import sys
from typing import Final

import dagster as dg

from benchmarks.contenders.export import CONNECTION, EXPORT, segment
from benchmarks.contenders.setting import read_setting, read_words
from klaviyo_assets import build_defs

PREPARE: Final = "prepare"
COUNT_ENV: Final = "BENCH_ACCOUNTS"


def account_name(number: int) -> str:
    """Of the account, its connection and its export."""
    return f"account{number}"


def key_env(number: int) -> str:
    """The variable that holds the account's key."""
    return f"BENCH_KEY_{number}"


def definitions(account_count: int) -> dg.Definitions:
    """The segment, and an export of it to each account."""
    setting = read_setting()
    named = {number: {"name": account_name(number)} for number in range(account_count)}
    return build_defs(
        connections=[
            CONNECTION.model_copy(update={**name, "api_key_env": key_env(number)}) for number, name in named.items()
        ],
        segments=[segment(setting)],
        exports=[EXPORT.model_copy(update={**name, "connection": name["name"]}) for name in named.values()],
        project_root=setting.folder,
    )


def main() -> None:
    """One run; its failure is the program's."""
    (asked,) = read_words()
    defs = definitions(int(os.environ[COUNT_ENV]))
    with dg.DagsterInstance.get() as instance:
        if asked == PREPARE:
            job = defs.resolve_implicit_global_asset_job_def()
            result = job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey(["segments", "bench"])])
        else:
            result = defs.resolve_job_def(f"export_{account_name(int(asked))}").execute_in_process(instance=instance)
    sys.exit(0 if result.success else 1)


if __name__ == "__main__":
    main()

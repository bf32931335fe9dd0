"""A script on the official SDK, as its documentation shows bulk import: 10 000 a body, each bulk job polled to its end.

https://github.com/klaviyo/klaviyo-api-python,
https://developers.klaviyo.com/en/docs/use_klaviyos_bulk_profile_import_api. What a user would write in an afternoon:
it keeps nothing from one run to the next, so that it knows neither what changed nor who left.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import polars as pl
from klaviyo_api import KlaviyoAPI  # type: ignore[import-untyped]

from benchmarks.contenders.setting import Setting, bulk_import, profile_of, read_setting

_BODY: Final = 10_000
_POLL_S: Final = 1.0


def run(setting: Setting) -> None:
    """Send everybody, and wait."""
    klaviyo = KlaviyoAPI(setting.key, max_delay=60, max_retries=3, test_host=setting.url)
    for job_id in list(_submit(klaviyo, setting)):
        _wait(klaviyo, job_id)


def _submit(klaviyo: Any, setting: Setting) -> Iterator[str]:
    for part in pl.read_parquet(setting.customers).iter_slices(_BODY):
        profiles = [profile_of(row) for row in part.iter_rows(named=True)]
        answer = klaviyo.Profiles.bulk_import_profiles(bulk_import(profiles, setting.list_id))
        yield answer.data.id


def _wait(klaviyo: Any, job_id: str) -> None:
    while True:
        job = klaviyo.Profiles.get_bulk_import_profiles_job(job_id).data.attributes
        if job.status == "complete":
            break
        time.sleep(_POLL_S)
    if job.failed_count:
        raise SystemExit(f"{job.failed_count} profiles were refused")


if __name__ == "__main__":
    run(read_setting())

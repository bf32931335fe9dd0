"""dlt with a destination of one's own, as its page on reverse ETL shows it.

https://dlthub.com/docs/dlt-ecosystem/destinations/destination. Tables go through dlt as Parquet; its own HTTP client
tries again what Klaviyo refused for its limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import dlt
import pyarrow.parquet as pq
from dlt.sources.helpers import requests

from benchmarks.contenders.setting import Setting, bulk_import, profile_of, read_setting

_BODY: Final = 10_000
_REVISION: Final = "2026-07-15"


def run(setting: Setting) -> None:
    """One load of all customers."""
    headers = {"Authorization": f"Klaviyo-API-Key {setting.key}", "revision": _REVISION}

    def klaviyo(items: Any, table: Any) -> None:
        body = bulk_import([profile_of(row) for row in items.to_pylist()], setting.list_id)
        requests.post(f"{setting.url}/api/profile-bulk-import-jobs", json=body, headers=headers).raise_for_status()

    destination = dlt.destination(klaviyo, batch_size=_BODY, loader_file_format="parquet", name="klaviyo")
    pipeline = dlt.pipeline("bench", destination=destination, pipelines_dir=str(setting.folder / "pipelines"))
    pipeline.run(dlt.resource(_customers(setting), name="customers")).raise_on_failed_jobs()


def _customers(setting: Setting) -> Iterator[Any]:
    yield from pq.ParquetFile(setting.customers).iter_batches(_BODY)


if __name__ == "__main__":
    run(read_setting())

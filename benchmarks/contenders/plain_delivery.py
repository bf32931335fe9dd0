"""This project without Dagster: the same functions as its assets call, by a script."""

from __future__ import annotations

import uuid

import polars as pl
from upath import UPath

from benchmarks.contenders.export import CONNECTION, EXPORT, segment
from benchmarks.contenders.setting import Setting, read_setting
from klaviyo_assets.delivery import Order, deliver
from klaviyo_assets.klaviyo import connect
from klaviyo_assets.mapping import map_profiles
from klaviyo_assets.segments import open_source


def run(setting: Setting) -> None:
    """Read, map, deliver."""
    reader = open_source(segment(setting).source, root=setting.folder)
    mapped = map_profiles({EXPORT.segments[0]: reader.read_customers()}, EXPORT.field_map)
    kept = {name: setting.folder / f"{name}.parquet" for name in ("profiles", "rejections")}
    mapped.profiles.sink_parquet(kept["profiles"])
    mapped.rejections.sink_parquet(kept["rejections"])
    with connect(api_key=setting.key, api_url=setting.url) as client:
        deliver(
            Order(EXPORT, CONNECTION, run_id=uuid.uuid4().hex),
            profiles=pl.scan_parquet(kept["profiles"]),
            rejections=pl.scan_parquet(kept["rejections"]),
            client=client,
            storage=UPath(setting.folder / "storage"),
            log=lambda line: None,
        )


if __name__ == "__main__":
    run(read_setting())

"""What a first delivery is to this project alone: customers are mapped, compared, encoded and packed into bodies.

Nothing is sent, and what is stored between the steps is held instead. It writes down what that took of CPU, without
the start of the process, as `own_cpu_s`.
"""

from __future__ import annotations

import time

import polars as pl

from benchmarks.contenders.export import EXPORT, segment
from benchmarks.contenders.setting import Setting, read_setting
from klaviyo_assets.frames import LEDGER, empty, read_in_parts
from klaviyo_assets.klaviyo import MOST_PROFILES, cut_bodies, render_body
from klaviyo_assets.mapping import map_profiles
from klaviyo_assets.plan import diff
from klaviyo_assets.segments import open_source


def work(setting: Setting) -> int:
    """From the customers to the bytes of the last body: how many bodies there are."""
    customers = open_source(segment(setting).source, root=setting.folder).read_customers()
    mapped = map_profiles({EXPORT.segments[0]: customers}, EXPORT.field_map)
    profiles, rejections = pl.collect_all([mapped.profiles, mapped.rejections], engine="streaming")
    plan = diff(profiles.lazy(), rejections.lazy(), empty(LEDGER).lazy(), leavers="remove")
    parts = read_in_parts(plan.additions, height=profiles.height, part_height=MOST_PROFILES)
    return sum(len(render_body(people, list_id=setting.list_id)) > 0 for people in cut_bodies(parts))


def main() -> None:
    """The work, and its CPU."""
    setting = read_setting()
    started = time.process_time()
    work(setting)
    (setting.folder / "own_cpu_s").write_text(str(time.process_time() - started))


if __name__ == "__main__":
    main()

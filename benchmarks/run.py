"""`make bench`: new customers from Parquet to a list in the local Klaviyo, at Klaviyo's real limits.

    floor    ready-made bodies, posted by a bare client as fast as the limits allow
    idle     a run of Dagster that does nothing, its start included
    first    the same customers through a run of Dagster: read, mapped, planned, delivered, recorded
    later    again, once nothing has changed, once 1 % of them have, and once 1 % have left

What the first delivery spends beyond the floor and an idle run is its own.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx

from benchmarks.customers import write_customers
from benchmarks.floor import measure

KEY = "pk_sandbox_00000000000000000000000000"


@click.command()
@click.option("--count", default=100_000, show_default=True, help="How many customers.")
def main(count: int) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as name, sandbox() as url:
        folder = Path(name)
        write_customers(folder / "customers.parquet", count)
        floor_s = measure(url, KEY, folder / "customers.parquet")
        reset(url)
        rows = {"idle run": run("idle", folder, url), "first delivery": run("export", folder, url)}
        rows["unchanged"] = run("export", folder, url)
        write_customers(folder / "customers.parquet", count, changed_share=0.01)
        rows["1 % changed"] = run("export", folder, url)
        write_customers(folder / "customers.parquet", count, left=count // 100, changed_share=0.01)
        rows["1 % left"] = run("export", folder, url)
    idle, first = rows["idle run"], rows["first delivery"]
    beyond = first["run_s"] - idle["run_s"] - floor_s
    print(f"\n{count} customers, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"{'':<24}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'requests':>10}{'bodies':>8}{'429':>6}")
    print(f"{'floor':<24}{floor_s:>9.2f}")
    for title, figures in rows.items():
        asked = "".join(f"{figures[name]:>{width}}" for name, width in (("requests", 10), ("bodies", 8), ("429", 6)))
        print(f"{title:<24}{figures['run_s']:>9.2f}{figures['cpu_s']:>9.2f}{figures['peak_mb']:>9.0f}{asked}")
    print(f"\nbeyond Dagster's own start and the floor: {beyond:.2f} s")
    print(f"first delivery, of the floor and an idle run: {first['run_s'] / (floor_s + idle['run_s']):.2f}")


def run(what: str, folder: Path, url: str) -> dict[str, Any]:
    """One run in a process of its own; its start, imports and all, counts as its time."""
    httpx.delete(f"{url}/_sandbox/requests", trust_env=False).raise_for_status()
    environment = {
        **os.environ,
        "BENCH_FOLDER": str(folder),
        "DAGSTER_HOME": str(folder),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "KLAVIYO_API_URL": url,
        "KLAVIYO_API_KEY": KEY,
        "KLAVIYO_ASSETS_STORAGE": str(folder / "storage"),
    }
    command = [sys.executable, "-m", "benchmarks.project", what]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-4_000:])
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures | count_requests(url)


def count_requests(url: str) -> dict[str, int]:
    """How many requests there were since they were forgotten, how many bulk imports among them, how many too early."""
    requests = httpx.get(f"{url}/_sandbox/requests", trust_env=False).raise_for_status().json()
    bodies = [each for each in requests if each["method"] == "POST" and "bulk-import" in each["path"]]
    return {
        "requests": len(requests),
        "bodies": len(bodies),
        "429": sum(each["status"] == 429 for each in requests),
    }


@contextmanager
def sandbox() -> Iterator[str]:
    """A local Klaviyo in a process of its own, so that its work is not counted as ours."""
    command = [sys.executable, "-m", "klaviyo_assets.sandbox", "--port", "8035"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield "http://127.0.0.1:8035"
        finally:
            process.terminate()


def reset(url: str) -> None:
    """Empty the local Klaviyo, its limits' windows too."""
    httpx.post(f"{url}/_sandbox/reset", trust_env=False).raise_for_status()


if __name__ == "__main__":
    main()

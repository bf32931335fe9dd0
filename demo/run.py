"""`make demo`: two refreshes of two segments arrive in two lists of a local Klaviyo, through runs of Dagster.

Prints what happened at each step, why rows were not sent, and whether the lists are equal to the segments.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator

import dagster as dg
import polars as pl

from demo import customers
from demo.home import DATA, ROOT, Home, environment, prepare_home
from klaviyo_assets.sandbox import RunningSandbox, serve

EXPORTS = ("high_value_customers", "newsletter")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
COLUMNS = ("rows", "joined", "changed", "left", "unchanged", "not sent", "requests", "on the list")


def main() -> int:
    """Export, refresh, export again; 0 if the lists are equal to the segments in the end."""
    warnings.simplefilter("ignore", dg.BetaWarning)
    warnings.simplefilter("ignore", dg.PreviewWarning)
    home = prepare_home("demo")
    with serve() as sandbox:
        os.environ.update(environment(home, sandbox))
        os.chdir(ROOT)
        say(f"A local Klaviyo answers at {sandbox.url}. Dagster runs the exports; this takes about half a minute.\n")
        with dg.DagsterInstance.get() as instance:
            is_equal = demonstrate(instance, sandbox, home)
    say("To click through the same in Dagster's web page: make dev")
    return 0 if is_equal else 1


def demonstrate(instance: dg.DagsterInstance, sandbox: RunningSandbox, home: Home) -> bool:
    """The steps of the demonstration, each with its lines of the table; whether all lists ended as they should."""
    say(f"{'step':<26}{'export':<22}" + "".join(f"{column:>12}" for column in COLUMNS))
    customers.write_first_refresh(DATA)
    refresh_and_export(instance, "first delivery")
    refresh_and_export(instance, "nothing changed")
    customers.write_second_refresh(DATA)
    refresh_and_export(instance, "refreshed segments")
    say_rejections(home)
    verdicts = [say_equality(export, instance, sandbox, home) for export in EXPORTS]
    return all(verdicts)


def refresh_and_export(instance: dg.DagsterInstance, step: str) -> None:
    """Read the segments anew, run every export, and tell what each delivery did."""
    from klaviyo_assets.definitions import defs

    definitions = defs()
    segments = [key for key in definitions.resolve_all_asset_keys() if key.path[0] == "segments"]
    job = definitions.resolve_implicit_global_asset_job_def()
    job.execute_in_process(instance=instance, run_config=QUIET, asset_selection=segments)
    definitions.resolve_job_def("run_all_exports").execute_in_process(instance=instance, run_config=QUIET)
    for export in EXPORTS:
        numbers = fetch_numbers(instance, export)
        rows = sum(int(numbers[name]) for name in ("added", "updated", "unchanged", "rejected", "refused", "pending"))
        names = ("added", "updated", "removed", "unchanged", "rejected", "requests", "members")
        figures = [rows, *(int(numbers[name]) for name in names)]
        say(f"{step:<26}{export:<22}" + "".join(f"{figure:>12}" for figure in figures))


def fetch_numbers(instance: dg.DagsterInstance, export: str) -> dict[str, float]:
    """The numbers of the export's last delivery, as Dagster keeps them."""
    event = instance.get_latest_materialization_event(dg.AssetKey(["klaviyo", export, "list"]))
    assert event is not None, f"{export} was not delivered"
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    return {name: float(str(value.value)) for name, value in metadata.items() if isinstance(value.value, int | float)}


def say_rejections(home: Home) -> None:
    """Which rule kept how many rows back."""
    say("\nRows that were not sent, by the rule that kept them back:")
    rows = pl.concat([stored(home, export, "rejections").with_columns(export=pl.lit(export)) for export in EXPORTS])
    for export, rule, count, reason in by_rule(rows):
        say(f"  {export:<22}{rule:<18}{count:>5}  {reason}")


def by_rule(rejections: pl.LazyFrame) -> Iterator[tuple[str, str, int, str]]:
    """Export, rule, number of rows and reason, in order."""
    groups = rejections.group_by("export", "rule", "reason").len().sort("export", "rule").collect()
    yield from groups.select("export", "rule", "len", "reason").iter_rows()


def say_equality(export: str, instance: dg.DagsterInstance, sandbox: RunningSandbox, home: Home) -> bool:
    """Compare the list, as the local Klaviyo holds it, with the addresses of the segment."""
    event = instance.get_latest_materialization_event(dg.AssetKey(["klaviyo", export, "list"]))
    assert event is not None
    assert event.asset_materialization is not None
    url = str(event.asset_materialization.metadata["dagster/uri"].value)
    on_list = {member["email"] for member in sandbox.members(url.split("/")[-2])}
    desired = set(stored(home, export, "profiles").select("email").collect()["email"])
    verdict = "equal to" if on_list == desired else "NOT equal to"
    say(f"\nThe list of {export} is {verdict} its segment: {len(on_list)} members, {len(desired)} usable addresses.")
    return on_list == desired


def stored(home: Home, export: str, name: str) -> pl.LazyFrame:
    """A frame that Dagster stored for the export."""
    return pl.scan_parquet(home.storage / "klaviyo" / export / f"{name}.parquet")


def say(line: str) -> None:
    """Print a line at once, also where the output is piped."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())

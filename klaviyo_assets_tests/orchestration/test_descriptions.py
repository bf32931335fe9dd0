"""In Dagster's page every asset, check, job, sensor, schedule and resource explains itself, and names what it is of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import dagster as dg
import pytest

from klaviyo_assets import definitions
from klaviyo_assets.exports import Export
from klaviyo_assets.orchestration.build import build_defs
from klaviyo_assets_tests.orchestration.projects import connection, export, segment

SHORTEST: Final = 40  # characters, below which nothing is explained
OURS: Final = ("export_", "run_all_exports", "verify_")  # jobs; Dagster adds its own

# Dagster warns of its own calls while it reads YAML, and as it lists checks.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
]


def everything() -> dg.Definitions:
    """A project with each kind of source, schedule and state."""
    paths: dict[str, dict[str, str]] = {
        "parquet": {},
        "csv": {},
        "ndjson": {},
        "delta": {},
        "customer_insights": {"entity": "Vip"},
    }
    sources: list[dict[str, Any]] = [{"type": kind, "path": "data", **more} for kind, more in paths.items()]
    sources += [
        {"type": "synapse_link", "path": "data", "segment": "Vip"},
        {"type": "sql", "database_env": "WAREHOUSE_URL", "query": "select 1"},
    ]
    segments = [segment(f"of_{source['type']}", source=source, refresh="0 5 * * *") for source in sources]
    segments.append(segment("kept_still", watch=False))
    keys = [each.asset_key for each in segments]
    return build_defs(
        connections=[
            connection(name="a_account", display_name="Newsletter", contract_limit=5),
            connection(name="b_account"),
        ],
        segments=segments,
        exports=[
            declared("on_refresh", keys, match={"email": "EMail", "opted_in": "Yes"}, fields={"properties": "*"}),
            declared("on_cron", keys[:1], schedule="0 6 * * *", list_name=None, list_id="YafG4m"),
            declared("by_hand", keys[:1], schedule="off", leavers="remove", connection="b_account"),
            declared("is_detached", keys[:1], connection=None),
            declared("is_disabled", keys[:1], enabled=False),
        ],
    )


def declared(name: str, segments: list[str], **changes: Any) -> Export:
    """An export to a list whose name does not tell the export's."""
    return export(name, segments=segments, **{"connection": "a_account", "list_name": "A list", **changes})


PROJECTS: Final = {"the sample": definitions.defs, "everything": everything}


def described(defs: dg.Definitions) -> Iterator[tuple[str, str, str | None]]:
    """What the page lists: what it is called, what it is of, and its description."""
    repository = defs.get_repository_def()
    for spec in defs.resolve_all_asset_specs():
        yield spec.key.to_user_string(), spec.key.path[1], spec.description
    for key in repository.asset_graph.asset_check_keys:
        check = repository.asset_graph.get_check_spec(key)
        yield f"{key.asset_key.to_user_string()}: {key.name}", key.asset_key.path[1], check.description
    for job in repository.get_all_jobs():
        if job.name.startswith(OURS):
            yield job.name, _of(job.name), job.description
    for sensor in repository.sensor_defs:
        yield sensor.name, _of(sensor.name), sensor.description
    for schedule in repository.schedule_defs:
        yield schedule.name, _of(schedule.name), schedule.description
    for name, resource in repository.get_top_level_resources().items():
        yield name, _of(name), resource.description


def _of(name: str) -> str:
    """The segment, export or connection that a name is made of."""
    starts = "export_(?=.*_(?:schedule|deferred)$)|export_|verify_|klaviyo_assets_|klaviyo_"
    ends = "_source_refreshed|_segments_refreshed|_refresh|_schedule|_deferred"
    return {"run_all_exports": "export"}.get(name, re.sub(f"^(?:{starts})|(?:{ends})$", "", name))


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_everything_explains_itself(project: Callable[[], dg.Definitions]) -> None:
    """Whatever the page lists has a description that says more than a name, and names what it is of."""
    listed = list(described(project()))
    assert len(listed) > 25
    assert [name for name, _, description in listed if len(description or "") < SHORTEST] == []
    assert [(name, of) for name, of, description in listed if of not in str(description)] == []


@pytest.mark.parametrize(
    ("export_name", "sentence"), [("is_detached", "is detached"), ("is_disabled", "is not enabled"), ("by_hand", None)]
)
def test_a_list_that_is_not_filled_says_so(export_name: str, sentence: str | None) -> None:
    """The list of a detached or disabled export is described as one to which nothing is sent, and no other is."""
    description = {name: text or "" for name, _, text in described(everything())}[f"klaviyo/{export_name}/list"]
    told = f"The export {sentence}, and nothing is sent."
    assert (told in description) == (sentence is not None)
    assert ("nothing is sent." in description) == (sentence is not None)

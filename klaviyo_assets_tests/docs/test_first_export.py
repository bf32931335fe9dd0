"""docs/first-export.md, followed by a newcomer in an empty project, against a local Klaviyo."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import dagster as dg
import polars as pl
import pytest
from dagster.components.testing import DefsFolderSandbox
from dagster_shared.yaml_utils import load_run_config_yaml

from klaviyo_assets.sandbox import RunningSandbox, Settings, serve
from klaviyo_assets_tests.declarations.projects import load, project, told_by_check
from klaviyo_assets_tests.declarations.test_scaffolding import scaffold
from klaviyo_assets_tests.docs.pages import code_of, section_of, text_of

PAGE: Final = "first-export.md"
PEOPLE: Final = ["ada@example.com", "bob@example.com", "no address"]
SCAFFOLDED: Final = re.compile(r"^dg scaffold defs klaviyo_assets\.(\w+) (\w+)$", re.MULTILINE)

# Dagster warns of its own calls while it reads YAML.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
]


@dataclass(frozen=True)
class Newcomer:
    """Somebody with a project, who does in Dagster's page what documentation says."""

    project: DefsFolderSandbox
    klaviyo: RunningSandbox
    instance: dg.DagsterInstance

    def scaffold(self) -> None:
        """Every declaration that the page scaffolds, in its order, and nothing else."""
        for component, name in SCAFFOLDED.findall("\n".join(code_of(PAGE, ""))):
            scaffold(self.project, component, name)

    def start(self, job: str) -> bool:
        """Whether a run of the job succeeds."""
        return load(self.project).resolve_job_def(job).execute_in_process(instance=self.instance).success

    def materialize(self, *keys: str, run_config: Mapping[str, object] | None = None) -> dg.ExecuteInProcessResult:
        """A run of these assets."""
        return (
            load(self.project)
            .resolve_implicit_global_asset_job_def()
            .execute_in_process(
                instance=self.instance,
                asset_selection=[dg.AssetKey.from_user_string(key) for key in keys],
                run_config=run_config,
            )
        )

    def changes(self) -> list[str]:
        """The requests to Klaviyo that were no mere questions."""
        return [request.path for request in self.klaviyo.requests() if request.method != "GET"]


@pytest.fixture
def newcomer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Newcomer]:
    """The page was followed up to where the customers lie where the scaffolded segment looks for them."""
    with (
        project({}) as empty,
        serve(Settings(job_duration_s=0.05)) as klaviyo,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        monkeypatch.setenv("KLAVIYO_API_URL", klaviyo.url)
        monkeypatch.setenv("KLAVIYO_API_KEY", klaviyo.key)
        newcomer = Newcomer(empty, klaviyo, instance)
        newcomer.scaffold()
        (empty.project_root / "data").mkdir()
        pl.DataFrame({"email": PEOPLE}).write_csv(empty.project_root / "data" / "newsletter_readers.csv")
        yield newcomer


def test_nothing_is_sent_before_it_was_seen(newcomer: Newcomer) -> None:
    """Up to the dry run all goes well, as it is written, and changes nothing in Klaviyo; then the list is filled."""
    assert told_by_check(newcomer.project) == []
    assert newcomer.start("verify_contoso")
    assert newcomer.materialize("segments/newsletter_readers").success
    assert newcomer.materialize("klaviyo/newsletter/profiles", "klaviyo/newsletter/rejections").success
    (dry_run,) = code_of(PAGE, "yaml")
    tried = newcomer.materialize("klaviyo/newsletter/list", run_config=load_run_config_yaml(dry_run))
    (told,) = tried.get_asset_observation_events()
    assert told.asset_observation_data.asset_observation.metadata["added"].value == 2
    assert newcomer.changes() == []

    assert newcomer.materialize("klaviyo/newsletter/list").success
    (filled,) = newcomer.klaviyo.state.lists(newcomer.klaviyo.account_id)
    assert {member["email"] for member in newcomer.klaviyo.members(filled["id"])} == set(PEOPLE[:2])


def test_nothing_runs_by_itself_before_it_is_let(newcomer: Newcomer) -> None:
    """As long as the page has not come to sending, no sensor and no schedule starts the export; its names are real."""
    defs = load(newcomer.project)
    repository = defs.get_repository_def()
    assert {sensor.name for sensor in repository.sensor_defs} == {"newsletter_readers_source_refreshed"}
    assert not repository.schedule_defs
    assert "`schedule: off`" in section_of(PAGE, "4. The export")
    assert "take `schedule: off` away" in section_of(PAGE, "6. Send")
    jobs = {job.name for job in repository.get_all_jobs()}
    assert set(re.findall(r"job `(\w+)`", text_of(PAGE))) <= jobs

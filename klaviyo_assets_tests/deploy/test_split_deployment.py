"""The split deployment, started from the files in `deploy/`: it delivers, keeps apart, and outlives its parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg
import polars as pl
import pytest
from s3fs import S3FileSystem  # type: ignore[import-untyped]

from klaviyo_assets.ledger.history import History
from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.deploy.split import LOCATION, Split, running, split_deployment
from klaviyo_assets_tests.flow.customers import OTHERS
from klaviyo_assets_tests.flow.held import BULK_JOBS, FEW, count_requests, hold, is_waiting, let_go_on, serve_slowly
from klaviyo_assets_tests.flow.truth import check_truth
from klaviyo_assets_tests.postgresql import serve_postgresql
from klaviyo_assets_tests.stores import SETTINGS, Store

EXPORTS: Final = ("clicked", "one", "other", "queued", "fresh", "taken_up", "unrecorded", "unstored")
POOL: Final = "klaviyo_main"
_MATERIALIZE: Final = """mutation ($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, mode: "default", runConfigData: {}}) {
    __typename ... on LaunchRunSuccess {run {runId}}}}"""
_CHECKS: Final = """query ($key: AssetKeyInput!) {assetNodeOrError(assetKey: $key) {... on AssetNode {
  assetChecksOrError {... on AssetChecks {checks {name executionForLatestMaterialization {status}}}}}}}"""


@dataclass(frozen=True)
class Side:
    """The deployment, Klaviyo, and the list of each export."""

    split: Split
    klaviyo: RunningSandbox
    lists: dict[str, str]

    def launch(self, export: str) -> str:
        """A run that waits for Klaviyo, which does not go on; its id."""
        hold(self.klaviyo)
        run_id = self.split.page.launch(f"export_{export}")
        self.split.page.wait_for(lambda: is_waiting(self.klaviyo))
        return run_id

    def ends_well(self, run_id: str) -> bool:
        """Whether the run, or the last that Dagster started in its place, ended as a success."""
        page = self.split.page
        page.wait_for(lambda: self.split.can_tell(run_id))
        if page.wait_for_end(run_id) == "SUCCESS":
            return True
        page.wait_for(lambda: bool(page.retries(run_id)))
        return self.ends_well(page.retries(run_id)[0])

    def check(self, export: str) -> None:
        """The list, the ledger and the report are as they must be."""
        check_truth(self.split.project, FEW, list_id=self.lists[export], others=OTHERS, export=export)

    def has_looked(self, sensor: str) -> bool:
        """Whether the daemon has asked the sensor once."""
        with self.split.project.instance() as instance:
            states = {each.instigator_name: each for each in instance.all_instigator_state()}
            found = states.get(sensor)
            return found is not None and bool(
                instance.get_ticks(found.instigator_origin_id, found.selector_id, limit=1)
            )

    def started_by(self, sensor: str) -> list[str]:
        """The runs that the sensor started."""
        with self.split.project.instance() as instance:
            return [run.run_id for run in instance.get_runs(dg.RunsFilter(tags={"dagster/sensor_name": sensor}))]

    def pool(self) -> Any:
        """Who has a place in the account's pool, and who waits for one."""
        with self.split.project.instance() as instance:
            return instance.event_log_storage.get_concurrency_info(POOL)


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory, store_address: str) -> Iterator[Side]:
    """All parts run; segment `vip` was read through the page."""
    root = tmp_path_factory.mktemp("split")
    with pytest.MonkeyPatch.context() as patched, serve_slowly() as klaviyo, serve_postgresql() as database:
        for name, value in {**SETTINGS, "AWS_ENDPOINT_URL": store_address}.items():
            patched.setenv(name, value)
        S3FileSystem.clear_instance_cache()  # it keeps the keys and the address that it was made with
        with split_deployment(root, klaviyo, database, store_address) as split:
            lists = {export: klaviyo.create_list(f"List {export}") for export in EXPORTS}
            for export, list_id in lists.items():
                klaviyo.put_on_list(list_id, OTHERS)
                fresh = {"segments": ["segments/fresh"], "schedule": "every_refresh"}
                split.project.declare_export(export, **(fresh if export == "fresh" else {"schedule": "off"}))
            split.project.declare("Segment", name="fresh", source={"type": "parquet", "path": "fresh.parquet"})
            for segment in ("vip", "fresh"):
                split.project.write_customers(FEW, segment=segment)
            with running(split):
                side = Side(split, klaviyo, lists)
                assert split.page.wait_for_end(materialize(side, "segments/vip")) == "SUCCESS"
                yield side
        S3FileSystem.clear_instance_cache()


def materialize(side: Side, *keys: str) -> str:
    """Materialize these assets in one run, as the page does; the run's id."""
    selection = [{"path": key.split("/")} for key in keys]
    place = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__", "jobName": "__ASSET_JOB"}
    return str(
        side.split.page.ask(_MATERIALIZE, selector={**place, "assetSelection": selection})["launchRun"]["run"]["runId"]
    )


def test_every_part_is_healthy_and_has_written_nothing(side: Side) -> None:
    """The health checks of compose.yaml hold, and Dagster's home, which is read only in a container, is as it was."""
    for part in side.split.parts.values():
        part.started.wait_for(part.is_healthy)
    files = {path.name for path in side.split.project.home.rglob("*") if path.is_file()}
    assert files == {"dagster.yaml", "workspace.yaml"}


def test_what_is_clicked_is_delivered(side: Side) -> None:
    """Segment and list are materialized by the page: the list is the segment, checks passed, and it can be traced."""
    let_go_on(side.klaviyo)
    keys = ["segments/vip", *(f"klaviyo/clicked/{part}" for part in ("profiles", "rejections", "list"))]
    run_id = materialize(side, *keys)
    assert side.split.page.wait_for_end(run_id) == "SUCCESS"
    side.check("clicked")

    checks = side.split.page.ask(_CHECKS, key={"path": ["klaviyo", "clicked", "list"]})
    told = checks["assetNodeOrError"]["assetChecksOrError"]["checks"]
    assert {each["name"] for each in told} == {"within_limits", "contract_limit", "refusals", "membership"}
    assert {each["executionForLatestMaterialization"]["status"] for each in told} == {"SUCCEEDED"}

    transfers = History(side.split.project.storage).read_transfers().filter(pl.col("export") == "clicked").collect()
    assert transfers["run_id"].to_list() == [run_id]
    traced = side.split.command("trace", FEW["EMail"][0])
    assert (traced.returncode, run_id in traced.stdout) == (0, True), traced.stdout + traced.stderr


def test_refresh_is_followed_by_the_daemon(side: Side) -> None:
    """Once a segment was read anew, the daemon's sensor has the export run that waits for it, and it delivers."""
    let_go_on(side.klaviyo)
    page = side.split.page
    page.wait_for(lambda: side.has_looked("fresh_segments_refreshed"))  # it follows what comes after its first look
    assert page.wait_for_end(materialize(side, "segments/fresh")) == "SUCCESS"
    page.wait_for(lambda: bool(side.started_by("fresh_segments_refreshed")))
    (run_id,) = side.started_by("fresh_segments_refreshed")
    assert page.wait_for_end(run_id) == "SUCCESS"
    side.check("fresh")


def test_two_exports_of_an_account_never_deliver_at_once(side: Side) -> None:
    """The second waits in the account's pool until the first has delivered."""
    first = side.launch("one")
    second = side.split.page.launch("export_other")
    side.split.page.wait_for(lambda: second in side.pool().pending_run_ids)
    assert (side.pool().limit, side.pool().active_run_ids) == (1, {first})
    assert count_requests(side.klaviyo, "POST", BULK_JOBS) == 2  # those of the first

    let_go_on(side.klaviyo)
    assert [side.split.page.wait_for_end(run_id) for run_id in (first, second)] == ["SUCCESS", "SUCCESS"]
    side.check("one")
    side.check("other")


def test_daemon_is_killed(side: Side) -> None:
    """What is started while there is no daemon waits in its queue, and is delivered by the next one."""
    let_go_on(side.klaviyo)
    side.split.parts["daemon"].kill()
    run_id = side.split.page.launch("export_queued")
    with side.split.project.instance() as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.QUEUED
    side.split.restart("daemon")
    assert side.split.page.wait_for_end(run_id) == "SUCCESS"
    side.check("queued")


def test_store_stands_still_in_the_middle_of_a_delivery(side: Side, store: Store) -> None:
    """The delivery waits for the store, and goes on once that answers again; nobody is sent twice."""
    run_id = side.launch("unstored")
    with store.standing_still():
        let_go_on(side.klaviyo)
        side.split.page.wait_for(lambda: store.is_asked)

    assert side.split.page.wait_for_end(run_id) == "SUCCESS"
    assert count_requests(side.klaviyo, "POST", BULK_JOBS) == 0
    side.check("unstored")


def test_web_page_and_code_location_are_killed_in_the_middle_of_a_delivery(side: Side) -> None:
    """A run that ended with its container is noticed and taken up again; nobody is sent twice."""
    run_id = side.launch("taken_up")
    side.split.parts["web"].kill()
    side.split.parts["code"].kill()
    assert not side.split.parts["code"].is_healthy()
    let_go_on(side.klaviyo)
    side.split.parts["code"].start()
    side.split.restart("web")

    assert side.split.page.wait_for_end(run_id) == "FAILURE"
    assert side.ends_well(run_id)
    assert count_requests(side.klaviyo, "POST", BULK_JOBS) == 0
    side.check("taken_up")


def test_database_is_killed_in_the_middle_of_a_delivery(side: Side) -> None:
    """The parts find the database again that came back, and the list ends as it must."""
    run_id = side.launch("unrecorded")
    side.split.database.kill()
    side.split.database.start()
    let_go_on(side.klaviyo)

    assert side.ends_well(run_id)
    side.check("unrecorded")

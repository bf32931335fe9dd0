"""Many workers, and everything twice: Celery with Redis, PostgreSQL, two daemons, two code locations of one project."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl
import pytest

from klaviyo_assets.sandbox import RunningSandbox, Settings, serve
from klaviyo_assets_tests.flow.accounts import Accounts, open_accounts
from klaviyo_assets_tests.flow.deployed import POOLED, deploy
from klaviyo_assets_tests.flow.held import BODY_COUNT, FEW, hold, let_go_on
from klaviyo_assets_tests.flow.test_served import with_short_waits
from klaviyo_assets_tests.flow.truth import check_truth
from klaviyo_assets_tests.flow.workers import (
    DEFINITIONS,
    Plant,
    kill_worker_of,
    on_postgresql,
    running,
    serve_redis,
)
from klaviyo_assets_tests.postgresql import serve_postgresql

EXPORTS: Final = {"alpha": ("a1", "a2"), "beta": ("b",), "gamma": ("killed", "launched_again", "lost", "twice")}
LOCATIONS: Final = ("theirs", "again")
DAEMONS: Final = ("daemon", "another_daemon")
TOGETHER: Final = ("a1", "a2", "b")
LAUNCHED_TWICE: Final = "Ignoring a duplicate run"
NOBODY: Final = pl.Series([], dtype=pl.String)


@dataclass(frozen=True)
class Scene:
    """Accounts of a Klaviyo that is slow until it is let go on, and the processes that deliver to them."""

    accounts: Accounts
    plant: Plant

    @property
    def klaviyo(self) -> RunningSandbox:
        """All accounts."""
        return self.accounts.deployment.sandbox

    def has_all_bodies(self, export: str) -> bool:
        """Whether everything was handed over that the export's first delivery has."""
        return len(self.accounts.bulk_jobs(export)) == BODY_COUNT

    def launch(self, export: str) -> tuple[str, int]:
        """A run that waits for Klaviyo, which does not go on: its id, and the process that delivers."""
        hold(self.klaviyo)
        run_id = self.plant.launch(f"export_{export}", location=LOCATIONS[0])
        self.plant.page.wait_for(lambda: self.has_all_bodies(export))
        return run_id, self.plant.find_step(run_id, f"klaviyo__{export}__list")

    def wait_for_success(self, run_id: str) -> None:
        """Return once the run has ended, which must be a success.

        Where both daemons launched it, Dagster takes it for failed, and those in its place must be.
        """
        if self.plant.page.wait_for_end(run_id) == "FAILURE" and LAUNCHED_TWICE in self.plant.told(run_id):
            self.wait_for_retries(run_id)
        else:
            assert self.plant.page.wait_for_end(run_id) == "SUCCESS", self.plant.told(run_id)

    def wait_for_retries(self, run_id: str) -> None:
        """Return once the runs have ended that Dagster started in place of this one, all in success."""
        self.plant.page.wait_for(lambda: bool(self.plant.page.retries(run_id)))
        for retry in self.plant.page.retries(run_id):
            self.wait_for_success(retry)

    def check(self, *exports: str) -> None:
        """Everybody was sent once, and the list and the ledger are as they must be."""
        for export in exports:
            assert sum(job.total_count for job in self.accounts.bulk_jobs(export)) == FEW["EMail"].drop_nulls().len()
            list_id = self.accounts.lists[export]
            check_truth(self.accounts.deployment_to(export), FEW, list_id=list_id, others=NOBODY, export=export)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """All parts run, each twice, and the segment was read."""
    root = tmp_path_factory.mktemp("workers")
    with serve(Settings()) as klaviyo, serve_postgresql() as server, serve_redis() as redis:
        dagster_yaml = on_postgresql(with_short_waits(POOLED), server)
        deployment = deploy(root, klaviyo, dagster_yaml=dagster_yaml, definitions=DEFINITIONS)
        accounts = open_accounts(deployment, EXPORTS, schedule="off")
        deployment.write_customers(FEW)
        parts = {"locations": LOCATIONS, "daemons": DAEMONS, "workers": ("worker_1", "worker_2")}
        with running(deployment, redis=redis, environment=accounts.environment, **parts) as plant:
            scene = Scene(accounts, plant)
            scene.wait_for_success(plant.launch("__ASSET_JOB", "segments/vip", location=LOCATIONS[0]))
            yield scene


def test_accounts_are_served_side_by_side(scene: Scene) -> None:
    """Two accounts are delivered to at once, two exports of one account one after the other, within the limits."""
    hold(scene.klaviyo)
    assets = [f"klaviyo/{export}/{part}" for export in TOGETHER for part in ("profiles", "rejections", "list")]
    run_id = scene.plant.launch("__ASSET_JOB", *assets, location=LOCATIONS[0])
    page = scene.plant.page
    page.wait_for(lambda: scene.plant.has_waiting_step("klaviyo_alpha"))
    page.wait_for(lambda: scene.has_all_bodies("b") and (scene.has_all_bodies("a1") or scene.has_all_bodies("a2")))
    assert not scene.accounts.bulk_jobs("a1") or not scene.accounts.bulk_jobs("a2")
    assert scene.accounts.throttled() == []
    let_go_on(scene.klaviyo)
    scene.wait_for_success(run_id)

    # Members may be counted once a second: the next export of an account, in another process, may come to it too early.
    assert [path for path in scene.accounts.throttled() if "profile_count" not in path] == []
    scene.accounts.check_turns("alpha")
    scene.check(*TOGETHER)
    passed = scene.plant.passed_through_redis()
    assert "klaviyo__b__list" in passed
    assert not [secret for secret in ("@example.com", *scene.accounts.environment.values()) if secret in passed]


def test_step_whose_process_was_killed(scene: Scene) -> None:
    """The run is started again, by two daemons even twice; one of them goes on with it, and nobody is sent twice."""
    run_id, process = scene.launch("killed")
    os.kill(process, signal.SIGKILL)
    let_go_on(scene.klaviyo)

    assert scene.plant.page.wait_for_end(run_id) == "FAILURE"
    scene.wait_for_retries(run_id)
    scene.check("killed")


def test_run_that_was_launched_again(scene: Scene) -> None:
    """It goes on although Dagster takes it for failed; the run in its place waits, and has nothing left to do."""
    run_id, _ = scene.launch("launched_again")
    scene.plant.launch_again(run_id)

    assert scene.plant.page.wait_for_end(run_id) == "FAILURE"
    assert LAUNCHED_TWICE in scene.plant.told(run_id)
    scene.plant.page.wait_for(lambda: bool(scene.plant.page.retries(run_id)))
    let_go_on(scene.klaviyo)
    scene.wait_for_retries(run_id)
    scene.check("launched_again")


def test_everything_twice_by_mistake(scene: Scene) -> None:
    """Two code locations, two daemons, and a pool that lets two in: the second waits, and has nothing left to do."""
    with scene.accounts.deployment.instance() as instance:
        instance.event_log_storage.set_concurrency_slots("klaviyo_gamma", 2)
    hold(scene.klaviyo)
    runs = [scene.plant.launch("export_twice", location=location) for location in LOCATIONS]
    page = scene.plant.page
    page.wait_for(lambda: any("Waits for another delivery" in scene.plant.told(run_id) for run_id in runs))
    page.wait_for(lambda: scene.has_all_bodies("twice"))
    let_go_on(scene.klaviyo)

    for run_id in runs:
        scene.wait_for_success(run_id)
    scene.accounts.check_turns("gamma")
    scene.check("twice")


def test_worker_that_was_lost(scene: Scene) -> None:
    """Another worker takes its step up once its time is over, within the same run, and nobody is sent twice."""
    run_id, process = scene.launch("lost")
    kill_worker_of(process)
    let_go_on(scene.klaviyo)
    scene.plant.start_worker("in_its_place", takes_over_after_s=5)

    scene.wait_for_success(run_id)
    assert scene.plant.find_step(run_id, "klaviyo__lost__list") != process
    scene.check("lost")

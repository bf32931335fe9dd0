"""What Dagster itself does to runs, with this project's `dagster.yaml`: it ends them, retries them, repeats them."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.flow.customers import OTHERS
from klaviyo_assets_tests.flow.deployed import POOLED, deploy
from klaviyo_assets_tests.flow.held import BULK_JOBS, FEW, count_requests, hold, is_waiting, let_go_on, serve_slowly
from klaviyo_assets_tests.flow.served import Served, serving
from klaviyo_assets_tests.flow.truth import check_truth

EXPORTS: Final = ("ended", "killed")
WAITS: Final = ("poll_interval_seconds", "free_slots_after_run_end_seconds")  # of `run_monitoring`


@dataclass(frozen=True)
class Side:
    """Dagster, Klaviyo, and the list of each export."""

    dagster: Served
    klaviyo: RunningSandbox
    lists: dict[str, str]

    def launch(self, export: str) -> str:
        """A run that waits for Klaviyo, which does not go on; its id."""
        hold(self.klaviyo)
        run_id = self.dagster.launch(f"export_{export}")
        self.dagster.wait_for(lambda: is_waiting(self.klaviyo))
        return run_id

    def check(self, export: str) -> None:
        """Nobody was sent again since Klaviyo was let go on, and the truth holds."""
        assert count_requests(self.klaviyo, "POST", BULK_JOBS) == 0
        check_truth(self.dagster.deployment, FEW, list_id=self.lists[export], others=OTHERS, export=export)


def with_short_waits(dagster_yaml: str) -> str:
    """The same instance, which waits for a second where it would for longer; what is not set stays so."""
    return re.sub(rf"({'|'.join(WAITS)}): \d+", r"\1: 1", dagster_yaml)


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    """A project that `dagster dev` serves, with a segment that was read."""
    with serve_slowly() as klaviyo:
        deployment = deploy(tmp_path_factory.mktemp("served"), klaviyo, dagster_yaml=with_short_waits(POOLED))
        lists = {export: klaviyo.create_list(f"List {export}") for export in EXPORTS}
        for export, list_id in lists.items():
            klaviyo.put_on_list(list_id, OTHERS)
            deployment.declare_export(export, schedule="off")
        deployment.write_customers(FEW)
        deployment.start("asset", "materialize", "-m", "theirs.definitions", "--select", "segments/vip").finish()
        with serving(deployment) as dagster:
            yield Side(dagster, klaviyo, lists)


def test_run_that_is_ended_on_the_page_is_repeated_there(side: Side) -> None:
    """A run that is terminated through Dagster's API ends as canceled, and its re-execution from failure goes on."""
    run_id = side.launch("ended")
    side.dagster.terminate(run_id)
    assert side.dagster.wait_for_end(run_id) == "CANCELED"

    let_go_on(side.klaviyo)
    assert side.dagster.wait_for_end(side.dagster.reexecute(run_id)) == "SUCCESS"
    side.check("ended")


def test_run_whose_worker_was_killed_is_retried_by_dagster(side: Side) -> None:
    """Dagster's daemon retries a run whose worker died, without a person, and nothing stands in its way for ever."""
    run_id = side.launch("killed")
    os.kill(side.dagster.find_worker(run_id), signal.SIGKILL)
    let_go_on(side.klaviyo)

    side.dagster.wait_for(lambda: bool(side.dagster.retries(run_id)))
    (retry,) = side.dagster.retries(run_id)
    assert side.dagster.wait_for_end(retry) == "SUCCESS"
    side.check("killed")

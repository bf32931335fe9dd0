"""A run that is told to end, or that fails, leaves its ledger whole, and the next one goes on from there."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import dagster as dg
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets.sandbox.effects import AnswerWith, DelayAnswer, Effect
from klaviyo_assets_tests.flow.customers import OTHERS
from klaviyo_assets_tests.flow.deployed import DEFINITIONS, UNPOOLED, Deployment, deploy
from klaviyo_assets_tests.flow.held import (
    BODY_COUNT,
    BULK_JOBS,
    FEW,
    count_requests,
    is_sending,
    is_waiting,
    let_go_on,
    serve_slowly,
)
from klaviyo_assets_tests.flow.truth import check_truth, read_open_bodies

PATIENT: Final = DEFINITIONS.replace(
    "executor=",
    """jobs=[dg.define_asset_job(
        "patient",
        selection=dg.AssetSelection.keys(["klaviyo", "vip", "list"]).upstream(),
        op_retry_policy=dg.RetryPolicy(max_retries=2),
    )], executor=""",
)
"""With a job of somebody else's, whose policy repeats each op that fails."""


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """A Klaviyo on whose list others have put people."""
    with serve_slowly() as sandbox:
        yield sandbox


@pytest.fixture
def list_id(sandbox: RunningSandbox) -> str:
    """The list that the export means."""
    list_id = sandbox.create_list("List vip")
    sandbox.put_on_list(list_id, OTHERS)
    return list_id


def deploy_here(root: Path, sandbox: RunningSandbox, *, definitions: str = DEFINITIONS) -> Deployment:
    """A deployment that has exported nothing yet."""
    deployment = deploy(root, sandbox, dagster_yaml=UNPOOLED, definitions=definitions)
    deployment.declare_export()
    deployment.write_customers(FEW)
    return deployment


def last_status(deployment: Deployment) -> dg.DagsterRunStatus:
    """How Dagster says that the last run ended."""
    with deployment.instance() as instance:
        return instance.get_runs(limit=1)[0].status


DISTURBANCES: Final[dict[str, tuple[signal.Signals, Callable[[RunningSandbox], bool], list[Effect]]]] = {
    "a stop while it sends": (signal.SIGTERM, is_sending, [DelayAnswer(3.0)]),
    "Ctrl+C while it waits for Klaviyo": (signal.SIGINT, is_waiting, []),
}


@pytest.mark.parametrize("disturbance", DISTURBANCES)
def test_run_that_is_told_to_end_is_continued(
    disturbance: str, tmp_path: Path, sandbox: RunningSandbox, list_id: str
) -> None:
    """A signal ends the run as canceled or failed, its ledger knows what left, and the next run sends nobody again."""
    number, has_come, effects = DISTURBANCES[disturbance]
    for effect in effects:
        sandbox.order_fault(effect, method="POST", path=BULK_JOBS, nth=BODY_COUNT)
    deployment = deploy_here(tmp_path, sandbox)
    run = deployment.start_export()
    assert run.wait_for(lambda: has_come(sandbox)), run.told()

    assert run.end(number) != 0
    assert last_status(deployment) in {dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE}
    assert not sandbox.unmet_faults()
    assert read_open_bodies(deployment, list_id).height == BODY_COUNT

    let_go_on(sandbox)
    deployment.start_export().finish()
    assert count_requests(sandbox, "POST", BULK_JOBS) == 0
    check_truth(deployment, FEW, list_id=list_id, others=OTHERS)


def test_retry_policy_of_an_op_repeats_no_delivery(tmp_path: Path, sandbox: RunningSandbox, list_id: str) -> None:
    """A delivery that Klaviyo refused is not repeated by a RetryPolicy, and the next run delivers it."""
    let_go_on(sandbox)
    sandbox.order_fault(AnswerWith(401), method="POST", path=BULK_JOBS)
    deployment = deploy_here(tmp_path, sandbox, definitions=PATIENT)
    run = deployment.start("job", "execute", "-m", "theirs.definitions", "-j", "patient")
    assert run.process.wait(120) != 0
    assert last_status(deployment) == dg.DagsterRunStatus.FAILURE
    assert count_requests(sandbox, "GET", "/api/accounts") == 1, run.told()
    assert not sandbox.unmet_faults()

    deployment.start_export().finish()
    check_truth(deployment, FEW, list_id=list_id, others=OTHERS)

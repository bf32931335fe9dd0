"""A deployment that `dagster dev` serves, or its page alone: processes of their own, asked through the page's API.

What is asked here is asked as the page asks it, by GraphQL. What a run must leave behind belongs in `truth.py`.
"""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg
import httpx

from klaviyo_assets_tests.flow.deployed import Deployment, Started

PATIENCE_S: Final = 180.0  # a machine that is busy takes its time with a daemon's round
LOOKS_EVERY_S: Final = 0.25
OVER: Final = {"SUCCESS", "FAILURE", "CANCELED"}

_LOADED: Final = "{repositoriesOrError {... on RepositoryConnection {nodes {name}}}}"
_LAUNCH: Final = """mutation ($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, mode: "default", runConfigData: {}}) {
    __typename ... on LaunchRunSuccess {run {runId}}}}"""
_REEXECUTE: Final = """mutation ($run: String!) {
  launchRunReexecution(reexecutionParams: {parentRunId: $run, strategy: FROM_FAILURE}) {
    __typename ... on LaunchRunSuccess {run {runId}}}}"""
_TERMINATE: Final = "mutation ($run: String!) {terminateRun(runId: $run) {__typename}}"
_STATUS: Final = "query ($run: ID!) {runOrError(runId: $run) {... on Run {status}}}"


@dataclass(frozen=True)
class Served:
    """A running `dagster dev`, or a page alone."""

    deployment: Deployment
    process: Started
    url: str
    client: httpx.Client
    location: str = "theirs"

    def ask(self, query: str, **variables: Any) -> Any:
        """What the page's API answers."""
        answer = self.client.post(f"{self.url}/graphql", json={"query": query, "variables": variables}).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def launch(self, job: str, *assets: str) -> str:
        """Start a job as the page does, or these assets of it; the run's id."""
        return str(self.try_to_launch(job, *assets)["run"]["runId"])

    def try_to_launch(self, job: str, *assets: str) -> Any:
        """What the page answers to starting a job, or these assets of it."""
        place = {"repositoryLocationName": self.location, "repositoryName": "__repository__", "jobName": job}
        selected = {"assetSelection": [{"path": key.split("/")} for key in assets]} if assets else {}
        return self.ask(_LAUNCH, selector={**place, **selected})["launchRun"]

    def reexecute(self, run_id: str) -> str:
        """Start a run again from where it failed, as the page does; the new run's id."""
        return str(self.ask(_REEXECUTE, run=run_id)["launchRunReexecution"]["run"]["runId"])

    def terminate(self, run_id: str) -> None:
        """End a run, as the page does."""
        assert self.ask(_TERMINATE, run=run_id)["terminateRun"]["__typename"] == "TerminateRunSuccess"

    def wait_for_end(self, run_id: str) -> str:
        """The status with which the run ended."""
        self.wait_for(lambda: self._status(run_id) in OVER)
        return self._status(run_id)

    def find_worker(self, run_id: str) -> int:
        """The process that executes a run."""
        with self.deployment.instance() as instance:
            told = [record.event_log_entry.user_message for record in instance.get_records_for_run(run_id).records]
        return int(re.findall(r"Executing steps in process \(pid: (\d+)\)", "\n".join(told))[0])

    def retries(self, run_id: str) -> list[str]:
        """The runs that Dagster started by itself in place of this one."""
        with self.deployment.instance() as instance:
            runs = instance.get_runs(dg.RunsFilter(tags={"dagster/parent_run_id": run_id}))
        return [run.run_id for run in runs]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return once it has come true."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self.process.process.poll() is None, f"dagster dev ended:\n{self.process.told()}"
            assert time.monotonic() < deadline, f"nothing came of waiting:\n{self.process.told()}"
            time.sleep(LOOKS_EVERY_S)

    def is_loaded(self) -> bool:
        """Whether the page knows the project."""
        return self.count_locations() > 0

    def count_locations(self) -> int:
        """How many code locations the page knows by now."""
        with contextlib.suppress(httpx.TransportError, ValueError):
            return len(self.ask(_LOADED)["repositoriesOrError"].get("nodes", []))
        return 0

    def _status(self, run_id: str) -> str:
        return str(self.ask(_STATUS, run=run_id)["runOrError"]["status"])


@contextmanager
def serving(deployment: Deployment) -> Iterator[Served]:
    """Run `dagster dev` in the project's folder until the block is left."""
    port = _free_port()
    process = deployment.start("dev", "--port", str(port), "--log-level", "error", name="dev")
    with _answering(deployment, process, port, location="theirs") as served:
        yield served


@contextmanager
def serving_page(deployment: Deployment, *options: str) -> Iterator[Served]:
    """Run `dagster-webserver` alone, with these options, until the block is left."""
    port = _free_port()
    process = deployment.start_page("--port", str(port), *options)
    with _answering(deployment, process, port, location="theirs.definitions") as served:
        yield served


@contextmanager
def _answering(deployment: Deployment, process: Started, port: int, *, location: str) -> Iterator[Served]:
    try:
        with httpx.Client(trust_env=False, timeout=60) as client:
            served = Served(deployment, process, f"http://127.0.0.1:{port}", client, location)
            served.wait_for(served.is_loaded)
            yield served
    finally:
        process.end(signal.SIGINT)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])

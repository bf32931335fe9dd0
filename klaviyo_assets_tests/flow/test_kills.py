"""A run of Dagster that is killed at any moment of a delivery is continued by the next one, and nobody is wronged.

KILLS=n makes n kills; TEST_SEED=n repeats the moments of a failure, which names its seed; KILL_REPORT=file keeps how
long each took.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl
import pytest

from klaviyo_assets.sandbox import RunningSandbox, Settings, serve
from klaviyo_assets_tests.flow.customers import OTHERS, first_customers, next_customers
from klaviyo_assets_tests.flow.deployed import UNPOOLED, Deployment, Started, deploy
from klaviyo_assets_tests.flow.truth import check_truth

KILLS: Final = int(os.environ.get("KILLS", "50" if os.environ.get("CI") else "3"))
SEED: Final = int(os.environ.get("TEST_SEED", time.time_ns() % 2**32))
KILLS_PER_STORAGE: Final = 5  # the first of them hits the first delivery to a list
GAP_S: Final = 0.3  # so long after an answer the next moment has come, mostly


@dataclass(frozen=True)
class Moment:
    """When a run is killed: so long after so many of its requests were answered."""

    request_count: int
    extra_s: float


@dataclass(frozen=True)
class Undisturbed:
    """What a run is like that nobody kills."""

    first_request_s: float
    request_count: int

    def draw(self, chance: random.Random) -> Moment:
        """Any moment of such a run, from before its first request to after its last answer."""
        count = chance.randint(0, self.request_count)
        return Moment(count, chance.uniform(0, GAP_S if count else self.first_request_s))


@dataclass
class Campaign:
    """One storage whose runs are killed, one after the other, while its segment changes.

    Each run's process is prepared while the one before it runs: what importing takes is nobody's question here.
    """

    deployment: Deployment
    list_id: str
    processes: ExitStack
    customers: pl.DataFrame = field(default_factory=first_customers)

    def __post_init__(self) -> None:
        self._prepared = self._prepare()

    def change(self, seed: int) -> None:
        """The segment is another from now on."""
        self.customers = next_customers(self.customers, seed=seed)

    def kill_at(self, moment: Moment) -> float | None:
        """Start a run, and kill it; when that was, or None where the run was over before."""
        sandbox = self.deployment.sandbox
        run = self._begin()
        if run.wait_for(lambda: len(sandbox.requests()) >= moment.request_count):
            until = time.monotonic() + moment.extra_s
            run.wait_for(lambda: time.monotonic() >= until)
        killed_at = time.monotonic()
        return killed_at if run.end(signal.SIGKILL) == -signal.SIGKILL else None

    def deliver(self) -> Undisturbed:
        """A run that nobody kills, and which must succeed."""
        sandbox = self.deployment.sandbox
        started = time.monotonic()
        run = self._begin()
        # What a killed run had asked last may only be answered now.
        run.wait_for(lambda: any(request.path.startswith("/api/accounts") for request in sandbox.requests()))
        first_request_s = time.monotonic() - started
        run.finish()
        return Undisturbed(first_request_s, len(sandbox.requests()))

    def check(self) -> None:
        """Hold the truth."""
        check_truth(self.deployment, self.customers, list_id=self.list_id, others=OTHERS)

    def _begin(self) -> Started:
        self.deployment.write_customers(self.customers)
        self.deployment.sandbox.clear_requests()
        run, self._prepared = self._prepared, self._prepare()
        run.tell()
        return run

    def _prepare(self) -> Started:
        return self.processes.enter_context(self.deployment.prepare_export())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """A Klaviyo that is never what a run waits for."""
    with serve(Settings(limits="off", job_duration_s=0.05)) as sandbox:
        yield sandbox


@contextmanager
def campaign_in(root: Path, sandbox: RunningSandbox) -> Iterator[Campaign]:
    """An empty storage, and a list on which others have put people."""
    sandbox.reset()
    deployment = deploy(root, sandbox, dagster_yaml=UNPOOLED)
    deployment.declare_export()
    list_id = sandbox.create_list("List vip")
    sandbox.put_on_list(list_id, OTHERS)
    with ExitStack() as processes:
        yield Campaign(deployment, list_id, processes)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, sandbox: RunningSandbox) -> tuple[Undisturbed, Undisturbed]:
    """A first delivery, and one of a segment that has changed."""
    with campaign_in(tmp_path_factory.mktemp("undisturbed"), sandbox) as campaign:
        first = campaign.deliver()
        campaign.change(SEED)
        second = campaign.deliver()
        campaign.check()
    return first, second


@pytest.mark.parametrize("first_kill", range(0, KILLS, KILLS_PER_STORAGE))
def test_killed_runs_are_continued(
    first_kill: int,
    undisturbed: tuple[Undisturbed, Undisturbed],
    tmp_path: Path,
    sandbox: RunningSandbox,
) -> None:
    """After a kill at any moment one more run makes the list equal to the segment, and wrongs nobody."""
    with campaign_in(tmp_path, sandbox) as campaign:
        for number in range(first_kill, min(first_kill + KILLS_PER_STORAGE, KILLS)):
            chance = random.Random(SEED + number)
            moment = undisturbed[number > first_kill].draw(chance)
            try:
                told = kill_and_continue(campaign, moment, chance)
            except BaseException as error:
                error.add_note(f"kill {number} of TEST_SEED={SEED}: {moment}")
                raise
            report(f"kill {number}, {moment}: {told}")
            campaign.change(chance.randrange(2**32))


def kill_and_continue(campaign: Campaign, moment: Moment, chance: random.Random) -> str:
    """One kill, and what comes of it; how long it took until all was well."""
    began = time.monotonic()
    killed_at = campaign.kill_at(moment)
    if chance.random() < 0.5:
        campaign.change(chance.randrange(2**32))  # nobody waits for a run that died
    started = time.monotonic()
    continued = campaign.deliver()
    done = time.monotonic()
    campaign.check()
    whole = f"{time.monotonic() - began:.1f} s in all"
    if killed_at is None:
        return f"the run was over, {whole}"
    continued_s = started - killed_at + continued.first_request_s
    return f"continued after {continued_s:.1f} s, done after {done - killed_at:.1f} s, {whole}"


def report(line: str) -> None:
    """Keep a line, where figures were asked for."""
    if file := os.environ.get("KILL_REPORT"):
        with Path(file).open("a") as lines:
            lines.write(f"{line}\n")

"""A daemon that is killed, and started again, neither loses a refresh of a watched segment nor repeats one.

The rounds are those of Dagster's daemon; all that outlives it are the database and the source of the segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import dagster as dg
import pytest

from klaviyo_assets_tests.orchestration.daemon import daemon_of, instance_in
from klaviyo_assets_tests.orchestration.projects import PEOPLE, Project

SOURCE, EXPORT = "vip_source_refreshed", "vip_segments_refreshed"
ROUNDS: Final = 4  # of a refresh: it is seen, it is the same and read, it is exported, and nothing is left
MOMENTS: Final = {
    "before the sensor is asked": "TICK_HELD",
    "between the run and its start": "RUN_CREATED",
    "between the run and the cursor": "RUN_LAUNCHED",
}

# Dagster's daemon uses what Python has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance that outlives its daemon, and queues runs."""
    with instance_in(tmp_path / "home") as instance:
        yield instance


@dataclass
class Lives:
    """A project with a watched segment, and one daemon after another."""

    project: Project
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def go_on(self, rounds: int) -> None:
        """A daemon begins, and is gone after some rounds; each run that reads the segment is carried out."""
        with daemon_of(self.project, now=self.now) as daemon:
            for _ in range(rounds):
                daemon.tick_sensors()
                for run in self.runs(SOURCE, dg.DagsterRunStatus.QUEUED):
                    daemon.read(run)
            self.now = daemon.now

    def be_killed(self, sensor: str, moment: str) -> None:
        """A daemon begins, and is killed within the first tick of the sensor."""
        with daemon_of(self.project, now=self.now) as daemon:
            daemon.tick_sensors_until_killed(sensor, moment)
            self.now = daemon.now

    def refresh_source(self, count: int) -> None:
        """Refresh the segment's source, this many people in it."""
        self.project.write_source([f"{number}-{PEOPLE[0]}" for number in range(count)])

    def runs(self, sensor: str, *statuses: dg.DagsterRunStatus) -> Sequence[dg.DagsterRun]:
        """The runs that a sensor asked for, those of any status where none is given."""
        tags = {"dagster/sensor_name": sensor}
        return self.project.instance.get_runs(dg.RunsFilter(tags=tags, statuses=list(statuses)))

    def count_runs(self) -> tuple[int, int]:
        """How often the segment was read, and exported."""
        return len(self.runs(SOURCE)), len(self.runs(EXPORT))


@pytest.fixture
def lives(project: Project) -> Lives:
    """A daemon has seen the segment's source, and the segment as it was read, and is over."""
    project.others = [dg.Definitions(executor=dg.in_process_executor)]
    project.refresh()
    lives = Lives(project)
    lives.go_on(1)
    return lives


def test_a_daemon_for_each_round(lives: Lives) -> None:
    """Where a daemon lives for one round alone, each refresh is read once, and exported once."""
    for count in (1, 2):
        lives.refresh_source(count)
        for _ in range(ROUNDS):
            lives.go_on(1)
        assert lives.count_runs() == (count, count)


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
@pytest.mark.parametrize("sensor", [SOURCE, EXPORT])
def test_killed_within_a_tick(lives: Lives, sensor: str, moment: str) -> None:
    """Wherever a tick is killed, the refresh is read once, and exported once; and so is the next."""
    lives.refresh_source(1)
    lives.go_on(1 if sensor == SOURCE else 2)  # the source is seen; it is read
    lives.be_killed(sensor, moment)
    lives.go_on(ROUNDS)
    assert lives.count_runs() == (1, 1)
    lives.refresh_source(2)
    lives.go_on(ROUNDS)
    assert lives.count_runs() == (2, 2)

"""What runs by itself: the sensors on the segments' sources, the schedules, and that all of it is on."""

from __future__ import annotations

import json
from dataclasses import dataclass

import dagster as dg
import pytest

from klaviyo_assets.orchestration.automation import Seen
from klaviyo_assets.orchestration.sharing import Automation
from klaviyo_assets.segments import open_source
from klaviyo_assets_tests.orchestration.projects import PEOPLE, Project, export, segment

SENSORS = {"each": "vip_source_refreshed", "shared": "sources_refreshed"}


@pytest.fixture(params=["each", "shared"])
def automation(request: pytest.FixtureRequest) -> Automation:
    """What is said of one export holds for both."""
    found: Automation = request.param
    return found


@dataclass
class Ticker:
    """The sensor on the source of segment `vip`, as Dagster's daemon evaluates it again and again."""

    project: Project
    cursor: str | None = None
    said: str = ""

    def tick(self) -> list[dg.RunRequest]:
        """Evaluate the sensor once; the runs that it asks for."""
        defs = self.project.defs
        context = dg.build_sensor_context(
            self.project.instance, cursor=self.cursor, repository_def=defs.get_repository_def()
        )
        found = defs.resolve_sensor_def(SENSORS[self.project.automation]).evaluate_tick(context)
        self.cursor, self.said = found.cursor, (found.skip_message or "").removeprefix("vip: ")
        return list(found.run_requests or [])

    @property
    def seen(self) -> Seen | None:
        """What is remembered of the source."""
        cursor = json.loads(self.cursor or "{}")
        remembered = cursor if self.project.automation == "each" else cursor.get("vip")
        return Seen.of(remembered)

    def tick_twice(self) -> list[dg.RunRequest]:
        """A tick at which a refreshed source is seen, and one at which it is still the same."""
        assert self.tick() == []
        return self.tick()


@pytest.fixture
def ticker(project: Project) -> Ticker:
    """The sensor after its first tick."""
    project.write_source(PEOPLE)
    ticker = Ticker(project)
    assert ticker.tick() == []
    return ticker


def test_first_tick_reads_nothing(ticker: Ticker) -> None:
    """The first tick notes the source as it is; nothing is read until it changes."""
    assert ticker.cursor
    assert ticker.tick() == []
    assert ticker.said == "The source was not refreshed."


def test_refreshed_source(ticker: Ticker) -> None:
    """A changed source starts one run, which reads the segment alone; the run works."""
    ticker.project.write_source(PEOPLE[:1])
    (request,) = ticker.tick_twice()
    assert request.asset_selection == [dg.AssetKey(["segments", "vip"])]
    assert ticker.tick() == []
    assert ticker.project.materialize(*(key.to_user_string() for key in request.asset_selection)).success
    assert ticker.project.read("segments/vip").height == 1


def test_source_that_is_still_written_is_waited_for(ticker: Ticker) -> None:
    """As long as the source is another one at each tick nothing is read; then once, in its last state."""
    for count in (1, 2, 1):
        ticker.project.write_source(PEOPLE[:count])
        assert ticker.tick() == []
        assert "once it is the same at two ticks" in ticker.said
    assert len(ticker.tick()) == 1
    assert ticker.tick() == []


def test_source_that_is_put_back_in_time_was_not_refreshed(ticker: Ticker) -> None:
    """A change that is gone at the next tick starts nothing."""
    kept, path = ticker.project.root / "kept", ticker.project.root / "vip.parquet"
    path.rename(kept)
    ticker.project.write_source(PEOPLE[:1])
    assert ticker.tick() == []
    kept.rename(path)
    assert ticker.tick() == []
    assert ticker.said == "The source was not refreshed."


def test_run_key(ticker: Ticker) -> None:
    """A tick evaluated twice asks for the same run; a source that changes, and is put back, asks for one each time."""
    kept, path = ticker.project.root / "kept", ticker.project.root / "vip.parquet"
    ticker.project.write_source(PEOPLE[:1])
    assert ticker.tick() == []
    before = ticker.cursor
    (first,) = ticker.tick()
    assert [request.run_key for request in Ticker(ticker.project, before).tick()] == [first.run_key]
    path.rename(kept)
    ticker.project.write_source(PEOPLE[:2])
    (second,) = ticker.tick_twice()
    kept.rename(path)
    (third,) = ticker.tick_twice()
    assert ticker.seen == Seen.of({"read": read_mark(ticker.project)})
    assert len({request.run_key for request in (first, second, third)}) == 3


def read_mark(project: Project) -> str:
    """The refresh mark of segment `vip` now."""
    return open_source(segment().source, root=project.root).read_refresh_mark()


def test_missing_source(ticker: Ticker) -> None:
    """A source that is gone at this moment is told, and starts nothing; the sensor goes on where it was."""
    before = ticker.cursor
    (ticker.project.root / "vip.parquet").unlink()
    assert ticker.tick() == []
    assert "vip.parquet" in ticker.said
    assert ticker.cursor == before
    ticker.project.write_source(PEOPLE[:2])
    assert len(ticker.tick_twice()) == 1


def test_unreadable_source(project: Project) -> None:
    """A source that cannot be understood at this moment, as it is being written, is told, and starts nothing."""
    project.segments = [segment(source={"type": "customer_insights", "path": ".", "entity": "Vip"})]
    (project.root / "model.json").write_text('{"name": "half wri')
    before = {"read": "a mark", "last": "another"}
    ticker = Ticker(project, cursor=json.dumps(before if project.automation == "each" else {"vip": before}))
    assert ticker.tick() == []
    assert "model.json" in ticker.said
    assert ticker.seen == Seen(**before)


def test_missing_from_the_start(project: Project) -> None:
    """Where there is no source yet, nothing is noted: the first tick that finds it is the first."""
    ticker = Ticker(project)
    assert ticker.tick() == []
    assert ticker.seen is None
    project.write_source(PEOPLE)
    assert ticker.tick() == []
    assert ticker.seen


def test_schedules(project: Project) -> None:
    """Crons become schedules, with all crons of a segment, their time zone, and what they start."""
    project.segments = [segment(refresh=["0 5 * * *", "0 17 * * *"], timezone="Europe/Riga")]
    project.exports = [export(schedule="30 2 * * *", timezone="Asia/Tokyo")]
    defs = project.defs
    refresh, run = defs.resolve_schedule_def("vip_refresh"), defs.resolve_schedule_def("export_vip_schedule")
    assert (refresh.cron_schedule, refresh.execution_timezone) == (["0 5 * * *", "0 17 * * *"], "Europe/Riga")
    assert (run.cron_schedule, run.execution_timezone) == ("30 2 * * *", "Asia/Tokyo")
    assert run.job_name == {"each": "export_vip", "shared": "run_exports"}[project.automation]
    job = defs.resolve_job_def(refresh.job_name)
    assert job.asset_layer.selected_asset_keys == {dg.AssetKey(["segments", "vip"])}


def test_everything_is_on(project: Project) -> None:
    """Sensors and schedules run from the start, and explain themselves."""
    project.segments = [segment(refresh="0 5 * * *")]
    project.exports = [export(), export("nightly", schedule="0 2 * * *")]
    repository = project.defs.get_repository_def()
    assert all(sensor.default_status == dg.DefaultSensorStatus.RUNNING for sensor in repository.sensor_defs)
    assert all(schedule.default_status == dg.DefaultScheduleStatus.RUNNING for schedule in repository.schedule_defs)
    assert all(sensor.description for sensor in repository.sensor_defs)
    assert all(schedule.description for schedule in repository.schedule_defs)


def test_runs_are_not_retried_by_the_host(project: Project) -> None:
    """Runs of the jobs tell a host with run retries not to repeat what was refused."""
    project.exports = [export(), export("nightly", schedule="0 2 * * *")]
    own = {"each": ("export_vip", "export_nightly"), "shared": ("run_exports",)}[project.automation]
    for name in (*own, "run_all_exports"):
        job = project.defs.resolve_job_def(name)
        assert job.run_tags["dagster/retry_on_asset_or_op_failure"] == "false"
        assert job.description


def test_cursor_of_before(ticker: Ticker) -> None:
    """A cursor that holds whole marks, as sensors wrote them once, is gone on with: nothing is read for it."""
    mark = read_mark(ticker.project)
    before = {"read": mark, "last": mark}
    ticker.cursor = json.dumps(before if ticker.project.automation == "each" else {"vip": before})
    assert ticker.tick() == []
    assert ticker.said == "The source was not refreshed."

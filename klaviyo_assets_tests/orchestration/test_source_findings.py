"""What the job verify_<connection> tells of the sources: which can be read now, and by whose identity."""

from __future__ import annotations

from getpass import getuser
from typing import Any

import dagster as dg
import polars as pl
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.orchestration.projects import Project, connection, export, failure_of, metadata_of, segment

STEP = "klaviyo__main__verify_sources"
LOST = segment("lost")


@dg.asset(key=["theirs", "people"])
def people() -> pl.DataFrame:
    """An asset that somebody else defined."""
    return pl.DataFrame({"EMail": ["ada@example.com"]})


@pytest.fixture
def verified(project: Project, sandbox: RunningSandbox) -> Project:
    """A project whose account can be used, so that only its sources may be wrong."""
    project.write_source()
    return project


def found(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """What was found out about the sources, by name, whether it is good or not."""
    events = result.events_for_node(STEP)
    told = [event.step_output_data.metadata for event in events if event.is_successful_output]
    failed = [event.step_failure_data.user_failure_data for event in events if event.is_step_failure]
    (metadata,) = [*told, *(failure.metadata for failure in failed if failure)]
    return {name: value.value for name, value in metadata.items()}


def test_a_source_that_can_be_read(verified: Project, sandbox: RunningSandbox) -> None:
    """It is told that it can be read, by whom, and its mark; nothing is materialized, kept or sent."""
    result = verified.run_job("verify_main")
    assert result.success
    (words,) = found(result).values()
    mark = metadata_of(verified.materialize("segments/vip"), "segments/vip")["refresh_mark"]
    assert words == (
        f"Export 'vip': segments/vip can be read, by operating-system user {getuser()}; it has the columns of the "
        f"field map, and the refresh mark {mark[:12]}."
    )
    assert all(request.method == "GET" for request in sandbox.requests())


def test_told_though_klaviyo_cannot_be_used(verified: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the key is missing the run fails for that, and tells of the sources all the same."""
    monkeypatch.delenv("KLAVIYO_API_KEY")
    result = verified.run_job("verify_main")
    assert "KLAVIYO_API_KEY is not set" in failure_of(result)
    assert list(found(result)) == ["segments/vip of vip"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"segments": ["segments/lost"]}, "Nothing is found at lost.parquet"),
        ({"match": {"email": "Mail"}}, "has no column 'Mail'"),
        ({"fields": {"first_name": "Name"}}, "has no column 'Name'"),
    ],
    ids=["no source", "no address", "no field"],
)
def test_a_source_that_cannot_be_read(verified: Project, changes: dict[str, Any], sentence: str) -> None:
    """The run fails with the sentence that a delivery would fail with, and by whose identity it was tried."""
    verified.segments = [segment(), LOST]
    verified.exports = [export(), export("other", list_name="Another", **changes)]
    result = verified.run_job("verify_main")
    told = failure_of(result)
    assert told.startswith("Export 'other', reading segments/")
    assert f" by operating-system user {getuser()}: " in told
    assert sentence in told
    assert "can be read" in found(result)["segments/vip of vip"]


def test_which_sources(verified: Project) -> None:
    """Those of enabled exports of the connection are looked at; an asset of others is told, and is no mistake."""
    verified.segments = [segment(), LOST]
    verified.connections = [connection(), connection(name="b")]
    verified.others = [dg.Definitions([people])]
    lost = ["segments/lost"]
    verified.exports = [
        export(segments=["segments/vip", "theirs/people"]),
        export("disabled", segments=lost, enabled=False),
        export("detached", segments=lost, connection=None),
        export("of_b", segments=lost, connection="b"),
    ]
    result = verified.run_job("verify_main")
    assert result.success
    assert list(found(result)) == ["segments/vip of vip", "theirs/people of vip"]
    assert "is no declared segment" in found(result)["theirs/people of vip"]


def test_who_read_a_segment_is_recorded(verified: Project) -> None:
    """Each materialization of a segment says by whose identity its source was read."""
    metadata = metadata_of(verified.materialize("segments/vip"), "segments/vip")
    assert metadata["read_by"] == f"operating-system user {getuser()}"

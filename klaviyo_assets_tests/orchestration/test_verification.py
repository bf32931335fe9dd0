"""The job verify_<connection>: what its run tells of Klaviyo, how it fails, and that it is there for everybody."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.orchestration.projects import Project, connection, export, failure_of, materialized

STEP = "klaviyo__main__verify"
OTHER_KEY = "pk_other_0000000000000000000000000000"


def verify(project: Project) -> dg.ExecuteInProcessResult:
    """A run of the job, as anybody starts it: without config, and without a segment that was ever read."""
    project.write_source()
    return project.run_job("verify_main")


def told(project: Project, result: dg.ExecuteInProcessResult) -> list[str]:
    """The lines of the run's log that are ours, and about Klaviyo."""
    entries = project.instance.all_logs(result.run_id)
    return [entry.user_message for entry in entries if not entry.is_dagster_event and entry.step_key == STEP]


def metadata_of_output(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """The metadata with which Klaviyo was found to be good."""
    (event,) = [event for event in result.events_for_node(STEP) if event.is_successful_output]
    return {name: value.value for name, value in event.step_output_data.metadata.items()}


def metadata_of_failure(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """The metadata with which the run failed."""
    (event,) = result.get_step_failure_events()
    failure = event.step_failure_data.user_failure_data
    assert failure is not None
    return {name: value.value for name, value in failure.metadata.items()}


def test_a_good_connection(project: Project, sandbox: RunningSandbox) -> None:
    """Each finding is a line of the log and metadata of the output; nothing is sent, and no export is run."""
    result = verify(project)
    assert result.success
    found = metadata_of_output(result)
    assert list(found) == [
        *("key", "account", "expected account"),
        *(f"scope {scope}" for scope in ("accounts:read", "lists:read", "lists:write", "profiles:read")),
        *("scope profiles:write", "list of vip"),
    ]
    assert told(project, result) == list(found.values())
    assert sandbox.account_id in found["account"]
    assert all(request.method == "GET" for request in sandbox.requests())
    assert materialized(result) == set()
    assert not (project.root / "storage" / "connections").exists()


def test_a_missing_scope(project: Project, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run fails with one sentence, and its metadata tells what is good as well."""
    sandbox.add_account(OTHER_KEY, account_id=sandbox.account_id, scopes=["accounts:read", "lists:read"])
    monkeypatch.setenv("KLAVIYO_API_KEY", OTHER_KEY)
    result = verify(project)
    assert not result.success
    assert failure_of(result).startswith("The key in KLAVIYO_API_KEY lacks profiles:read; make one with")
    found = metadata_of_failure(result)
    assert found["key"] == "Klaviyo accepts the key in KLAVIYO_API_KEY."
    assert told(project, result) == list(found.values())


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (None, "The environment variable KLAVIYO_API_KEY is not set"),
        ("pk_wrong_0000000000000000000000000000", "Klaviyo does not accept the private key (401)"),
    ],
    ids=["no key", "revoked"],
)
@pytest.mark.parametrize("started", ["verify_main", "dry run", "export_vip"])
def test_a_key_that_is_not_good(
    project: Project,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    key: str | None,
    sentence: str,
    started: str,
) -> None:
    """Verified, tried or delivered, the run fails with the same sentence, and the key is nowhere."""
    monkeypatch.delenv("KLAVIYO_API_KEY")
    if key:
        monkeypatch.setenv("KLAVIYO_API_KEY", key)
    project.refresh()
    is_export = started != "verify_main"
    result = project.run_job("export_vip" if is_export else started, {"dry_run": True} if "dry" in started else None)
    assert failure_of(result).startswith(sentence)
    kept = [dg.serialize_value(event) for event in project.instance.all_logs(result.run_id)]
    assert "pk_wrong" not in "".join([*kept, *capfd.readouterr()])


def test_each_connection_has_its_job(project: Project) -> None:
    """Named after the connection, described by display name and type, and tagged; it needs that resource alone."""
    project.connections = [connection(display_name="Newsletter"), connection(name="b")]
    project.exports = [export()]
    jobs = {name: project.defs.resolve_job_def(name) for name in ("verify_main", "verify_b")}
    assert "Newsletter (Klaviyo)" in (jobs["verify_main"].description or "")
    assert jobs["verify_b"].tags["klaviyo_assets/connection"] == "b"
    assert set(jobs["verify_b"].get_required_resource_defs()) >= {"klaviyo_b"}
    assert "klaviyo_main" not in jobs["verify_b"].get_required_resource_defs()

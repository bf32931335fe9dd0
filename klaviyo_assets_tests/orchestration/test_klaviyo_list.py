"""The list asset, with deliveries to a sandbox: what Dagster is told of each outcome, and when nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from klaviyo_assets.sandbox import FailRows, RunningSandbox
from klaviyo_assets_tests.orchestration.projects import (
    PEOPLE,
    Project,
    connection,
    evaluations,
    export,
    failure_of,
    fields_of,
    materialized,
    metadata_of,
    segment,
)

LIST = "klaviyo/vip/list"
LIST_CHECKS = ("within_limits", "contract_limit", "refusals", "membership")
BULK_IMPORT = "/api/profile-bulk-import-jobs"
CROWD = [f"p{number}@example.com" for number in range(30)]
NUMBERS = {
    *("added", "updated", "cleared", "removed", "unchanged", "stayed", "rejected", "refused", "pending", "not_found"),
    *("members", "requests", "waited_s", "duration_s", "profiles_per_s"),
}


def on_list(sandbox: RunningSandbox, name: str = "List vip") -> set[str]:
    """Who is on the list of this name; nobody where there is none."""
    found = [each["id"] for each in sandbox.state.lists(sandbox.account_id) if each["name"] == name]
    return {member["email"] for list_id in found for member in sandbox.members(list_id)}


def changing_count(sandbox: RunningSandbox) -> int:
    """How many requests could have changed something in Klaviyo."""
    return sum(request.method != "GET" for request in sandbox.requests())


def prepare(project: Project, emails: Any = PEOPLE) -> None:
    """Refresh the segment and map it, so that the list can be started alone."""
    project.refresh("vip", emails)
    assert project.materialize("klaviyo/vip/profiles", "klaviyo/vip/rejections").success


def test_delivery(project: Project, sandbox: RunningSandbox) -> None:
    """A run of the export puts the people on the list, and tells the promised numbers, a link and a summary."""
    project.refresh()
    result = project.run_job()
    assert result.success
    assert on_list(sandbox) == set(PEOPLE)
    told = metadata_of(result, LIST)
    assert set(told) >= NUMBERS
    assert (told["added"], told["members"], told["dagster/row_count"]) == (3, 3, 3)
    assert told["dagster/uri"] == told["list"]
    assert told["list"].startswith(sandbox.url)
    assert "| added | 3 |" in told["summary"]
    passed = {name: check.passed for name, check in evaluations(result).items()}
    assert passed == dict.fromkeys(["email_mapping", "size_limit", *LIST_CHECKS], True)


def test_where_the_time_went(project: Project, sandbox: RunningSandbox) -> None:
    """A delivery tells how long each step took, mapping before it included, and they add up to its duration."""
    project.refresh()
    told = metadata_of(project.run_job(), LIST)
    rows = [line.strip("| ").split(" | ") for line in told["times"].splitlines() if line.startswith("| ")]
    seconds = {step: float(took) for step, took, _ in rows[1:]}
    assert {"read, map and encode", "plan", "send", "wait for Klaviyo", "record"} <= seconds.keys()
    del seconds["read, map and encode"]
    assert sum(seconds.values()) == pytest.approx(told["duration_s"], abs=0.05 * len(seconds))
    assert "limits held requests back for" in told["times"]


@pytest.mark.parametrize(
    ("limits", "limit", "sentence"),
    [
        ({"max_profiles": 2}, "max_profiles", "holds 3 profiles, over max_profiles of 2"),
        ({"min_profiles": 4}, "min_profiles", "holds 3 profiles, under min_profiles of 4"),
        ({"min_valid_share": 0.9}, "min_valid_share", "75% are usable, below min_valid_share of 90%"),
    ],
    ids=["max_profiles", "min_profiles", "min_valid_share"],
)
def test_limits_hold_for_the_list_alone(
    project: Project, sandbox: RunningSandbox, limits: dict[str, Any], limit: str, sentence: str
) -> None:
    """The list alone, without the profiles' checks, is held to the same limits: nothing is sent, the run fails."""
    prepare(project, [*PEOPLE, None])
    project.exports = [export(limits=limits)]
    result = project.materialize(LIST)
    assert not result.success
    assert sentence in failure_of(result)
    assert materialized(result) == set()
    check = evaluations(result)["within_limits"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert check.metadata["limit"].value == limit
    assert sentence in (check.description or "")
    assert on_list(sandbox) == set()


def test_contract_limit(project: Project, sandbox: RunningSandbox) -> None:
    """All exports of the account together are held to its contract, and the check tells the numbers either way."""
    project.exports = [export(), export("all", segments=["segments/vip", "segments/rest"])]
    project.segments = [segment(), segment("rest")]
    project.connections = [connection(contract_limit=4)]
    project.refresh()
    project.refresh("rest", [PEOPLE[0], "dan@example.com", "eve@example.com"])
    check = evaluations(project.run_job())["contract_limit"]
    assert (check.passed, check.blocking) == (True, True)
    assert {name: value.value for name, value in check.metadata.items()} == {"people_count": 3, "contract_limit": 4}

    sandbox.clear_requests()
    result = project.run_job("export_all", export="all")
    check = evaluations(result)["contract_limit"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert (check.metadata["people_count"].value, check.metadata["limit"].value) == (5, "contract_limit")
    assert check.description == failure_of(result)
    assert "5 people, each counted once, over contract_limit of 4" in failure_of(result)
    assert changing_count(sandbox) == 0


def test_mass_removal(project: Project, sandbox: RunningSandbox) -> None:
    """Too many removals are refused, and carried out in a run that allows them."""
    project.exports = [export(leavers="remove")]
    project.refresh("vip", CROWD)
    assert project.run_job().success
    project.refresh("vip", CROWD[:5])
    refused = project.run_job()
    assert "allow_mass_removal: true" in failure_of(refused)
    assert not evaluations(refused)["within_limits"].passed
    assert on_list(sandbox) == set(CROWD)
    allowed = project.run_job(config={"allow_mass_removal": True})
    assert allowed.success
    assert metadata_of(allowed, LIST)["removed"] == 25
    assert on_list(sandbox) == set(CROWD[:5])


def test_emptying_a_list(project: Project, sandbox: RunningSandbox) -> None:
    """An export that ends takes its people off the list with an empty segment, once that is allowed; others stay."""
    list_id = sandbox.create_list("List vip")
    sandbox.put_on_list(list_id, ["theirs@example.com"])
    project.refresh("vip", CROWD)
    assert project.run_job().success
    project.exports = [export(leavers="remove", schedule="off")]
    project.refresh("vip", [])
    assert "has become empty" in failure_of(project.run_job())
    assert on_list(sandbox) == {"theirs@example.com", *CROWD}
    emptied = project.run_job(config={"allow_mass_removal": True})
    assert emptied.success
    assert metadata_of(emptied, LIST)["removed"] == 30
    assert on_list(sandbox) == {"theirs@example.com"}


def test_dry_run(project: Project, sandbox: RunningSandbox) -> None:
    """A dry run observes the plan's counts; nothing is sent, created or materialized, and no check is made."""
    prepare(project)
    result = project.materialize(LIST, config={"dry_run": True})
    assert result.success
    (event,) = result.get_asset_observation_events()
    observed = event.asset_observation_data.asset_observation
    assert observed.asset_key.to_user_string() == LIST
    assert observed.metadata["added"].value == 3
    assert materialized(result) == set()
    assert evaluations(result) == {}
    assert changing_count(sandbox) == 0
    assert sandbox.state.lists(sandbox.account_id) == []


def test_dry_run_of_what_would_be_refused(project: Project, sandbox: RunningSandbox) -> None:
    """A dry run says which limit would refuse, and does not fail."""
    prepare(project)
    project.exports = [export(limits={"max_profiles": 2})]
    result = project.materialize(LIST, config={"dry_run": True})
    assert result.success
    (event,) = result.get_asset_observation_events()
    observed = event.asset_observation_data.asset_observation
    assert observed.metadata["limit"].value == "max_profiles"
    assert "over max_profiles of 2" in str(observed.metadata["would_be_refused"].value)
    assert changing_count(sandbox) == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"connection": None}, "Export 'vip' is detached, and nothing is sent; name its connection"),
        ({"enabled": False}, "Export 'vip' is not enabled, and nothing is sent; set enabled: true"),
    ],
    ids=["detached", "disabled"],
)
def test_inactive(project: Project, sandbox: RunningSandbox, change: dict[str, Any], sentence: str) -> None:
    """The list of a detached or disabled export fails with one sentence, and needs neither account nor profiles."""
    project.exports = [export(**change)]
    result = project.materialize(LIST)
    assert sentence in failure_of(result)
    assert sandbox.requests() == []
    assert materialized(result) == set()


@pytest.mark.parametrize(("value", "sent"), [("1", False), ("true", False), ("0", True), ("", True)])
def test_paused(
    project: Project, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, value: str, sent: bool
) -> None:
    """While KLAVIYO_ASSETS_PAUSED is set, a run fails with one sentence, and Klaviyo hears nothing."""
    project.refresh()
    monkeypatch.setenv("KLAVIYO_ASSETS_PAUSED", value)
    result = project.run_job()
    assert result.success is sent
    assert sent or "Nothing is sent while KLAVIYO_ASSETS_PAUSED is set" in failure_of(result)
    assert bool(sandbox.requests()) is sent


def test_missing_key(project: Project, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key a run fails with one sentence that names the variable, and needs no connection."""
    monkeypatch.delenv("KLAVIYO_API_KEY")
    prepare(project)
    result = project.materialize(LIST)
    assert "The environment variable KLAVIYO_API_KEY is not set" in failure_of(result)
    assert sandbox.requests() == []


def test_klaviyo_says_no(project: Project, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Klaviyo refuses ends the run with one sentence, without the key, and without another attempt by Dagster."""
    monkeypatch.setenv("KLAVIYO_API_KEY", "pk_unheard_of")
    prepare(project)
    result = project.materialize(LIST)
    (event,) = result.get_step_failure_events()
    assert event.step_failure_data.user_failure_data is not None
    assert "pk_unheard_of" not in str(event)
    assert failure_of(result)
    assert materialized(result) == set()


def test_unfinished(project: Project, sandbox: RunningSandbox) -> None:
    """A delivery that runs into its deadline ends as failed, with its numbers; the next run goes on from there."""
    sandbox.change(job_duration_s=3600)
    project.exports = [export(limits={"deadline_minutes": 0.02})]
    project.refresh()
    result = project.run_job()
    (event,) = result.get_step_failure_events()
    told = event.step_failure_data.user_failure_data
    assert told is not None
    assert told.metadata["pending"].value == 3
    assert LIST not in materialized(result)
    sandbox.change(job_duration_s=0.05)
    sandbox.advance(7200)
    assert project.run_job().success
    assert on_list(sandbox) == set(PEOPLE)


@pytest.mark.parametrize(
    ("people", "severity"),
    [(PEOPLE, dg.AssetCheckSeverity.ERROR), ([f"p{n}@example.com" for n in range(100)], dg.AssetCheckSeverity.WARN)],
    ids=["1 of 3", "1 of 100"],
)
def test_refusals(project: Project, sandbox: RunningSandbox, people: Any, severity: dg.AssetCheckSeverity) -> None:
    """Refused rows fail their check as a warning, above 1 % of the rows sent as an error; the delivery stands."""
    sandbox.order_fault(FailRows(indexes=(0,)), method="POST", path=BULK_IMPORT)
    project.refresh("vip", people)
    result = project.run_job()
    assert result.success
    assert LIST in materialized(result)
    check = evaluations(result)["refusals"]
    assert (check.passed, check.severity) == (False, severity)
    assert check.metadata["refused"].value == 1
    assert "| invalid" in str(check.metadata["by_code"].value)
    stored = Path(metadata_of(result, LIST)["refusals"])
    assert pl.read_parquet(stored).select("row", "code").rows() == [(0, "invalid")]
    assert stored.parent == project.root / "storage" / "klaviyo" / "vip"


def test_membership(project: Project, sandbox: RunningSandbox) -> None:
    """A list that counts fewer members than we put there is a warning; the run succeeds."""
    sandbox.change(count_lag_s=3600)
    project.refresh()
    result = project.run_job()
    assert result.success
    check = evaluations(result)["membership"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert (check.metadata["members"].value, check.metadata["ours"].value) == (0, 3)


@pytest.mark.parametrize("name", LIST_CHECKS)
def test_a_check_alone_delivers_nothing(project: Project, sandbox: RunningSandbox, name: str) -> None:
    """Executing a check of the list by itself sends nothing, and says what to do instead."""
    prepare(project)
    result = project.execute_checks(LIST, name)
    assert "materialize the asset itself" in failure_of(result)
    assert sandbox.requests() == []


def test_the_list_without_its_checks(project: Project, sandbox: RunningSandbox) -> None:
    """Where somebody deselects the checks, the delivery goes its way and makes none."""
    prepare(project)
    job = project.defs.resolve_implicit_global_asset_job_def()
    alone = job.get_subset(asset_selection={dg.AssetKey.from_user_string(LIST)}, asset_check_selection=set())
    result = alone.execute_in_process(instance=project.instance, raise_on_error=False)
    assert result.success
    assert evaluations(result) == {}
    assert on_list(sandbox) == set(PEOPLE)


def test_one_failure_stops_no_other(project: Project, sandbox: RunningSandbox) -> None:
    """In run_all_exports a missing key stops only its own exports; detached ones, and those `off`, are left out."""
    project.connections = [connection(), connection(name="other", api_key_env="OTHER_KEY")]
    project.exports = [
        export("broken", connection="other"),
        export("vip"),
        export("manual", schedule="off"),
        export("detached", connection=None),
    ]
    project.refresh()
    result = project.run_job("run_all_exports")
    assert "OTHER_KEY" in failure_of(result)
    lists = {key for key in materialized(result) if key.endswith("/list")}
    assert lists == {"klaviyo/vip/list"}
    assert on_list(sandbox) == set(PEOPLE)
    assert not any("manual" in key or "detached" in key for key in materialized(result))


def test_how_the_list_is_declared(project: Project) -> None:
    """The list's op queues in its connection's pool, and run config has a description for each setting."""
    assets = project.defs.resolve_assets_def(dg.AssetKey(["klaviyo", "vip", "list"]))
    assert assets.op.name == "klaviyo__vip__list"
    assert assets.op.pool == "klaviyo_main"
    assert "klaviyo_main" in assets.required_resource_keys
    fields = fields_of(assets.op)
    assert set(fields) == {"dry_run", "allow_mass_removal", "reconcile", "resend_all"}
    assert all(field.description and field.default_value is False for field in fields.values())

"""The checks of the profiles: what they measure, say and stop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg
import pytest

from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.orchestration.projects import PEOPLE, Project, evaluations, export, materialized

PROFILES = "klaviyo/vip/profiles"
BROKEN: list[Any] = [
    pytest.param([*PEOPLE, None, None, None, None], {}, "email_mapping", "min_valid_share", id="email_mapping"),
    pytest.param(PEOPLE, {"max_profiles": 2}, "size_limit", "max_profiles", id="size_limit, too many"),
    pytest.param(PEOPLE, {"min_profiles": 4}, "size_limit", "min_profiles", id="size_limit, too few"),
]


@pytest.mark.parametrize(("people", "limits", "name", "limit"), BROKEN)
def test_broken_limit(
    project: Project,
    sandbox: RunningSandbox,
    people: Sequence[str | None],
    limits: dict[str, Any],
    name: str,
    limit: str,
) -> None:
    """A broken limit fails its check as an error that says what was measured, and stops the list before it starts."""
    project.exports = [export(limits=limits)]
    project.refresh("vip", people)
    result = project.run_job()
    assert not result.success
    assert materialized(result) == {PROFILES, "klaviyo/vip/rejections"}
    assert sandbox.requests() == []
    checks = evaluations(result)
    assert set(checks) == {"email_mapping", "size_limit"}
    assert [each for each, check in checks.items() if not check.passed] == [name]
    broken = checks[name]
    assert broken.severity == dg.AssetCheckSeverity.ERROR
    assert broken.blocking
    assert broken.metadata["limit"].value == limit
    assert broken.metadata["profile_count"].value == 3
    assert "'vip'" in (broken.description or "")


def test_kept_limits(project: Project, sandbox: RunningSandbox) -> None:
    """A check that passes says what was measured and the limits as well."""
    project.refresh("vip", [*PEOPLE, "not an address", PEOPLE[0]])
    checks = evaluations(project.run_job())
    for name in ("email_mapping", "size_limit"):
        told = {key: value.value for key, value in checks[name].metadata.items()}
        assert told == {
            "rows_read": 5,
            "profile_count": 3,
            "unusable_count": 1,
            "valid_share": 0.8,
            "min_valid_share": 0.5,
            "min_profiles": 0,
            "max_profiles": 100_000,
        }
        assert checks[name].description == "Rows read: 5, profiles: 3, rows without a usable address: 1."


def test_checks_alone(project: Project) -> None:
    """The checks can be executed by themselves, on profiles that were stored before."""
    project.refresh()
    assert project.materialize(PROFILES, "klaviyo/vip/rejections").success
    project.exports = [export(limits={"max_profiles": 2})]
    result = project.execute_checks(PROFILES, "size_limit")
    assert materialized(result) == set()
    assert {name: check.passed for name, check in evaluations(result).items()} == {"size_limit": False}


def test_descriptions_name_the_limits(project: Project) -> None:
    """Each check says in its description which limits of the declaration it shows."""
    graph = project.defs.resolve_asset_graph()
    described = {key.name: graph.get_check_spec(key).description or "" for key in graph.asset_check_keys}
    assert "min_valid_share" in described["email_mapping"]
    assert "`EMail`" in described["email_mapping"]
    assert "max_profiles" in described["size_limit"]
    assert all(described.values())

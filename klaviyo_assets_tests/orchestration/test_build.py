"""What appears in Dagster, by name."""

from __future__ import annotations

import dagster as dg
import pytest

from klaviyo_assets.errors import DeclarationError
from klaviyo_assets.orchestration.build import build_defs, export_defs
from klaviyo_assets_tests.orchestration.projects import Project, connection, export, segment

LIST_CHECKS = ("within_limits", "contract_limit", "refusals", "membership")


@pytest.fixture
def whole(project: Project) -> dg.Definitions:
    """One of each kind of declaration."""
    project.segments = [
        segment(refresh=["0 5 * * *", "0 17 * * *"], timezone="Europe/Riga"),
        segment("still", watch=False),
    ]
    project.exports = [
        export(),
        export("nightly", schedule="0 2 * * *", timezone="Europe/Riga", segments=["segments/vip", "theirs/people"]),
        export("manual", schedule="off"),
        export("detached", connection=None),
        export("disabled", enabled=False, schedule="0 2 * * *"),
    ]
    project.others = [dg.Definitions([dg.AssetSpec(["theirs", "people"])])]
    return project.defs


def test_names(whole: dg.Definitions) -> None:
    """Assets, groups, checks, jobs, schedules, sensors and resources are called what users were promised."""
    specs = whole.resolve_all_asset_specs()
    exports = ("detached", "disabled", "manual", "nightly", "vip")
    assert {spec.key.to_user_string(): spec.group_name for spec in specs} == {
        "theirs/people": "default",
        "segments/vip": "segments",
        "segments/still": "segments",
        **{f"klaviyo/{name}/{part}": "klaviyo" for name in exports for part in ("profiles", "rejections", "list")},
    }
    checks = {key.to_user_string() for key in whole.resolve_asset_graph().asset_check_keys}
    assert checks == {
        *(f"klaviyo/{name}/profiles:{check}" for name in exports for check in ("email_mapping", "size_limit")),
        *(f"klaviyo/{name}/list:{check}" for name in exports for check in LIST_CHECKS),
    }
    jobs = {job.name for job in whole.resolve_all_job_defs() if not job.name.startswith("__")}
    assert jobs == {*(f"export_{name}" for name in exports), "run_all_exports", "verify_main"}
    repository = whole.get_repository_def()
    assert {schedule.name for schedule in repository.schedule_defs} == {"vip_refresh", "export_nightly_schedule"}
    assert {sensor.name for sensor in repository.sensor_defs} == {
        "vip_source_refreshed",
        "vip_segments_refreshed",
        "detached_segments_refreshed",
        "export_nightly_deferred",
    }
    assert set(repository.get_top_level_resources()) == {"klaviyo_main", "klaviyo_assets_frames"}


def test_load_validates(whole: dg.Definitions) -> None:
    """Everything that is declared passes Dagster's own check of definitions."""
    dg.Definitions.validate_loadable(whole)


def test_mistakes_between_declarations() -> None:
    """Declarations that do not fit together are refused before anything is built."""
    with pytest.raises(DeclarationError, match="expected the name of a declared connection"):
        build_defs(segments=[segment()], exports=[export()])


def test_no_export_to_run() -> None:
    """Where no export runs by itself there is no run_all_exports, and everything else loads."""
    defs = build_defs(
        connections=[connection()],
        segments=[segment()],
        exports=[export(schedule="off"), export("detached", connection=None)],
    )
    assert {job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")} == {
        "export_vip",
        "export_detached",
        "verify_main",
    }


def test_one_export_at_a_time(project: Project) -> None:
    """Built one by one, as from a folder each, the exports bring run_all_exports once, with all of them in it."""
    project.exports = [export("first"), export("second")]
    parts = [
        export_defs(
            each,
            connection=connection(),
            segments=project.segments,
            all_exports=project.exports,
            project_root=project.root,
            automation="each",
        )
        for each in project.exports
    ]
    jobs = [job.name for part in parts for job in part.jobs or ()]
    assert jobs == ["export_first", "run_all_exports", "export_second"]
    selected = project.defs.resolve_job_def("run_all_exports").asset_layer.selected_asset_keys
    assert len(selected) == 6

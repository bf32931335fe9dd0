"""A folder is read as Dagster reads it, and what Dagster would pass over is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from klaviyo_assets.errors import DeclarationError
from klaviyo_assets.orchestration.declarations.projects import find_project
from klaviyo_assets.orchestration.folder_check import check_folder
from klaviyo_assets_tests.declarations.projects import (
    CONNECTION,
    EXPORT,
    SEGMENT,
    load,
    project,
    told_by_check,
    told_by_dagster,
)

WHOLE = {"contoso/defs.yaml": CONNECTION, "segments/vip/defs.yaml": SEGMENT, "exports/vip/defs.yaml": EXPORT}
FOLDER = "type: dagster.DefsFolderComponent\nattributes: {}\n"
FOREIGN = "type: theirs.SqlComponent\nattributes: {name: 1, name: 2}\n"


def test_declarations_may_lie_anywhere() -> None:
    """Files are found in folders of folders, and know one another."""
    with project(WHOLE) as sandbox:
        assert told_by_check(sandbox) == []
        assert check_folder(sandbox.defs_folder_path).declaration_count == 3


@pytest.mark.parametrize("name", ["defs.yaml", "defs.yml", "component.yaml"])
def test_every_name_of_a_file_is_read(name: str) -> None:
    """Dagster reads files of three names, and so does the check."""
    with project({f"vip/{name}": SEGMENT.replace("csv", "cvs")}) as sandbox:
        assert len(told_by_check(sandbox)) == 1
        assert told_by_check(sandbox) == told_by_dagster(sandbox)


@pytest.mark.parametrize(
    ("files", "hidden"),
    [
        ({"a/defs.yaml": CONNECTION, "a/b/defs.yaml": SEGMENT}, "a/b/defs.yaml"),
        ({"a/defs.yaml": CONNECTION, "a/b/c/defs.yaml": SEGMENT}, "a/b/c/defs.yaml"),
        ({"a/defs.yaml": CONNECTION, "a/component.yaml": SEGMENT}, "a/component.yaml"),
    ],
    ids=["below", "far below", "beside"],
)
def test_what_dagster_passes_over_is_told(files: dict[str, str], hidden: str) -> None:
    """Dagster looks no further than the first file on a way down; a declaration behind it would never run."""
    with project(files) as sandbox:
        (told,) = told_by_check(sandbox)

        assert told.startswith(f"{hidden}:1:1: found a declaration that Dagster does not read")
        assert "it stops at a/defs.yaml" in told
        assert not list(load(sandbox).resolve_all_asset_specs())


def test_a_folder_component_passes_nothing_over() -> None:
    """A file that only describes its folder hides nothing."""
    files = {"a/defs.yaml": FOLDER, "a/b/defs.yaml": SEGMENT}
    with project(files) as sandbox:
        assert told_by_check(sandbox) == []
        assert len(list(load(sandbox).resolve_all_asset_specs())) == 1


def test_other_peoples_components_are_not_judged() -> None:
    """Documents of foreign types, caches and hidden folders are passed over."""
    wrong = SEGMENT.replace("csv", "cvs")
    files = {"x/defs.yaml": FOREIGN, ".git/defs.yaml": wrong, "__pycache__/defs.yaml": wrong, "vip/defs.yaml": SEGMENT}
    with project(files) as sandbox:
        assert told_by_check(sandbox) == []
        assert check_folder(sandbox.defs_folder_path).declaration_count == 1


def test_every_mistake_of_every_file_is_told() -> None:
    """One wrong file hides neither another, nor another mistake in the same; what hangs on it is not blamed."""
    files = {
        "a/defs.yaml": CONNECTION.replace("team:", ""),
        "b/defs.yaml": SEGMENT.replace("csv,", "cvs,") + "  watch: 2\n",
        "c/defs.yaml": "x: [\n",
        "d/defs.yaml": EXPORT + "  leavers: go\n---\n" + EXPORT.replace("vip", "all"),
    }
    with project(files) as sandbox:
        told = told_by_check(sandbox)

    assert [line.partition(": ")[0] for line in told] == [
        "a/defs.yaml:4:13",
        "b/defs.yaml:4:12",
        "b/defs.yaml:5:3",
        "c/defs.yaml:2:1",
        "d/defs.yaml:8:3",
        "d/defs.yaml:15:14",
    ]
    assert "segments/all" in told[-1]


def test_a_part_is_checked_with_the_rest_of_its_project() -> None:
    """A folder within the definitions knows what lies outside of it, and only its own mistakes are told."""
    files = {**WHOLE, "broken/defs.yaml": SEGMENT.replace("csv", "cvs")}
    with project(files) as sandbox:
        (sandbox.project_root / "elsewhere").mkdir()
        (sandbox.project_root / "elsewhere" / "defs.yaml").write_text(SEGMENT, encoding="utf-8")
        part = check_folder(sandbox.defs_folder_path / "exports")
        around = check_folder(sandbox.project_root)

    assert (part.declaration_count, list(part.mistakes)) == (1, [])
    assert (around.declaration_count, len(around.mistakes)) == (4, 2)


def test_a_folder_without_a_project_stands_for_itself(tmp_path: Path) -> None:
    """Declarations need no project to be checked."""
    (tmp_path / "vip").mkdir()
    (tmp_path / "vip" / "defs.yaml").write_text(EXPORT, encoding="utf-8")

    assert len(check_folder(tmp_path).mistakes) == 2


def test_template_variables_of_a_project_are_not_judged_without_dagster(tmp_path: Path) -> None:
    """A value that only Dagster can put in place is no mistake, and the root is known."""
    text = SEGMENT.replace("data/vip.csv", '"{{ context.project_root }}/{{ folder }}"')
    (tmp_path / "defs.yaml").write_text(text + "template_vars_module: .folders\n", encoding="utf-8")

    assert list(check_folder(tmp_path).mistakes) == []


def test_the_projects_env_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Dagster's commands read from .env is known to the check; the environment itself goes before it."""
    monkeypatch.setenv("MANY", "10")
    with project({"b/defs.yaml": SEGMENT.replace("data/vip.csv", "'{{ env.FOLDER }}/{{ env.MANY }}'")}) as sandbox:
        assert len(told_by_check(sandbox)) == 1
        (sandbox.project_root / ".env").write_text("FOLDER=data\nMANY=20\n", encoding="utf-8")
        assert told_by_check(sandbox) == []


@pytest.mark.parametrize(
    ("file", "text", "defs"),
    [
        ("pyproject.toml", '[tool.dg.project]\nroot_module = "ours"\n', "ours/defs"),
        ("pyproject.toml", '[tool.dg.project]\nroot_module = "ours"\n', "src/ours/defs"),
        ("pyproject.toml", '[tool.dg.project]\nroot_module = "o"\ndefs_module = "ours.things"\n', "ours/things"),
        ("dg.toml", '[project]\nroot_module = "ours"\n', "ours/defs"),
    ],
)
def test_a_project_is_found_from_within(tmp_path: Path, file: str, text: str, defs: str) -> None:
    """Its configuration says where its declarations are, from any folder in it."""
    (tmp_path / file).write_text(text, encoding="utf-8")
    (tmp_path / defs / "vip").mkdir(parents=True)
    found = find_project(tmp_path / defs / "vip")

    assert found is not None
    assert (tmp_path.resolve(), (tmp_path / defs).resolve()) == (found.root, found.defs)


@pytest.mark.parametrize("text", ["[tool.dg.project", '[tool.dg.project]\nroot_module = "ours"\n'])
def test_a_project_that_cannot_be_found_is_told(tmp_path: Path, text: str) -> None:
    """A configuration that is not TOML, or names a folder that is not there, is an error with the file's name."""
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")

    with pytest.raises(DeclarationError, match=r"pyproject\.toml: found"):
        find_project(tmp_path)

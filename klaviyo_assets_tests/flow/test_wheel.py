"""The package as others install it: what the wheel holds, and what it brings to somebody else's Dagster project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = """
[project]
name = "theirs"
version = "1"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "theirs"
"""

DEFINITIONS = """
from pathlib import Path

import dagster as dg


@dg.definitions
def defs():
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
"""


def run(command: Sequence[str | Path], *, cwd: Path, **environment: str) -> str:
    """What the command printed; an error with all of it where it failed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment, "DAGSTER_DISABLE_TELEMETRY": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the files that git would keep."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for package in ("klaviyo_assets", "klaviyo_assets_tests"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", built, source], cwd=source)
    return next(built.glob("*.whl"))


def test_wheel_holds_the_package_and_its_files(wheel: Path) -> None:
    """Declarations, templates and the marker of types are in it; tests are not."""
    names = zipfile.ZipFile(wheel).namelist()

    expected = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "klaviyo_assets").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if name.startswith("klaviyo_assets/")} == expected
    assert not [name for name in names if "tests" in name]


def test_somebody_elses_project_gets_the_components(wheel: Path, tmp_path: Path) -> None:
    """Once installed, `dg` lists the types and scaffolds declarations that are right and load."""
    site, project = tmp_path / "site", tmp_path / "theirs"
    zipfile.ZipFile(wheel).extractall(site)
    (project / "theirs" / "defs").mkdir(parents=True)
    (project / "pyproject.toml").write_text(PROJECT)
    (project / "theirs" / "__init__.py").touch()
    (project / "theirs" / "definitions.py").write_text(DEFINITIONS)
    (project / "theirs" / "defs" / "__init__.py").touch()
    dg = [sys.executable, "-c", "from dagster_dg_cli.cli import main; main()"]
    installed = {"PYTHONPATH": f"{site}{os.pathsep}{project}"}

    components = run([*dg, "list", "components"], cwd=project, **installed)
    for kind, name in (
        ("KlaviyoConnectionComponent", "contoso"),
        ("SegmentComponent", "vip"),
        ("KlaviyoExportComponent", "vip_export"),
    ):
        assert f"klaviyo_assets.{kind}" in components
        run([*dg, "scaffold", "defs", f"klaviyo_assets.{kind}", name], cwd=project, **installed)
        assert "#" in (project / "theirs" / "defs" / name / "defs.yaml").read_text()

    command = [sys.executable, "-c", "from klaviyo_assets.cli import main; main()", "check"]
    assert "0 mistakes in 3 declarations" in run(command, cwd=project, **installed)
    assert "klaviyo/vip_export/list" in run([*dg, "list", "defs"], cwd=project, **installed)

"""The command `klaviyo-assets`, as it is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from klaviyo_assets.cli import main
from klaviyo_assets.ledger import DeltaLedger, Pause
from klaviyo_assets.orchestration.declarations.projects import find_project
from klaviyo_assets.orchestration.storage import storage_root
from klaviyo_assets_tests.declarations.projects import CONNECTION, EXPORT, SEGMENT, project
from klaviyo_assets_tests.ledger.test_contract import deliver, people


def run(*arguments: str | Path) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_clean_declarations_are_counted() -> None:
    """Without mistakes the check says so, and passes; no variable that is named needs to be set."""
    with project({"a/defs.yaml": CONNECTION, "b/defs.yaml": SEGMENT, "c/defs.yaml": EXPORT}) as sandbox:
        result = run("check", sandbox.defs_folder_path)

    assert result.output == "0 mistakes in 3 declarations\n"
    assert result.exit_code == 0


def test_each_mistake_is_a_line() -> None:
    """Every mistake is told with file, line and column, sorted, then counted; and the check fails."""
    files = {"b/defs.yaml": EXPORT + "  colour: blue\n", "a/defs.yaml": CONNECTION.replace("team:", "")}
    with project(files) as sandbox:
        result = run("check", sandbox.defs_folder_path)
        folder = sandbox.defs_folder_path.resolve()

    lines = result.output.splitlines()
    assert [f"{folder}/a/defs.yaml:4:13", f"{folder}/b/defs.yaml:8:3"] == [
        line.partition(": ")[0] for line in lines[:-1]
    ]
    assert lines[-1] == "2 mistakes in 2 declarations"
    assert result.exit_code == 1


def test_one_is_not_many(tmp_path: Path) -> None:
    """One mistake in one declaration is counted as one."""
    (tmp_path / "defs.yaml").write_text(SEGMENT.replace("csv", "cvs"), encoding="utf-8")

    assert run("check", tmp_path).output.splitlines()[-1] == "1 mistake in 1 declaration"


def test_files_are_named_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the working directory a file is told by its path from there, so that an editor finds it."""
    (tmp_path / "vip").mkdir()
    (tmp_path / "vip" / "defs.yaml").write_text(SEGMENT.replace("csv", "cvs"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert run("check", "vip").output.startswith("vip/defs.yaml:4:12: source.type: found")


def test_without_a_folder_the_projects_own_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a project its definitions are found; without one the command says what it looked for."""
    with project({"a/defs.yaml": CONNECTION}) as sandbox:
        monkeypatch.chdir(sandbox.defs_folder_path)
        assert run("check").output == "0 mistakes in 1 declaration\n"
    monkeypatch.chdir("/")

    assert "Found no Dagster project here" in run("check").output
    assert run("check").exit_code == 2


def test_a_folder_without_declarations_is_told(tmp_path: Path) -> None:
    """Nothing found is said as that, and not as nothing wrong."""
    result = run("check", tmp_path)

    assert f"Found no declarations in {tmp_path}, expected defs.yaml in it or below.\n" == result.output
    assert result.exit_code == 0


def test_a_broken_configuration_is_told(tmp_path: Path) -> None:
    """A pyproject.toml that is not TOML is one sentence, not a traceback."""
    (tmp_path / "pyproject.toml").write_text("[", encoding="utf-8")
    result = run("check", tmp_path)

    assert "pyproject.toml: found what cannot be read as TOML" in result.output
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("export", "warnings"),
    [
        (EXPORT, ["storage/ledgers/old/Ab12Cd/YafG4m: found a ledger of export 'old', expected one that is declared"]),
        (EXPORT + "  renamed_from: old\n", []),
        (EXPORT.replace("name: vip", "name: old"), []),
    ],
    ids=["left", "renamed", "used"],
)
def test_ledgers_that_no_export_uses_are_told(export: str, warnings: list[str]) -> None:
    """A ledger without an export is a warning with whom it accounts for and what to do, and the check passes."""
    with project({"a/defs.yaml": CONNECTION, "b/defs.yaml": SEGMENT, "c/defs.yaml": export}) as sandbox:
        found = find_project(sandbox.defs_folder_path)
        assert found is not None
        ledger = DeltaLedger(storage_root(found.root) / "ledgers" / "old" / "Ab12Cd" / "YafG4m")
        deliver(ledger, people("a@example.com", "b@example.com"), body="1")
        result = run("check", sandbox.defs_folder_path)
        deliver(ledger, people("a@example.com", "b@example.com", change="remove"), body="2")
        emptied = run("check", sandbox.defs_folder_path)

    *told, count = result.output.splitlines()
    assert (len(told), result.exit_code, count) == (len(warnings), 0, "0 mistakes in 3 declarations")
    for line, words in zip(told, warnings, strict=True):
        assert line.startswith("warning: ")
        assert words in line
        assert "(vip); 2 people are on list YafG4m of account Ab12Cd by it." in line
        assert "write renamed_from: old into it" in line
        assert "nobody is on list YafG4m by it any more: take the folder away." in emptied.output


def test_a_storage_is_not_made_by_a_look(tmp_path: Path) -> None:
    """A check writes nothing."""
    (tmp_path / "defs.yaml").write_text(SEGMENT, encoding="utf-8")
    run("check", tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["defs.yaml"]


def test_a_pause_is_a_mark_in_the_projects_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection, or everything, is paused until it is resumed; the commands say what is paused still."""
    with project({"a/defs.yaml": CONNECTION}) as sandbox:
        monkeypatch.chdir(sandbox.defs_folder_path)
        found = find_project(sandbox.defs_folder_path)
        assert found is not None
        pauses = Pause(storage_root(found.root))
        assert "`klaviyo-assets resume contoso`" in run("pause", "contoso").output
        assert pauses.connections() == ["contoso"]
        assert "Paused: everything" in run("pause").output
        assert run("resume", "contoso").output == "Resumed: contoso. Still paused: everything.\n"
        assert pauses.is_on("contoso")
        assert run("resume").output == "Resumed: everything.\n"
        assert not pauses.is_on("contoso")


def test_a_connection_that_nobody_declared_is_not_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the pen does not leave somebody in the belief that nothing is sent."""
    with project({"a/defs.yaml": CONNECTION}) as sandbox:
        monkeypatch.chdir(sandbox.defs_folder_path)
        result = run("pause", "contosso")

    assert result.exit_code == 2
    assert "Found no connection 'contosso', expected one that is declared: contoso." in result.output


def test_help_lists_the_commands() -> None:
    """Commands of other modules are listed too, and tell what they take."""
    assert {"check", "forget", "pause", "resume", "sandbox", "trace"} <= {
        line.split()[0] for line in run("--help").output.splitlines() if line.strip()
    }
    assert "--port" in run("sandbox", "--help").output
    assert "No such command" in run("sendbox").output


def test_the_sandbox_is_imported_only_when_it_is_asked_for() -> None:
    """Nobody who checks declarations waits for a web server."""
    code = (
        "import sys; from click.testing import CliRunner; from klaviyo_assets.cli import main; "
        "CliRunner().invoke(main, ['check', '.']); "
        "sys.exit('klaviyo_assets.sandbox' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""`klaviyo-assets trace`: what one command tells of a person, after real deliveries."""

from __future__ import annotations

import logging

import pytest
from click.testing import CliRunner, Result

from klaviyo_assets.cli import main
from klaviyo_assets.sandbox import FailRows, RunningSandbox
from klaviyo_assets_tests.declarations.projects import EXPORT
from klaviyo_assets_tests.declarations.projects import project as declared_project
from klaviyo_assets_tests.orchestration.projects import Project, export

ADA, BOB, CYD = "ada@example.com", "bob@example.com", "cyd@example.com"


def trace(project: Project, address: str) -> Result:
    """The command, on the project's storage."""
    return CliRunner().invoke(main, ["trace", address, "--storage", str(project.root / "storage")])


@pytest.fixture
def delivered(project: Project, sandbox: RunningSandbox) -> Project:
    """Klaviyo took Ada and Bob, and refused Cyd; then Bob left, and a row with half an address came."""
    project.exports = [export(leavers="remove")]
    sandbox.order_fault(FailRows(emails=(CYD,)), method="POST", path="/api/profile-bulk-import-jobs")
    project.refresh("vip", [ADA, BOB, CYD])
    assert project.run_job().success
    project.refresh("vip", [ADA, CYD, " Half@Example "])
    assert project.run_job().success
    return project


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (ADA, ["can be sent; row 0 of segments/vip", "put on it by this export", "add: confirmed by Klaviyo"]),
        (
            "  ADA@Example.com\u200b",
            ["add: confirmed by Klaviyo", "started by manual; consent of ada@contoso.com, 2026"],
        ),
        (BOB, ["not on it by this export", "add: confirmed by Klaviyo", "remove: confirmed by Klaviyo"]),
        (CYD, ["add: refused by Klaviyo (invalid", "add: confirmed by Klaviyo", "bulk job"]),
        ("half@example", ["row 2 of segments/vip is not sent: email_invalid. This is not an e-mail address"]),
    ],
    ids=["sent", "written otherwise", "removed", "refused", "rejected"],
)
def test_known(delivered: Project, address: str, expected: list[str]) -> None:
    """Who was sent, removed, refused or rejected is told with when, by which run, on whose consent, and why not."""
    result = trace(delivered, address)

    assert result.exit_code == 0
    assert result.output.startswith("export vip\n")
    at = -1
    for words in expected:
        found = result.output.find(words, at + 1)
        assert found > at, f"{words!r} is not in, or not after what comes before it: {result.output}"
        at = found


def test_unknown(delivered: Project) -> None:
    """Of whom nothing is known, that is said, and the command ends with 1."""
    result = trace(delivered, "a@example.com")

    assert result.output == "Nothing is known of this address in: vip.\n"
    assert result.exit_code == 1


def test_who_was_there_before(project: Project, sandbox: RunningSandbox) -> None:
    """Somebody who was on the list before the export is told as such, and since when."""
    list_id = sandbox.create_list("List vip")
    sandbox.put_on_list(list_id, [BOB])
    project.refresh("vip", [ADA, BOB])
    assert project.run_job().success
    output = trace(project, BOB).output

    assert f"list {list_id} of account {sandbox.account_id}: was on it before this export" in output
    assert "was on the list before this export, since 20" in output


def test_the_address_stays_on_the_terminal(
    delivered: Project, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written to the storage, and nothing is logged."""
    caplog.set_level(logging.DEBUG)
    storage = delivered.root / "storage"
    before = {path: path.stat().st_mtime_ns for path in storage.rglob("*")}
    assert trace(delivered, ADA).exit_code == 0

    assert {path: path.stat().st_mtime_ns for path in storage.rglob("*")} == before
    assert ADA not in caplog.text + "".join(capfd.readouterr())


def test_a_storage_that_is_not_there_is_told(project: Project) -> None:
    """A slip in the storage's name is not taken for one that knows nobody."""
    result = CliRunner().invoke(main, ["trace", ADA, "--storage", str(project.root / "sturage")])

    assert "Found nothing at" in result.output
    assert result.exit_code == 2


def test_declared_exports_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a project its declared exports are looked at, also those that nothing is stored of; no folder is made."""
    with declared_project({"c/defs.yaml": EXPORT}) as declared:
        monkeypatch.chdir(declared.defs_folder_path)
        result = CliRunner().invoke(main, ["trace", ADA])
        assert not (declared.defs_folder_path.parents[1] / "storage").exists()

    assert "Nothing is known of this address in: vip" in result.output
    assert result.exit_code == 1

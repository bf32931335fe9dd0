"""A wrong declaration is told in one sentence, the same by `klaviyo-assets check` and when Dagster loads it.

Each file in `wrong/` holds one mistake, and begins with what must be told of it. Those in `wrong_outside/` have their
mistake around the attributes, where Dagster stops before it asks us; it need only stop.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from klaviyo_assets_tests.declarations.projects import load, project, told_by_check, told_by_dagster

HERE = Path(__file__).parent
WRONG = sorted((HERE / "wrong").glob("*.yaml"))
WRONG_OUTSIDE = sorted((HERE / "wrong_outside").glob("*.yaml"))


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANY", "many")
    monkeypatch.delenv("SEGMENTS_FOLDER", raising=False)
    monkeypatch.delenv("KLAVIYO_NEWSLETTER_KEY", raising=False)


def expected(case: Path) -> list[str]:
    """What the file's first line says must be told of it."""
    text = case.read_text(encoding="utf-8").splitlines()[0]
    return [text.removeprefix("# ")]


def without_file(lines: list[str]) -> list[str]:
    """The lines without the name of the only file."""
    return [line.replace("case/defs.yaml:", "") for line in lines]


@pytest.mark.parametrize("case", [*WRONG, *WRONG_OUTSIDE], ids=lambda case: case.stem)
def test_check_tells_the_mistake(case: Path) -> None:
    """The check tells the mistake in one sentence, with its line and column."""
    with project({"case/defs.yaml": case.read_text(encoding="utf-8")}) as sandbox:
        assert expected(case) == without_file(told_by_check(sandbox))


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.stem)
def test_dagster_tells_the_same_mistake(case: Path) -> None:
    """Loading the project tells the same sentence, at the same place."""
    with project({"case/defs.yaml": case.read_text(encoding="utf-8")}) as sandbox:
        assert expected(case) == without_file(told_by_dagster(sandbox))


@pytest.mark.parametrize("case", WRONG_OUTSIDE, ids=lambda case: case.stem)
def test_dagster_stops_at_a_mistake_around_the_attributes(case: Path) -> None:
    """What our check calls a mistake outside of attributes does not load in Dagster either."""
    with (
        project({"case/defs.yaml": case.read_text(encoding="utf-8")}) as sandbox,
        pytest.raises(Exception),  # noqa: B017  Dagster's own, of many types
    ):
        load(sandbox)


def test_there_are_many_cases() -> None:
    """The folders hold cases; an empty one would pass everything above."""
    assert len(WRONG) > 115
    assert len(WRONG_OUTSIDE) > 15


@pytest.mark.parametrize("case", [*WRONG, *WRONG_OUTSIDE], ids=lambda case: case.stem)
def test_a_sentence_says_found_expected_and_remedy(case: Path) -> None:
    """Every sentence has its three parts, and shows neither an address nor a key."""
    (line,) = expected(case)

    found, _, remedy = line.partition("; ")

    assert ": found " in found
    assert ", expected " in found
    assert remedy
    assert "pk_" not in line
    assert "ada@" not in line

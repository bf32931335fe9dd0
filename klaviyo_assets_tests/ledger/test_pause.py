"""The mark that holds deliveries."""

from __future__ import annotations

from pathlib import Path

import pytest
from upath import UPath

from klaviyo_assets.errors import Paused
from klaviyo_assets.ledger import Pause


@pytest.fixture
def pause(tmp_path: Path) -> Pause:
    """The marks of an empty storage."""
    return Pause(UPath(tmp_path))


def test_nothing_is_paused_at_first(pause: Pause) -> None:
    """Without marks everybody may send, and ending what never began is no mistake."""
    pause.end()
    pause.end("contoso")
    pause.check("contoso")

    assert pause.connections() == []


@pytest.mark.parametrize(
    ("marks", "held", "free"),
    [
        pytest.param([None], ["contoso", "other"], [], id="everything"),
        pytest.param(["contoso"], ["contoso"], ["other", "conto"], id="one-connection"),
        pytest.param(["everything"], ["everything"], ["contoso"], id="a-connection-of-that-name"),
    ],
)
def test_a_mark_holds_whom_it_names(pause: Pause, marks: list[str | None], held: list[str], free: list[str]) -> None:
    """Whoever looks at the storage sees the mark, from then on."""
    for connection in marks:
        Pause(pause.storage).begin(connection)

    assert pause.connections() == marks
    assert all(pause.is_on(connection) for connection in held)
    assert not any(pause.is_on(connection) for connection in free)


@pytest.mark.parametrize(
    ("mark", "command"), [(None, "`klaviyo-assets resume`"), ("contoso", "`klaviyo-assets resume contoso`")]
)
def test_who_is_held_is_told_how_to_go_on(pause: Pause, mark: str | None, command: str) -> None:
    """The error names the very command that takes the mark away."""
    pause.begin(mark)
    pause.begin(mark)

    with pytest.raises(Paused, match=command):
        pause.check("contoso")
    pause.end(mark)
    pause.check("contoso")


def test_ending_for_one_leaves_the_others(pause: Pause) -> None:
    """A connection's mark is taken away alone; without a name all marks are."""
    for connection in (None, "b", "a"):
        pause.begin(connection)
    pause.end("a")
    assert pause.connections() == [None, "b"]

    pause.end()
    assert pause.connections() == []


def test_an_unfinished_file_is_no_mark(pause: Pause) -> None:
    """What a kill left behind while a mark was made holds nobody, and is no connection."""
    pause.begin("a")
    (pause.storage / "paused" / ".everything.0af3").write_text("")

    assert pause.connections() == ["a"]
    pause.check("b")

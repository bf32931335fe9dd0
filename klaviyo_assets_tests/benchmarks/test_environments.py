"""Environments of peers: made of pinned requirements, or told that they cannot be."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import environments
from benchmarks.cases import Case
from benchmarks.contenders import CONTENDERS, DLT_PEER, Contender
from benchmarks.environments import NotInstalled, find_python, requirements
from benchmarks.results import NotMeasured
from benchmarks.run import Bench

PEERS = [contender for contender in CONTENDERS if contender.peer]


@pytest.mark.parametrize("contender", PEERS, ids=lambda contender: contender.peer)
def test_requirements_are_pinned(contender: Contender) -> None:
    """Each is a name and a version, and those that the page tells of are among them."""
    found = [re.fullmatch(r"([a-z-]+)(?:\[[a-z]+\])?==[\d.]+", line) for line in requirements(contender.peer)]
    assert set(contender.distributions) <= {match[1] for match in found if match}
    assert all(found)


def test_python_that_is_new_enough() -> None:
    """This interpreter is taken where it is new enough, and none where nobody has one."""
    assert find_python((3, 11)) == sys.executable
    with pytest.raises(NotInstalled, match=r"needs Python 99\.0"):
        find_python((99, 0))


def test_peer_that_cannot_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows say so, and the others are measured all the same."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "requirements.txt").write_text("--no-index\nnobody-made-this==1.0\n")
    monkeypatch.setattr(environments, "_PEERS", tmp_path)
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    bench = Bench([replace(DLT_PEER, peer="broken")], limits="off")
    assert bench.outcomes(bench.contenders[0], 20) == dict.fromkeys(Case, NotMeasured("could not be installed"))

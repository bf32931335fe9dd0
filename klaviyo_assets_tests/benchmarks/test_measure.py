"""What a process is said to have taken."""

from __future__ import annotations

import os
import sys

import pytest

from benchmarks.measure import Figures, ProgramFailed, measure

WORK = "sum(range(10_000_000))"
IN_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{WORK}'], check=True)"


def of(code: str) -> Figures:
    """The figures of a program."""
    return measure([sys.executable, "-S", "-c", code], environment=os.environ)


def test_nobody_elses_memory_is_counted() -> None:
    """A small program is small, however much memory the one has that asks."""
    held = b"x" * 300_000_000
    assert of("pass").peak_mb < 60
    assert len(held) == 300_000_000


def test_memory_at_its_peak() -> None:
    """What was given back before the end counts."""
    assert 190 < of("b'x' * 200_000_000").peak_mb < 290


@pytest.mark.parametrize("code", [pytest.param(WORK, id="its own"), pytest.param(IN_A_CHILD, id="its child's")])
def test_work_is_counted(code: str) -> None:
    """CPU is that of the program and its children, and takes time."""
    nothing, found = of("pass"), of(code)
    assert found.cpu_s > nothing.cpu_s
    assert found.cpu_s > 0.05
    assert found.wall_s > 0.05


def test_failure_is_told() -> None:
    """What a program said before it failed is in the error."""
    with pytest.raises(ProgramFailed, match="no such segment"):
        of("raise SystemExit('no such segment')")

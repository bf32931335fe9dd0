"""What a process took: wall time, CPU and peak memory, its own children's included.

A program is started by a small process of its own (this file, run as a script), which has nothing else to do. Linux
tells of a new process the peak of the one that started it, if that was higher: whoever measures must be small.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figures:
    """What a process took.

    Attributes:
        wall_s: from its start to its end.
        cpu_s: in user mode and in the kernel.
        peak_mb: the most memory that it held.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float


class ProgramFailed(Exception):
    """A program ended otherwise than with 0; what it said last is the message."""


def measure(command: Sequence[str], *, environment: Mapping[str, str]) -> Figures:
    """Run a program to its end.

    Raises:
        ProgramFailed: it ended otherwise than with 0.
    """
    watch = [sys.executable, "-I", "-S", str(Path(__file__)), *command]
    done = subprocess.run(watch, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ProgramFailed(done.stderr[-4_000:].strip() or f"It ended with {done.returncode}.")
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def _watch(command: Sequence[str]) -> int:
    """Run a program, whose output is dropped and whose errors are handed on; print what it took as JSON."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    figures = Figures(
        wall_s=time.perf_counter() - started,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / 1024,
    )
    print(json.dumps(asdict(figures)))
    return process.returncode


if __name__ == "__main__":
    sys.exit(_watch(sys.argv[1:]))

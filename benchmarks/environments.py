"""A virtual environment for each peer, below `.bench/`, so that none can break another's, or the project's.

It is made anew when its requirements changed, and used again otherwise. What runs in it is in `contenders`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_PEERS: Final = ROOT / "benchmarks" / "peers"
_NEWER: Final = ("python3.12", "python3.13", "python3.14")


class NotInstalled(Exception):
    """A peer cannot be installed here; the message says why, in a few words for the table."""


def requirements(name: str) -> list[str]:
    """The pinned requirements of a peer: "drt-core==1.2.1"."""
    lines = (_PEERS / name / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def make(name: str, *, oldest: tuple[int, int], python: str | None = None) -> str:
    """The interpreter of a peer's environment, which is made where there is none.

    Args:
        name: of the folder in `peers`.
        oldest: the oldest Python that the peer runs with.
        python: an interpreter to take, where this one is too old.

    Raises:
        NotInstalled: there is no such Python here, or pip failed.
    """
    folder, wanted = ROOT / ".bench" / name, "\n".join(requirements(name))
    made = folder / "requirements.txt"
    interpreter = folder / "bin" / "python"
    if not (made.exists() and made.read_text(encoding="utf-8") == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        _run([find_python(oldest, python), "-m", "venv", str(folder)])
        quiet = ["--quiet", "--disable-pip-version-check"]
        _run([str(interpreter), "-m", "pip", "install", *quiet, *requirements(name)])
        made.write_text(wanted, encoding="utf-8")
    return str(interpreter)


def find_python(oldest: tuple[int, int], python: str | None = None) -> str:
    """An interpreter that is no older: the one that was named, this one, or one on the path.

    Raises:
        NotInstalled: there is none.
    """
    on_path = (shutil.which(name) for name in _NEWER)
    candidates = [python] if python else []
    candidates += [sys.executable, *(found for found in on_path if found)]
    for candidate in candidates:
        if _is_new_enough(candidate, oldest):
            return candidate
    raise NotInstalled(f"needs Python {oldest[0]}.{oldest[1]}, which is not here")


def _is_new_enough(python: str, oldest: tuple[int, int]) -> bool:
    question = f"import sys; sys.exit(sys.version_info < {oldest})"
    return subprocess.run([python, "-c", question], check=False, capture_output=True).returncode == 0


def _run(command: list[str]) -> None:
    # Else a package of the project could be taken for one that the peer has.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr[-2_000:], file=sys.stderr)
        raise NotInstalled("could not be installed")

"""Carries the Dockerfile's steps out in roots of their own, for a machine that has no Docker and reaches no image.

A root has this machine's programs, its Python where the base image has Python, and nothing else of it: no home, no
checkout, no variables. What is copied, installed, who may write where, and what is started, are the Dockerfile's.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Final

from klaviyo_assets_tests.deploy.shipped import ROOT, read_dockerfile, words

_ETC: Final = ("group", "gshadow", "hosts", "ld.so.cache", "login.defs", "nsswitch.conf", "passwd", "resolv.conf")
_WAY_OUT: Final = re.compile(r"(?i)(https?|no)_proxy|PIP_(CERT|(EXTRA_)?INDEX_URL|DEFAULT_TIMEOUT)|SSL_CERT_(FILE|DIR)")
_MOUNTED: Final = ("usr", "dev", "proc", "etc/ssl")
_LINKS: Final = ("bin", "sbin", "lib", "lib64")


@dataclass
class Stage:
    """A root, and what the instructions so far have said of the commands that run in it."""

    root: Path
    variables: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin"})
    folder: str = "/"
    user: str = "0:0"
    command: Sequence[str] = ()
    check: Sequence[str] = ()

    def run(self, command: Sequence[str], more: Mapping[str, str] | None = None) -> str:
        """What a command printed in the root; an error with all of it where it failed."""
        started = self.words(command, more)
        done = subprocess.run(started, env={}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def words(
        self, command: Sequence[str], more: Mapping[str, str] | None = None, *, sealed: bool = False
    ) -> list[str]:
        """How a command is started in the root; sealed, it reaches no network, and writes only below /tmp."""
        mounts = [f"mount --rbind /{each} {shlex.quote(str(self.root / each))}" for each in _MOUNTED]
        python = sys.base_prefix.lstrip("/")
        places = ("usr/local", python)  # its library may be looked for where it was built
        mounts += [f"mount --bind /{shlex.quote(python)} {shlex.quote(str(self.root / each))}" for each in places]
        if sealed:
            root = shlex.quote(str(self.root))
            mounts.insert(0, f"mount --bind {root} {root} && mount -o remount,bind,ro {root} && cd /")
            mounts += [f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp", "/usr/sbin/ip link set lo up"]
        variables = [f"{name}={value}" for name, value in {**self.variables, **(more or {})}.items()]
        inside = ["/usr/bin/env", "-i", f"--chdir={self.folder}", *variables, *command]
        enter = shlex.join(["exec", "/usr/sbin/chroot", f"--userspec={self.user}", str(self.root), *inside])
        apart = ["--mount", *(["--net"] if sealed else [])]
        return ["/usr/bin/unshare", *apart, "/bin/sh", "-c", " && ".join([*mounts, enter])]


def can_build() -> bool:
    """Whether this machine lets us make roots, and has a Python that can be put where the image's is."""
    apart = subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, check=False)
    return os.getuid() == 0 and apart.returncode == 0 and sys.base_prefix != "/usr"


def build(folder: Path) -> Stage:
    """The image: the last stage of the Dockerfile."""
    stages: dict[str, Stage] = {}
    arguments: dict[str, str] = {}
    stage = Stage(folder)
    for instruction, given in read_dockerfile():
        if instruction == "FROM":
            name = given.partition(" AS ")[2] or "last"
            stage = stages[name] = _new_stage(folder / name)
        elif instruction == "ARG":
            name, _, value = given.partition("=")
            arguments[name] = value
        else:
            _carry_out(stage, instruction, given, stages, arguments)
    return stage


def _new_stage(root: Path) -> Stage:
    for each in (*_MOUNTED, "tmp", "opt", "var/lib", sys.base_prefix.lstrip("/")):
        (root / each).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for each in _LINKS:
        (root / each).symlink_to(f"usr/{each}")
    for each in _ETC:
        if (Path("/etc") / each).exists():
            shutil.copy(Path("/etc") / each, root / "etc" / each)
    return Stage(root)


def _carry_out(stage: Stage, instruction: str, given: str, stages: dict[str, Stage], arguments: dict[str, str]) -> None:
    if instruction == "ENV":
        for pair in shlex.split(given):
            name, _, value = pair.partition("=")
            stage.variables[name] = Template(value).substitute(stage.variables)
    elif instruction == "RUN":
        way_out = {name: value for name, value in os.environ.items() if _WAY_OUT.fullmatch(name)}
        stage.run(["/bin/sh", "-ec", given], {**arguments, **way_out})
    elif instruction == "COPY":
        _copy(stage, given.split(), stages)
    elif instruction == "WORKDIR":
        stage.folder = given
        (stage.root / given.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif instruction == "USER":
        stage.user = given
    elif instruction in {"CMD", "HEALTHCHECK"}:
        setattr(stage, "command" if instruction == "CMD" else "check", words(given))
    else:
        assert instruction == "EXPOSE", f"nobody here can carry out {instruction}"


def _copy(stage: Stage, given: list[str], stages: dict[str, Stage]) -> None:
    source_root = ROOT
    if given[0].startswith("--from="):
        source_root = stages[given.pop(0).partition("=")[2]].root
    *sources, target = given
    place = stage.root / (target if target.startswith("/") else f"{stage.folder}/{target}").lstrip("/")
    for source in sources:
        path = source_root / source.lstrip("/")
        if path.is_dir():
            leave = shutil.ignore_patterns("__pycache__") if source_root == ROOT else None
            shutil.copytree(path, place, symlinks=True, ignore=leave, dirs_exist_ok=True)
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)

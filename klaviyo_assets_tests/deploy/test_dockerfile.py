"""The Dockerfile against hadolint, and against rules that hadolint does not know; its steps are in test_image.py."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from klaviyo_assets_tests.deploy.shipped import DEPLOY, ROOT, read_dockerfile

HADOLINT = shutil.which("hadolint") or str(Path(sys.executable).with_name("hadolint"))


def lint(text: str) -> str:
    """What hadolint has against it."""
    done = subprocess.run([HADOLINT, "-"], input=text, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def test_dockerfile_has_nothing_against_it() -> None:
    """Hadolint takes it, without a rule switched off, and would not take an image without a tag."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert lint(text) == ""
    assert "hadolint ignore" not in text
    assert "DL3006" in lint("FROM python\n")


def test_image_is_of_a_tag_that_means_one_python() -> None:
    """Both stages are of one image, whose tag says Python's minor version and Debian's release."""
    (base,) = [
        given for instruction, given in read_dockerfile() if instruction == "ARG" and given.startswith("PYTHON=")
    ]
    assert re.fullmatch(r"PYTHON=python:3\.\d+-slim-[a-z]+", base)
    froms = [given for instruction, given in read_dockerfile() if instruction == "FROM"]
    assert froms == ["${PYTHON} AS build", "${PYTHON}"]


def test_image_is_not_of_root() -> None:
    """The last user is a number other than root's, and nothing is added after it."""
    instructions = [instruction for instruction, _ in read_dockerfile()]
    (user,) = [given for instruction, given in read_dockerfile() if instruction == "USER"]
    assert int(user.partition(":")[0]) >= 10_000
    assert not {"RUN", "COPY", "ADD"} & set(instructions[instructions.index("USER") :])
    assert {"HEALTHCHECK", "CMD", "EXPOSE"} <= set(instructions)


@pytest.mark.parametrize("instruction", ["ARG", "ENV", "ADD"])
def test_no_layer_holds_a_secret(instruction: str) -> None:
    """No variable of the image is a secret, and nothing is fetched from elsewhere."""
    given = " ".join(given for each, given in read_dockerfile() if each == instruction)
    assert not re.search(r"KEY|TOKEN|SECRET|PASSWORD|https?:", given)
    assert instruction != "ADD" or not given


def test_only_what_is_named_gets_into_the_image() -> None:
    """Everything is left out of the build but what the Dockerfile copies; that is all there."""
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert "*" in ignored
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = [given.split()[:-1] for instruction, given in read_dockerfile() if instruction == "COPY"]
    assert let_in == {path for paths in copied if not paths[0].startswith("--") for path in paths}
    assert all((ROOT / path).exists() for path in let_in)

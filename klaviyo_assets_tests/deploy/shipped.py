"""The files in `deploy/`, read as those read them who use them: Compose fills variables in, Docker continues lines."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

ROOT: Final = Path(__file__).resolve().parents[2]
DEPLOY: Final = ROOT / "deploy"
FILLED_IN: Final = {"POSTGRES_PASSWORD": "s3cr3t-pässwörd", "KLAVIYO_API_KEY": "pk_of_nobody"}
"""What a person must write into `.env`."""

_VARIABLE: Final = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")
_INSTRUCTION: Final = re.compile(r"^([A-Z]+)\s+(.*)$", re.DOTALL)


class Unset(KeyError):
    """A variable that must be set is not."""


def read_yaml(name: str, folder: Path = DEPLOY) -> dict[str, Any]:
    """A file's document, as it is written."""
    document: dict[str, Any] = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    return document


def read_compose(environment: Mapping[str, str] = FILLED_IN) -> dict[str, Any]:
    """The services by name, with the variables filled in."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(_VARIABLE.sub(lambda found: _fill_in(found, environment), text))
    services: dict[str, Any] = document["services"]
    return services


def read_example() -> dict[str, str]:
    """The variables of `env.example` that must be filled in: those that are not commented out."""
    return dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / "env.example").read_text(encoding="utf-8"), re.MULTILINE))


def read_dockerfile() -> list[tuple[str, str]]:
    """The instructions and what they are given, in order; variables as they are written."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    found = (_INSTRUCTION.match(line) for line in lines.splitlines() if line.strip())
    return [(each[1], each[2]) for each in found if each is not None]


def words(given: str) -> list[str]:
    """What an instruction in JSON's form was given."""
    (listed,) = re.findall(r"\[.*\]", given, re.DOTALL)
    parsed: list[str] = json.loads(listed)
    return parsed


def _fill_in(found: re.Match[str], environment: Mapping[str, str]) -> str:
    name, how, otherwise = found.groups()
    if environment.get(name):
        return environment[name]
    if how == ":-":
        return str(otherwise)
    raise Unset(f"{name}: {otherwise}")

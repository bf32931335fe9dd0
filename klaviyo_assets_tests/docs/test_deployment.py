"""docs/deployment.md against the files in `deploy/`: variables, files, commands and health checks are those."""

from __future__ import annotations

import re

from klaviyo_assets_tests.deploy.shipped import DEPLOY, ROOT, read_compose, read_yaml
from klaviyo_assets_tests.docs.pages import code_of, section_of

PAGE = "deployment.md"


def commands() -> list[str]:
    """Every line that the page tells to type."""
    return [line for block in code_of(PAGE, "sh") for line in block.splitlines()]


def test_every_variable_is_documented() -> None:
    """The table has what compose.yaml fills in and env.example offers, and nothing else."""
    filled_in = re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    offered = re.findall(r"^#?([A-Z][A-Z_]+)=", (DEPLOY / "env.example").read_text(encoding="utf-8"), re.MULTILINE)
    rows = re.findall(r"^\| (`[A-Z].*?) \|", section_of(PAGE, "Docker Compose"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {*filled_in, *offered}


def test_commands_name_what_is_there() -> None:
    """Files that a command is given exist, and so do the services, the profile and the release's version."""
    services = read_compose()
    for line in commands():
        for path in re.findall(r"--file (\S+)|--values (\S+)", line):
            assert (ROOT / "".join(path)).is_file(), line
        for service in re.findall(r"(?:exec|run --rm) (\w+)", line):
            assert service in services, line
        for profile in re.findall(r"--profile (\w+)", line):
            assert any(profile in service.get("profiles", []) for service in services.values()), line
    (chart,) = re.findall(r"--version (\S+)", "\n".join(commands()))
    assert f"\ndagster=={chart}\n" in (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_secrets_are_those_of_the_values() -> None:
    """The secrets that the page has made are those that values.yaml names."""
    made = set(re.findall(r"kubectl create secret generic (\S+)", "\n".join(commands())))
    values = read_yaml("values.yaml")
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    assert made == {values["global"]["postgresqlSecretName"], *(each["name"] for each in deployment["envSecrets"])}


def test_health_checks_are_those_of_compose() -> None:
    """What the page says of each part's check is what compose.yaml asks."""
    rows = re.findall(r"^\| [^|]+ \| `([^`]+)`", section_of(PAGE, "Health"), re.MULTILINE)
    asked = " ".join(word for each in read_compose().values() for word in each["healthcheck"].get("test", []))
    assert len(rows) == 4
    assert all(row.removeprefix("GET ") in asked for row in rows)

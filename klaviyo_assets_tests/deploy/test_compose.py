"""compose.yaml against the specification's schema, and against the rules that no schema knows."""

from __future__ import annotations

import importlib.resources
import json
import re
from typing import Final

import jsonschema  # type: ignore[import-untyped]
import pytest

from klaviyo_assets_tests.deploy.shipped import (
    DEPLOY,
    FILLED_IN,
    ROOT,
    Unset,
    read_compose,
    read_dockerfile,
    read_example,
    read_yaml,
    words,
)

PARTS: Final = ("code", "web", "daemon")
NOT_SECRET: Final = {"KLAVIYO_ASSETS_STORAGE", "KLAVIYO_API_URL", "AWS_REGION"}
SECRET: Final = re.compile(r"PASSWORD|KEY|TOKEN|SECRET")


def test_compose_file_follows_the_specification() -> None:
    """The schema of the Compose Specification takes the file, and would not take a key that it does not know."""
    schemas = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    judge = jsonschema.Draft202012Validator(json.loads(schemas.read_text(encoding="utf-8")))
    document = read_yaml("compose.yaml")
    judge.validate(document)
    document["services"]["code"]["health_check"] = {}
    assert not judge.is_valid(document)


@pytest.mark.parametrize("name", sorted(read_example()))
def test_what_must_be_filled_in_is_asked_for(name: str) -> None:
    """The example is taken only when it is filled in; its secrets are empty."""
    assert read_example()[name] == ""
    if name == "POSTGRES_PASSWORD":
        with pytest.raises(Unset, match=r"env\.example"):
            read_compose({**FILLED_IN, name: ""})


def test_no_file_holds_a_secret() -> None:
    """Where a variable is a secret, its value is one that is filled in from outside; the example's are empty."""
    environments = [service.get("environment", {}) for service in read_yaml("compose.yaml")["services"].values()]
    secrets = {name: value for each in environments for name, value in each.items() if SECRET.search(name)}
    assert secrets, "there is a database with a password"
    assert all(value.startswith("${") and ":-" not in value for value in secrets.values())


def test_keys_reach_the_code_location_alone() -> None:
    """The web page and the daemon are given the database, and neither the file with the keys nor the storage."""
    services = read_compose()
    assert [name for name, each in services.items() if "env_file" in each] == ["code"]
    for name in ("web", "daemon"):
        assert all(each.startswith(("DAGSTER_", "CODE_")) for each in services[name]["environment"])


@pytest.mark.parametrize("name", [*PARTS, "postgres"])
def test_every_part_is_watched_and_comes_back(name: str) -> None:
    """Each has a health check that is given time, is started again when it ends, and waits for what it needs."""
    services = read_compose()
    part = services[name]
    assert part["restart"] == "unless-stopped"
    assert {"test", "interval", "timeout", "retries"} <= set(part["healthcheck"])
    awaited = part.get("depends_on", {})
    assert all(how == {"condition": "service_healthy"} for how in awaited.values())
    assert set(awaited) == {"postgres": set(), "code": {"postgres"}}.get(name, {"postgres", "code"})


@pytest.mark.parametrize("name", [*PARTS, "klaviyo", "samples"])
def test_every_part_may_do_little(name: str) -> None:
    """Nobody writes outside of the volumes, gains rights, or is given Docker's socket."""
    part = read_compose()[name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert not any("docker.sock" in str(volume) for volume in part.get("volumes", []))


def test_nothing_is_open_to_the_network() -> None:
    """What has no login is published on this machine alone, and the database not at all."""
    published = [str(port) for service in read_compose().values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert "ports" not in read_compose()["postgres"]


def test_what_is_mounted_and_built_is_there() -> None:
    """Files that are mounted are shipped, volumes are declared, and the image is built from the shipped Dockerfile."""
    document = read_yaml("compose.yaml")
    for service in document["services"].values():
        for source in (str(volume).split(":")[0] for volume in service.get("volumes", [])):
            assert source in document["volumes"] or (DEPLOY / source).is_file()
    build = document["services"]["code"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    assert (DEPLOY / build["context"]).resolve() == ROOT


def test_image_and_compose_start_the_same_code_location() -> None:
    """The command of the image is that of the service, and so is its health check."""
    given = {instruction: given for instruction, given in read_dockerfile() if instruction in {"CMD", "HEALTHCHECK"}}
    code = read_compose()["code"]
    assert " ".join(words(given["CMD"])) == " ".join(code["command"]).replace("=", " ")
    assert words(given["HEALTHCHECK"]) == code["healthcheck"]["test"][1:]

"""What the Dockerfile's steps make, carried out from nothing: it serves, as nobody, from a root it cannot write."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from klaviyo_assets_tests.deploy.image import Stage, build, can_build
from klaviyo_assets_tests.deploy.shipped import ROOT

PATIENCE_S: Final = 120.0
USER: Final = "10001"

pytestmark = pytest.mark.skipif(not can_build(), reason="needs root, and a Python outside of /usr")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The image, built."""
    return build(tmp_path_factory.mktemp("image"))


@pytest.fixture
def server(image: Stage, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The image's command, running."""
    with (tmp_path / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            image.words(image.command, sealed=True),
            env={},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0, (tmp_path / "output.txt").read_text()


def is_healthy(image: Stage, process: subprocess.Popen[bytes]) -> bool:
    """What the image's health check says, asked where its command runs, by its user."""
    inside = ["/usr/bin/env", "-i", f"PATH={image.variables['PATH']}", *image.check]
    target = ["nsenter", "--target", str(process.pid), "--mount", "--net", "--root"]
    asked = subprocess.run([*target, "--setuid", USER, "--setgid", USER, *inside], capture_output=True, check=False)
    return asked.returncode == 0


def test_code_server_answers_its_health_check(image: Stage, server: subprocess.Popen[bytes]) -> None:
    """The command serves without a network and as a user who is not root, and the health check sees it."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_healthy(image, server):
        assert server.poll() is None, "the code server ended"
        assert time.monotonic() < deadline, "the code server does not answer"
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{server.pid}/status").read_text().splitlines())
    assert set(status["Uid"].split()) == {USER}


def test_image_has_what_was_tested_and_nothing_else(image: Stage) -> None:
    """Versions are those of constraints.txt, what Dagster's instances name is there, and tools of the tests are not."""
    installed = set(image.run(["pip", "freeze", "--exclude-editable"]).splitlines())
    tested = set((ROOT / "constraints.txt").read_text().splitlines())
    normal = {line.lower().replace("_", "-") for line in tested}
    assert {line.lower().replace("_", "-") for line in installed} <= normal
    assert {line.partition("==")[0] for line in installed} >= {"dagster-postgres", "dagster-k8s", "s3fs"}
    assert not {line.partition("==")[0] for line in installed} & {"pytest", "moto", "mypy", "ruff"}
    image.run(["python", "-c", "import psycopg2, dagster_k8s, klaviyo_assets.orchestration.run_launcher"])


def test_image_is_a_project_of_its_own(image: Stage) -> None:
    """Commands find the declarations, the samples can be written, and nothing of the checkout is there but these."""
    assert "0 mistakes in 5 declarations" in image.run(["klaviyo-assets", "check"])
    image.run(["python", "-m", "demo.customers", "first"])
    assert {path.name for path in (image.root / "app").iterdir()} == {
        "constraints.txt",
        "demo",
        "klaviyo_assets",
        "pyproject.toml",
    }


def test_user_writes_into_volumes_alone(image: Stage) -> None:
    """What the user may write are the folders that compose.yaml mounts volumes at, and /tmp."""
    found = image.run(
        ["find", "/app", "/opt", "/var", "-writable", "-not", "-type", "l", "-not", "-path", "/app/demo/data/*"]
    )
    assert set(found.split()) == {"/var/lib/klaviyo_assets", "/app/demo/data"}

"""The command line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from klaviyo_assets.sandbox.command import sandbox
from klaviyo_assets_tests.sandbox.bodies import LISTS
from klaviyo_assets_tests.sandbox.judge import Judge, client_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_runs_until_it_is_told_to_stop(number: signal.Signals) -> None:
    """It says where it is and how to use it, takes requests, and ends well at Ctrl+C and at TERM."""
    command = [sys.executable, "-m", "klaviyo_assets.sandbox", "--port", "0", "--limits", "off"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        told = dict(re.findall(r"export (\w+)=(\S+)", "".join(lines)))
        with client_of(told["KLAVIYO_API_URL"], told["KLAVIYO_API_KEY"], judge=Judge()) as client:
            answer = client.get(LISTS)
        process.send_signal(number)
        _, complaints = process.communicate(timeout=10)

    assert answer.headers["ratelimit-limit"].startswith("1000000")
    assert (process.returncode, complaints) == (0, "")


def test_every_setting_has_an_option() -> None:
    """The help names them all."""
    told = CliRunner().invoke(sandbox, ["--help"]).output

    for option in ("--port", "--host", "--limits", "--speed", "--job-duration", "--count-lag", "--throttled-count"):
        assert option in told
    for option in ("--revision-optional", "--rejoin-moves-date", "--duplicate-winner", "--seed"):
        assert option in told


def test_a_setting_that_there_is_not_is_told() -> None:
    """A negative speed is refused in one line."""
    result = CliRunner().invoke(sandbox, ["--speed", "-1"])

    assert result.exit_code == 2
    assert "settings.speed: found -1.0, expected 0 or more." in result.output

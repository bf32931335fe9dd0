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

from klaviyo_assets.sandbox import Settings
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
    """Each that a person may want to change at the start; the time is the machine's."""
    settings = {name.removesuffix("_s") for name in Settings().as_json()} - {"starts_at"}
    options = {parameter.opts[0].removeprefix("--").replace("-", "_") for parameter in sandbox.params}
    named_otherwise = {"revision_required": "revision_optional", "rejoin_keeps_first": "rejoin_moves_date"}

    assert options == {named_otherwise.get(name, name) for name in settings} | {"port", "host"}


def test_options_are_those_of_the_settings() -> None:
    """What can be chosen, and what is chosen where nothing is, is what the settings say."""
    chosen = sandbox.make_context("sandbox", []).params
    changed = sandbox.make_context("sandbox", ["--body-limit", "5242880", "--unknown-member", "ignore"]).params

    assert {name: chosen[name] for name in chosen.keys() & Settings().as_json()}.items() <= Settings().as_json().items()
    assert (changed["body_limit"], changed["unknown_member"]) == (5_242_880, "ignore")


def test_a_setting_that_there_is_not_is_told() -> None:
    """A negative speed is refused in one line."""
    result = CliRunner().invoke(sandbox, ["--speed", "-1"])

    assert result.exit_code == 2
    assert "settings.speed: found -1.0, expected 0 or more." in result.output

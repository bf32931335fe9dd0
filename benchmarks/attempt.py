"""One contender in all cases, with a folder, a process and a local Klaviyo of its own."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.cases import Case, member_count
from benchmarks.contenders import Contender
from benchmarks.customers import write_customers
from benchmarks.environments import ROOT
from benchmarks.local_klaviyo import KEY, LocalKlaviyo, local_klaviyo
from benchmarks.measure import Figures, ProgramFailed, measure
from benchmarks.results import Measured, NotMeasured, Outcome

_KEPT: Final = ("PATH", "LANG", "TMPDIR")
_SANDBOX: Final = {"real": (), "off": ("--limits", "off", "--job-duration", "0.05")}
_NOBODY: Final = "http://127.0.0.1:9"


@dataclass(frozen=True)
class _Attempt:
    contender: Contender
    command: tuple[str, ...]
    count: int
    folder: Path
    klaviyo: LocalKlaviyo
    environment: Mapping[str, str]

    def outcome(self, case: Case) -> Outcome:
        """What comes of the case, which must be the one after that of the last call."""
        if case in self.contender.cannot:
            return NotMeasured(self.contender.cannot[case])
        if case in self.contender.nothing_to_do:
            return NotMeasured("nothing to do")
        write_customers(self.folder / "customers.parquet", self.count, case)
        try:
            return self._measure(case)
        except ProgramFailed as failure:
            print(f"{self.contender.name} failed:\n{failure}", file=sys.stderr)
            return NotMeasured("failed", has_failed=True)

    def _measure(self, case: Case) -> Measured:
        if case in self.contender.prepares:
            measure([*self.command, "prepare", case], environment=self.environment)
        self.klaviyo.begin()
        took = self._own_time(measure([*self.command, case], environment=self.environment))
        traffic = self.klaviyo.traffic()
        astray = self.klaviyo.member_count() - member_count(case, self.count)
        return Measured(took, traffic.requests, traffic.throttled_count, astray)

    def _own_time(self, took: Figures) -> Figures:
        """The figures, with the time that the program itself tells, if it does."""
        told = self.folder / "wall_s"
        return Figures(float(told.read_text()), took.cpu_s, took.peak_mb) if told.exists() else took


def attempt(
    contender: Contender, python: str, count: int, *, limits: str, cases: Sequence[Case] = tuple(Case)
) -> dict[Case, Outcome]:
    """The outcomes of a contender with so many customers; after a case that failed none is tried.

    Args:
        contender: who.
        python: the interpreter that its program runs with.
        count: how many customers.
        limits: of the local Klaviyo: real; or off, and then its bulk jobs end at once.
        cases: the first so many; the others are not tried.
    """
    outcomes: dict[Case, Outcome] = {}
    with tempfile.TemporaryDirectory() as name, local_klaviyo(*_SANDBOX[limits]) as url:
        folder, klaviyo = Path(name), LocalKlaviyo(url)
        environment = environment_in(folder, url=url, list_id=klaviyo.list_id, count=count, limits=limits)
        tried = _Attempt(contender, program(contender, python), count, folder, klaviyo, environment)
        for case in cases:
            outcomes[case] = outcome = tried.outcome(case)
            if isinstance(outcome, NotMeasured) and outcome.has_failed:
                break
    return {case: outcomes.get(case, NotMeasured("not tried, as a case before failed")) for case in cases}


def program(contender: Contender, python: str) -> tuple[str, ...]:
    """The command of a contender, without what it is asked."""
    return python, "-m", f"benchmarks.contenders.{contender.name}"


def environment_in(
    folder: Path, *, url: str = _NOBODY, list_id: str = "", count: int = 0, limits: str = "real"
) -> dict[str, str]:
    """The environment of a contender's program: nothing of this machine's but the path, and its own folder as home."""
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1",
        "BENCH_FOLDER": str(folder),
        "BENCH_COUNT": str(count),
        "BENCH_LIST_ID": list_id,
        "BENCH_LIMITS": limits,
        "KLAVIYO_API_URL": url,
        "KLAVIYO_API_KEY": KEY,
        "KLAVIYO_ASSETS_STORAGE": str(folder / "storage"),
        "DAGSTER_HOME": str(folder),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }

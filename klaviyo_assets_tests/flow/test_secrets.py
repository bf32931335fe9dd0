"""Whatever happens to real runs: no key and nobody's address in what Dagster keeps, prints or logs, nor in a name.

Dagster is told to keep every line that any library logs, and the machine to let everybody read what is written.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from klaviyo_assets.sandbox import AlterAnswer, AnswerWith, CutBody, Effect, FailRows, RunningSandbox, Settings, serve
from klaviyo_assets_tests.flow.kept import find_kept, find_names, find_readable, find_stored
from klaviyo_assets_tests.flow.listening import listen
from klaviyo_assets_tests.orchestration.projects import Project, export, failure_of, segment

KEY = "pk_zyzzyvasecretzyzzyvasecretzyzzyva"
MARKERS = ("zyzzyva", "zzphone", "37129990000")
PEOPLE = [f"zyzzyva{number}@example.com" for number in range(12)]
COLUMNS: dict[str, Any] = {
    "Name": [f"zyzzyva name {number}" for number in range(13)],
    "Phone": ["+37129990000", "zzphone", *[None] * 11],
}
KEEP_ALL = "telemetry: {enabled: false}\npython_logs: {managed_python_loggers: [root], python_log_level: DEBUG}\n"
QUOTE = {"code": "invalid", "title": f"{PEOPLE[0]}?", "detail": f"{PEOPLE[0]} zyzzyva name", "source": {}}
IMPORT: dict[str, Any] = {"method": "POST", "path": "/api/profile-bulk-import-jobs"}
LOOK_UP: dict[str, Any] = {"method": "GET", "path": r"^/api/lists/[^/]+/profiles$"}
CLEAR: dict[str, Any] = {"method": "POST", "path": "/api/profile-import"}


@dataclass
class Stage:
    """A project that exports marked people with a marked key."""

    project: Project
    home: Path
    sandbox: RunningSandbox
    monkeypatch: pytest.MonkeyPatch

    @property
    def storage(self) -> Path:
        """Where the project stores."""
        return self.project.root / "storage"

    def declare(self, **changes: Any) -> None:
        """Export all columns of the segment, and remove leavers."""
        fields = {"first_name": "Name", "phone_number": "Phone", "properties": "*"}
        facts = {"fields": fields, "leavers": "remove", "limits": {"max_removed_share": 1}, "allow_flows": True}
        self.project.exports = [export(**{**facts, **changes})]

    def run(self, **config: bool) -> dg.ExecuteInProcessResult:
        """One run of the export's job."""
        return self.project.run_job(config=config)

    def read_segment(self, people: list[str] = PEOPLE, **columns: Any) -> None:
        """Write these people, and one who cannot be sent, and read the segment."""
        self.project.write_source([*people, "zyzzyva without at"], **{**COLUMNS, **columns})
        assert self.project.materialize("segments/vip").success

    def fault(self, *effects: Effect, times: int = 1, **where: Any) -> None:
        """Order it."""
        self.sandbox.order_fault(*effects, times=times, **where)

    def change_people(self) -> None:
        """Two leave, two come, and one has no name any more."""
        people = [*PEOPLE[2:], "zyzzyva20@example.com", "zyzzyva21@example.com"]
        self.read_segment(people, Name=[None, *COLUMNS["Name"][1:]], Phone=[None] * 13)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dagster's, which keeps every line that any library logs."""
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text(KEEP_ALL)
    return home


@pytest.fixture(scope="module")
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """One for all tests of this page; each finds it empty."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[RunningSandbox]:
    """One for all tests of this page; each finds it empty."""
    with serve(Settings(limits="off", job_duration_s=0.05)) as sandbox:
        yield sandbox


@pytest.fixture
def stage(
    tmp_path: Path,
    home: Path,
    instance: dg.DagsterInstance,
    running_sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Stage]:
    """The segment is read, and nothing is delivered yet."""
    caplog.set_level(logging.DEBUG)
    running_sandbox.reset()
    running_sandbox.add_account(KEY, account_id="Marked")
    monkeypatch.setenv("KLAVIYO_API_URL", running_sandbox.url)
    monkeypatch.setenv("KLAVIYO_API_KEY", KEY)
    mask = os.umask(0)
    stage = Stage(Project(tmp_path, instance), home, running_sandbox, monkeypatch)
    stage.declare()
    stage.read_segment()
    yield stage
    os.umask(mask)
    instance.wipe()


def delivered(stage: Stage) -> None:
    """All goes well: people come, change, lose a field and leave; in the end the key's account is another one."""
    assert stage.run(dry_run=True).success
    assert stage.run().success
    stage.change_people()
    assert stage.run(reconcile=True).success
    sent = {request.method + request.path.partition("?")[0] for request in stage.sandbox.requests()}
    assert {"POST/api/profile-import", "POST/api/profile-bulk-import-jobs"} <= sent
    stage.monkeypatch.setenv("KLAVIYO_API_KEY", stage.sandbox.key)


def rows_refused(stage: Stage) -> None:
    """Klaviyo refuses rows, and repeats them."""
    stage.fault(FailRows(emails=tuple(PEOPLE[:3]), detail=f"{PEOPLE[0]} is wrong"), **IMPORT)
    assert stage.run().success


def answers(*effects: Effect, times: int = 1, **where: Any) -> Callable[[Stage], None]:
    """A second delivery, in which Klaviyo does this."""

    def trouble(stage: Stage) -> None:
        assert stage.run().success
        stage.change_people()
        stage.fault(*effects, times=times, **where)

    return trouble


def bad_key(key: str) -> Callable[[Stage], None]:
    """The environment holds another key."""
    return lambda stage: stage.monkeypatch.setenv("KLAVIYO_API_KEY", key)


def bad_address(address: str) -> Callable[[Stage], None]:
    """The environment holds another address; PORT stands for the sandbox's."""

    def trouble(stage: Stage) -> None:
        port = stage.sandbox.url.rpartition(":")[2]
        stage.monkeypatch.setenv("KLAVIYO_API_URL", address.replace("PORT", port))

    return trouble


def declared(**changes: Any) -> Callable[[Stage], None]:
    """The export says something else."""
    return lambda stage: stage.declare(**changes)


def damaged(pattern: str) -> Callable[[Stage], None]:
    """After a delivery, files of the storage hold lines about people instead of what they held."""

    def trouble(stage: Stage) -> None:
        assert stage.run().success
        files = [path for path in stage.storage.glob(pattern) if path.is_file()]
        assert files
        for path in files:
            path.write_text(f'{{"email": "{PEOPLE[0]}"}}\n')

    return trouble


def unreadable(kind: str, content: bytes) -> Callable[[Stage], None]:
    """The segment's source is not what was declared, and holds people."""

    def trouble(stage: Stage) -> None:
        (stage.project.root / "other").write_bytes(content)
        stage.project.segments = [segment(source={"type": kind, "path": "other"})]
        assert not stage.project.materialize("segments/vip").success
        stage.declare(match={"email": "Absent"})

    return trouble


LINE = f"{PEOPLE[0]},zyzzyva name,zzphone"
TROUBLES: dict[str, tuple[Callable[[Stage], None], str | None]] = {
    "delivered, then another account": (delivered, "OtherAccount|account"),
    "rows refused": (rows_refused, None),
    "all refused": (answers(AnswerWith(400, errors=(QUOTE,)), times=50, **IMPORT), None),
    "clear refused": (answers(AnswerWith(400, errors=(QUOTE,)), times=50, **CLEAR), None),
    "key revoked": (answers(AnswerWith(401, errors=(QUOTE,)), **IMPORT), "does not accept the private key"),
    "scope missing": (answers(AnswerWith(403, errors=(QUOTE,)), **LOOK_UP), "lacks a scope"),
    "page of a proxy": (answers(AnswerWith(403, html=True), **LOOK_UP), "something between here and Klaviyo"),
    "throttled for long": (answers(AnswerWith(429, retry_after="99999"), **IMPORT), "asks to wait 99999 s"),
    "answer cut": (answers(CutBody(), **IMPORT), None),
    "people unreadable": (answers(AlterAnswer({"/data": [PEOPLE[0]]}), **LOOK_UP), "page of people"),
    "no such list": (declared(list_name=None, list_id="NOPE01"), "has no list NOPE01"),
    "too many": (declared(limits={"max_profiles": 2}), "size_limit"),
    "mapped column missing": (declared(match={"email": "Absent"}), "Absent"),
    "unknown key": (bad_key("pk_zyzzyvaunknown"), "does not accept the private key"),
    "key and line break": (bad_key(f"{KEY}\n"), "holds a space, a line break"),
    "key no header can hold": (bad_key(f"{KEY}…"), "holds a space, a line break"),
    "address with a password": (bad_address("http://zyzzyva:zyzzyva@127.0.0.1:PORT"), "has a user name"),
    "address with a query": (bad_address("http://127.0.0.1:PORT/?zyzzyva"), "has a user name"),
    "address with a path": (bad_address("http://127.0.0.1:PORT/gateway"), "404"),
    "address of another host": (bad_address("http://example.com"), "neither https nor this machine"),
    "no address": (bad_address("https://[zyzzyva"), "holds no address"),
    "address without port": (bad_address("https://127.0.0.1:zyzzyva"), "holds no address"),
    "ledger's log damaged": (damaged("ledgers/vip/**/_delta_log/*.json"), "ledger"),
    "ledger's receipts damaged": (damaged("ledgers/vip/**/*.parquet"), "ledger"),
    "stored profiles damaged": (damaged("klaviyo/vip/profiles.parquet"), None),
    "source no Parquet": (unreadable("parquet", LINE.encode()), ""),
    "source no JSON": (unreadable("ndjson", f'{{"EMail": "{PEOPLE[0]}\n{LINE}'.encode()), ""),
    "source not UTF-8": (unreadable("csv", b"EMail,Name\n" + LINE.encode() + b"\xff\n\xfe"), ""),
}


@pytest.mark.parametrize(("trouble", "sentence"), TROUBLES.values(), ids=TROUBLES)
def test_nothing_is_told(
    stage: Stage,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    trouble: Callable[[Stage], None],
    sentence: str | None,
) -> None:
    """A run that succeeds or fails tells no value of a customer and no key, and stores for its owner's eyes only."""
    trouble(stage)
    result = stage.run()
    assert result.success == (sentence is None)
    if sentence:
        assert any(each in failure_of(result) for each in sentence.split("|"))
    assert all(fault.met_count for fault in stage.sandbox.state.faults.all())
    told = [*capfd.readouterr(), caplog.text]
    assert "klaviyo__vip" in told[1]
    for each in told:
        assert not [line for line in each.splitlines() if any(marker in line for marker in MARKERS)]
    assert find_kept(MARKERS, stage.home) == set()
    assert find_names(MARKERS, stage.project.root) == set()
    assert find_stored(KEY, stage.storage) == set()
    assert find_readable(stage.storage) == set()
    assert not [request.path for request in stage.sandbox.requests() if KEY in request.path]


def test_key_stays_with_klaviyo(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a redirect nor a proxy takes the key, or anything else, to another address."""
    with listen() as other, listen(send_to=other.url) as redirecting:
        monkeypatch.setenv("KLAVIYO_API_URL", redirecting.url)
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, other.url)
        result = stage.run()
    assert "was answered with 307" in failure_of(result)
    assert [KEY in request for request in redirecting.requests] == [True]
    assert KEY not in redirecting.requests[0].partition("\n")[0]
    assert other.requests == []


def test_key_goes_to_no_other_host(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a proxy stands before Klaviyo, it is asked for a tunnel, and sees no key."""
    with listen() as proxy:
        monkeypatch.setenv("KLAVIYO_API_URL", "https://klaviyo.invalid")
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        stage.declare(limits={"deadline_minutes": 0.01})
        assert not stage.run().success
    assert {request.partition(" HTTP")[0] for request in proxy.requests} == {"CONNECT klaviyo.invalid:443"}
    assert KEY not in "".join(proxy.requests)


def test_search_finds(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    """What these tests search shows a marker wherever Dagster may keep one."""

    @dg.asset(description="zyzzyva", metadata={"what": "zyzzyva"})
    def leaking() -> dg.MaterializeResult[None]:
        logging.getLogger("somebody").debug("zyzzyva")
        raise dg.Failure("zyzzyva", metadata={"who": "zyzzyva"})

    (stage.storage / "zyzzyva").mkdir()
    (stage.storage / "zyzzyva" / "key").write_text(KEY)
    stage.project.others = [dg.Definitions(assets=[leaking])]
    result = stage.project.materialize("leaking")
    assert not result.success
    stage.project.instance.add_run_tags(result.run_id, {"who": "zyzzyva"})
    found = find_kept(MARKERS, stage.home)
    assert {"snapshots.snapshot_body", "event_logs.event", "run_tags.value"} <= found
    assert find_names(MARKERS, stage.storage) == {"zyzzyva"}
    assert find_stored(KEY, stage.storage) == {"key"}
    assert {"zyzzyva", "zyzzyva/key"} <= find_readable(stage.storage)
    assert "zyzzyva" in capfd.readouterr().err

"""Two runs at once, in processes that share nothing but the storage and Dagster's home: the account's lease."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from klaviyo_assets.ledger import DeltaLedger, fold, fold_open_bodies
from klaviyo_assets.sandbox import RunningSandbox, Settings, serve
from klaviyo_assets.sandbox.account.bulk_jobs import BulkJob
from klaviyo_assets_tests.flow.setting import open_project, prepared, wait_until
from klaviyo_assets_tests.orchestration.projects import export, metadata_of

PEOPLE = [f"p{number}@example.com" for number in range(10_500)]
BODY_COUNT = 2  # into which they are cut
VIP: dict[str, Any] = {"name": "vip", "leavers": "remove"}
OTHER: dict[str, Any] = {"name": "other", "leavers": "remove"}
SOON = {"limits": {"deadline_minutes": 0.05}}
NOTHING_NEW = {"added": 0, "updated": 0, "removed": 0, "refused": 0, "pending": 0, "unchanged": len(PEOPLE)}


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """A Klaviyo whose clock stands still, so that no bulk job ends before the test says so."""
    with serve(Settings(limits="off", job_duration_s=1, speed=0)) as sandbox:
        yield sandbox


@pytest.fixture
def root(tmp_path: Path, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which the segment was read."""
    monkeypatch.setenv("KLAVIYO_API_URL", sandbox.url)
    monkeypatch.setenv("KLAVIYO_API_KEY", sandbox.key)
    with open_project(tmp_path) as project:
        project.refresh(emails=PEOPLE)
    return tmp_path


def bulk_jobs(sandbox: RunningSandbox) -> list[BulkJob]:
    """Those of the account, oldest first."""
    return sandbox.state.accounts[sandbox.account_id].bulk_jobs()


def has_all_bodies(sandbox: RunningSandbox) -> bool:
    """Whether one delivery has handed over all that it has."""
    return len(bulk_jobs(sandbox)) == BODY_COUNT


def let_it_work(sandbox: RunningSandbox) -> None:
    """From now on the clock goes."""
    sandbox.change(speed=1)


def list_ids(sandbox: RunningSandbox) -> dict[str, str]:
    """The account's lists, by name; no two have one name."""
    found = [(each["name"], each["id"]) for each in sandbox.state.lists(sandbox.account_id)]
    assert len(dict(found)) == len(found)
    return dict(found)


def check_truth(root: Path, sandbox: RunningSandbox, name: str) -> None:
    """The list is the segment, and the ledger knows it, whole, with nothing open."""
    list_id = list_ids(sandbox)[f"List {name}"]
    assert sorted(member["email"] for member in sandbox.members(list_id)) == sorted(PEOPLE)
    (log,) = (root / "storage" / "ledgers" / name).glob(f"*/{list_id}/_delta_log")
    receipts = DeltaLedger(UPath(log.parent)).read_receipts()
    people = fold(receipts).collect()
    assert sorted(people.filter("ours")["email"]) == sorted(PEOPLE)
    assert not people["open"].any()
    assert fold_open_bodies(receipts).collect().is_empty()


def check_once_more(root: Path, sandbox: RunningSandbox, declared: dict[str, Any]) -> None:
    """One more run finds nothing to do, and leaves all as it is."""
    bodies, name = bulk_jobs(sandbox), declared["name"]
    with open_project(root) as project:
        project.exports = [export(**declared)]
        numbers = metadata_of(project.run_job(f"export_{name}", export=name), f"klaviyo/{name}/list")
    assert NOTHING_NEW.items() <= numbers.items()
    assert bulk_jobs(sandbox) == bodies
    check_truth(root, sandbox, name)


def test_two_exports_of_one_account(root: Path, sandbox: RunningSandbox) -> None:
    """The second waits until the first is over, says so, and then delivers; their bulk jobs never meet."""
    with prepared(root, sandbox, VIP, OTHER) as processes:
        for each in processes:
            each.tell()
        wait_until(lambda: any(each.waits_for_another() for each in processes), processes)
        let_it_work(sandbox)
        outcomes = [each.outcome() for each in processes]
        assert sum(each.waits_for_another() for each in processes) == 1
    assert [each.numbers.get("added") for each in outcomes] == [len(PEOPLE)] * 2, outcomes
    jobs = bulk_jobs(sandbox)
    first, second = jobs[:BODY_COUNT], jobs[BODY_COUNT:]
    assert [len({job.list_ids for job in each}) for each in (first, second)] == [1, 1]
    assert max(job.course.completes_at for job in first) <= min(job.created_at for job in second)
    for declared in (VIP, OTHER):
        check_once_more(root, sandbox, declared)


def test_two_runs_of_one_export(root: Path, sandbox: RunningSandbox) -> None:
    """The second waits, and finds nothing left to do: nobody is submitted twice, and the list is made once."""
    with prepared(root, sandbox, VIP, VIP) as processes:
        for each in processes:
            each.tell()
        wait_until(lambda: any(each.waits_for_another() for each in processes), processes)
        let_it_work(sandbox)
        outcomes = [each.outcome() for each in processes]
    assert sorted(each.numbers.get("added", -1) for each in outcomes) == [0, len(PEOPLE)], outcomes
    assert sorted(each.numbers["unchanged"] for each in outcomes) == [0, len(PEOPLE)]
    assert sum(job.total_count for job in bulk_jobs(sandbox)) == len(PEOPLE)
    check_once_more(root, sandbox, VIP)


def test_who_waited_too_long(root: Path, sandbox: RunningSandbox) -> None:
    """Past its deadline, who waits is refused in a sentence that names the run and the remedy; the other goes on."""
    with prepared(root, sandbox, VIP, {**OTHER, **SOON}) as (first, second):
        first.tell()
        wait_until(lambda: has_all_bodies(sandbox), [first])
        second.tell()
        failure = second.outcome().failure or ""
        let_it_work(sandbox)
        assert first.outcome().numbers["added"] == len(PEOPLE)
    holder = run_ids(root, "export_vip")
    assert failure.startswith(f"Run {holder[0]} delivers to account {sandbox.account_id} since ")
    assert failure.endswith("and sent nothing; run it again once the other one is over.")
    assert "\n" not in failure
    assert list(list_ids(sandbox)) == ["List vip"]
    check_truth(root, sandbox, "vip")


def run_ids(root: Path, job: str) -> list[str]:
    """The runs of a job, newest first."""
    with open_project(root) as project:
        return [run.run_id for run in project.instance.get_runs() if run.job_name == job]


def kill_while_it_delivers(root: Path, sandbox: RunningSandbox) -> Path:
    """A run that has submitted all its bodies is killed, while it has the lease; the lease's file."""
    with prepared(root, sandbox, VIP) as (holder,):
        holder.tell()
        wait_until(lambda: has_all_bodies(sandbox), [holder])
        holder.kill()
    (lease,) = (root / "storage" / "leases" / sandbox.account_id).glob("*.json")
    assert json.loads(lease.read_text())["until"] > time.time()
    return lease


def test_killed_holder_on_this_machine(root: Path, sandbox: RunningSandbox) -> None:
    """The next delivery does not wait for the lease of a process that is gone, and sends nobody again."""
    kill_while_it_delivers(root, sandbox)
    let_it_work(sandbox)
    with prepared(root, sandbox, VIP) as (process,):
        process.tell()
        numbers = process.outcome().numbers
        assert not process.waits_for_another()
    assert numbers["members"] == len(PEOPLE)
    assert has_all_bodies(sandbox)
    check_once_more(root, sandbox, VIP)


def lend_to_another_machine(lease: Path, *, until: float) -> None:
    """Let the lease be of a process that nobody here can look at."""
    holder = json.loads(lease.read_text())
    lease.write_text(json.dumps({**holder, "place": "another machine", "until": until}))


def sent_since(sandbox: RunningSandbox) -> list[str]:
    """Requests that may change something, since the log was cleared."""
    return [each.path for each in sandbox.requests() if each.method != "GET"]


def test_holder_on_another_machine(root: Path, sandbox: RunningSandbox) -> None:
    """What cannot be looked at may still go on: it is waited for, up to the deadline, and nothing is sent meanwhile."""
    lease = kill_while_it_delivers(root, sandbox)
    let_it_work(sandbox)
    sandbox.clear_requests()
    lend_to_another_machine(lease, until=time.time() + 3_600)
    with prepared(root, sandbox, {**VIP, **SOON}, VIP) as (impatient, patient):
        impatient.tell()
        assert "run it again once the other one is over" in (impatient.outcome().failure or "")
        patient.tell()
        wait_until(patient.waits_for_another, [patient])
        assert not sent_since(sandbox)
        lend_to_another_machine(lease, until=time.time() - 3_600)
        assert patient.outcome().numbers["members"] == len(PEOPLE)
    check_once_more(root, sandbox, VIP)

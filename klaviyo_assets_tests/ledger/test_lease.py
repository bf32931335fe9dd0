"""Who has the lease of an account, and until when."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest
from upath import UPath

from klaviyo_assets.errors import LeaseLost, LedgerError
from klaviyo_assets.ledger import Holder, Lease
from klaviyo_assets.ledger.lease import CLOCK_SKEW_S, LASTS_S, RENEWED_AFTER_S, _is_there

# Processes that try for the lease at the same moment, say whether they have it, and live until they are told to end.
CONTEST = """
import os, sys
from upath import UPath
from klaviyo_assets.ledger.lease import Lease

gate, opener = os.pipe()
for number in range(int(sys.argv[2])):
    if not os.fork():
        os.close(opener)
        os.read(gate, 1)
        holder = Lease(UPath(sys.argv[1]), "Ab12Cd", run_id=f"run-{number}").acquire()
        os.write(1, f"{holder.run_id if holder else 'won'}\\n".encode())
        os.read(0, 1)
        os._exit(0)
os.close(opener)
os.read(0, 1)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


@dataclass
class Clock:
    """The time, which only a test moves."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Scene:
    """A storage, a clock, and the leases of deliveries to one account."""

    storage: UPath
    clock: Clock

    def lease(self, run_id: str) -> Lease:
        return Lease(self.storage, "Ab12Cd", run_id=run_id, now=self.clock)

    def taken(self, run_id: str) -> Lease:
        """A lease that was got."""
        lease = self.lease(run_id)
        assert lease.acquire() is None
        return lease

    def files(self) -> list[Path]:
        return sorted(Path(self.storage.path, "leases", "Ab12Cd").iterdir())

    def holder(self) -> Holder:
        """Who stands in the last file."""
        return Holder(**json.loads(self.files()[-1].read_text()))

    def write(self, holder: Holder) -> None:
        """Lets somebody else have it."""
        self.files()[-1].write_text(json.dumps(asdict(holder)))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """An empty storage, at a fixed time."""
    return Scene(UPath(tmp_path), Clock())


def test_a_second_delivery_sees_who_has_it(scene: Scene) -> None:
    """While one has the lease, another is told whose it is and until when; another account's is free."""
    first = scene.taken("run-1")

    holder = scene.lease("run-2").acquire()
    assert holder is not None
    assert (holder.run_id, holder.pid, holder.since, holder.until) == ("run-1", os.getpid(), 1_000, 1_000 + LASTS_S)
    assert Lease(scene.storage, "Zz99Zz", run_id="run-3", now=scene.clock).acquire() is None
    first.check()


def test_who_comes_second_to_the_same_number_sees_the_first(scene: Scene) -> None:
    """Where another gets the free lease between a look and a grasp, it is his."""
    rivals = [scene.lease("rival")]

    def now() -> float:
        while rivals:
            assert rivals.pop().acquire() is None
        return scene.clock()

    holder = Lease(scene.storage, "Ab12Cd", run_id="late", now=now).acquire()
    assert holder is not None
    assert holder.run_id == "rival"


def test_a_lease_that_was_given_back_is_free_at_once(scene: Scene) -> None:
    """The next one gets it, of all files only his is left, and giving back twice is no mistake."""
    first = scene.taken("run-1")
    first.release()
    first.release()
    scene.taken("run-2")

    assert [path.name for path in scene.files()] == ["0000000002.json"]
    with pytest.raises(LeaseLost):
        first.check()


@pytest.mark.parametrize(("after_s", "is_free"), [(LASTS_S - 1, False), (LASTS_S, True)], ids=["before", "after"])
def test_a_lease_that_is_not_renewed_ends(scene: Scene, after_s: float, is_free: bool) -> None:
    """Until its time is over it is held, then anybody may have it."""
    scene.taken("run-1")
    scene.clock.seconds += after_s

    assert (scene.lease("run-2").acquire() is None) is is_free


def test_a_lease_is_renewed_now_and_then(scene: Scene) -> None:
    """Renewing writes once in a while only, and a lease that is renewed never ends."""
    first = scene.taken("run-1")
    scene.clock.seconds += RENEWED_AFTER_S
    first.renew()
    assert scene.holder().until == 1_000 + LASTS_S
    for _ in range(10):
        scene.clock.seconds += RENEWED_AFTER_S + 1
        first.check()
        assert scene.holder().until == scene.clock.seconds + LASTS_S

    assert scene.lease("run-2").acquire() is not None


def test_who_slept_through_his_lease_sends_nothing_more(scene: Scene) -> None:
    """Once another has it, the first one finds that out before his next write, and cannot take it back."""
    first = scene.taken("run-1")
    scene.clock.seconds += LASTS_S + 1
    second = scene.taken("run-2")

    with pytest.raises(LeaseLost, match="run the export again once the other one is over"):
        first.check()
    first.renew()
    first.release()
    second.check()
    holder = scene.lease("run-3").acquire()
    assert holder is not None
    assert holder.run_id == "run-2"


def test_a_lease_that_was_never_got_is_none(scene: Scene) -> None:
    """Who did not acquire may send nothing, and has nothing to renew or to give back."""
    lease = scene.lease("run-1")
    lease.renew()
    lease.release()

    with pytest.raises(LeaseLost):
        lease.check()


@pytest.mark.parametrize(
    ("after_s", "is_free"), [(LASTS_S + CLOCK_SKEW_S - 1, False), (LASTS_S + CLOCK_SKEW_S, True)], ids=["not", "then"]
)
def test_a_lease_of_another_machine_is_waited_for(scene: Scene, after_s: float, is_free: bool) -> None:
    """Whether its process lives is not known here, and its clock may be behind ours."""
    scene.taken("run-1")
    scene.write(replace(scene.holder(), place="elsewhere"))
    scene.clock.seconds += after_s

    assert (scene.lease("run-2").acquire() is None) is is_free


def test_a_lease_that_another_machine_gave_back_is_free(scene: Scene) -> None:
    """What was given back is not waited for, whoever had it."""
    scene.taken("run-1").release()
    scene.write(replace(scene.holder(), place="elsewhere"))

    scene.taken("run-2")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"pid": os.getppid(), "started": "1"}, id="another-process-has-its-number-now"),
        pytest.param({"pid": 2**30}, id="no-process-has-its-number"),
        pytest.param({"token": "of an earlier life"}, id="this-process-knows-nothing-of-it"),
    ],
)
def test_a_lease_that_its_process_left_behind_is_free(scene: Scene, changes: dict[str, object]) -> None:
    """A process of this machine that is gone does not hold up the next one."""
    scene.taken("run-1")
    scene.write(replace(scene.holder(), **changes))  # type: ignore[arg-type]

    scene.taken("run-2")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"token": 1}'])
def test_a_file_of_no_use_holds_up_nobody(scene: Scene, text: str) -> None:
    """A lease that cannot be read is nobody's."""
    scene.taken("run-1")
    scene.files()[-1].write_text(text)

    scene.taken("run-2")


def test_a_storage_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """Without a lease nothing is sent, and the error says where to look."""
    (tmp_path / "leases").write_text("")

    with pytest.raises(LedgerError, match="check the storage"):
        Lease(UPath(tmp_path), "Ab12Cd", run_id="run-1").acquire()


def test_only_the_owner_reads_a_lease(scene: Scene) -> None:
    """A lease's folder and file are closed to everybody else, also once it was renewed."""
    lease = scene.taken("run-1")
    scene.clock.seconds += LASTS_S
    lease.renew()

    assert [oct(path.stat().st_mode & 0o777) for path in (scene.files()[0].parent, *scene.files())] == [
        "0o700",
        "0o600",
    ]


@contextmanager
def contest(storage: Path, count: int) -> Iterator[list[str]]:
    """So many processes try at once; what each said, while all of them live."""
    command = [sys.executable, "-c", CONTEST, str(storage), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield [process.stdout.readline().strip() for _ in range(count)]
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def test_one_of_many_processes_gets_it_and_leaves_it_when_it_dies(tmp_path: Path) -> None:
    """Of processes that try at once exactly one has the lease, all others see it; when it dies, it is free at once."""
    with contest(tmp_path, count=8) as said:
        assert said.count("won") == 1
        assert len(set(said)) == 2
        holder = Lease(UPath(tmp_path), "Ab12Cd", run_id="later").acquire()
        assert holder is not None
        assert holder.run_id in said
        assert _is_there(holder.pid) == "running"

    assert _is_there(holder.pid) == ""
    assert Lease(UPath(tmp_path), "Ab12Cd", run_id="later").acquire() is None


def test_an_object_store_holds_leases_too() -> None:
    """Where files are objects, the one that exists already decides as well."""
    storage = UPath("memory://leases-of-a-test")
    first = Lease(storage, "Ab12Cd", run_id="run-1")

    assert first.acquire() is None
    assert Lease(storage, "Ab12Cd", run_id="run-2").acquire() is not None
    first.release()
    assert Lease(storage, "Ab12Cd", run_id="run-3").acquire() is None

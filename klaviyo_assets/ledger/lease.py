"""The lease of an account: one delivery to it at a time, also across machines that share the storage.

A lease is a file with a number, `leases/<account>/0000000007.json`: whoever makes the file with the next number, which
only one can, has the lease. It is renewed while the delivery goes on, and read before every write to Klaviyo: who finds
a higher number has lost it. So a delivery that slept through its lease sends nothing more when it wakes up.
"""

from __future__ import annotations

import json
import os
import platform
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final
from uuid import uuid4

from upath import UPath

from klaviyo_assets.errors import LeaseLost, LedgerError
from klaviyo_assets.ledger.private import create_text, list_files, replace_text

LASTS_S: Final = 60.0  # without being renewed
RENEWED_AFTER_S: Final = 15.0
CLOCK_SKEW_S: Final = 30.0  # by which the clocks of two machines may differ

_GONE: Final = ("Z", "X")  # states of a process that ended, and whose number is still taken

_live_tokens: set[str] = set()  # of this process


@dataclass(frozen=True)
class Holder:
    """Who has a lease.

    Attributes:
        token: of this one acquisition.
        run_id: the run for which it was acquired.
        place: the machine, and what separates its processes from others'.
        pid: the process in that place.
        started: when that process started, in the kernel's own units.
        since: when the lease was acquired, in seconds since 1970.
        until: when it ends unless it is renewed; 0 once it was given back.
    """

    token: str
    run_id: str
    place: str
    pid: int
    started: str
    since: float
    until: float

    def is_active(self, now: float) -> bool:
        """Whether the lease is still this one's: neither over nor left behind by a process that is gone."""
        if self.place != _place():
            return now < self.until + CLOCK_SKEW_S if self.until else False
        return now < self.until and self._is_alive()

    def _is_alive(self) -> bool:
        if self.pid == os.getpid():
            return self.token in _live_tokens
        return _started(self.pid) == self.started


class Lease:
    """One delivery's lease of one account."""

    def __init__(self, storage: UPath, account_id: str, *, run_id: str, now: Callable[[], float] = time.time) -> None:
        self._folder = storage / "leases" / account_id
        self._run_id = run_id
        self._now = now
        self._number = 0
        self._held: Holder | None = None
        self._lock = threading.Lock()

    def acquire(self) -> Holder | None:
        """Try to get it: None where that succeeds, else who has it.

        Raises:
            LedgerError: the storage cannot be read or written.
        """
        try:
            while True:
                last = self._last_number()
                holder = self._read(last) if last else None
                if holder is not None and holder.is_active(self._now()):
                    return holder
                if self._take(last + 1):
                    return None
        except OSError as error:
            message = f"The lease {self._folder} cannot be written ({type(error).__name__}); check the storage."
            raise LedgerError(message) from error

    def renew(self) -> None:
        """Have it for longer, where it was not renewed for a while."""
        with self._lock:
            now = self._now()
            if self._held is not None and now > self._held.until - LASTS_S + RENEWED_AFTER_S:
                self._held = replace(self._held, until=now + LASTS_S)
                self._write(self._held)

    def check(self) -> None:
        """Nothing, while we have it.

        Raises:
            LeaseLost: another delivery took it.
        """
        if self._held is None or self._last_number() != self._number:
            raise LeaseLost(
                "Another delivery to this account began, because this one seemed to have ended; nothing more is sent. "
                "What was done is recorded: run the export again once the other one is over."
            )
        self.renew()

    def release(self) -> None:
        """Give it back."""
        with self._lock:
            held, self._held = self._held, None
            if held is not None:
                _live_tokens.discard(held.token)
                self._write(replace(held, until=0.0))

    def _take(self, number: int) -> bool:
        now = self._now()
        token = uuid4().hex
        pid = os.getpid()
        holder = Holder(token, self._run_id, _place(), pid, _started(pid), since=now, until=now + LASTS_S)
        try:
            create_text(self._path(number), json.dumps(asdict(holder)))
        except FileExistsError:
            return False
        _live_tokens.add(token)
        self._number, self._held = number, holder
        for older in (each for each in self._numbers() if each < number):
            self._path(older).unlink(missing_ok=True)
        return True

    def _read(self, number: int) -> Holder | None:
        try:
            return Holder(**json.loads(self._path(number).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            # Taken away by the next holder just now, or of no use to anybody.
            return None

    def _write(self, holder: Holder) -> None:
        replace_text(self._path(self._number), json.dumps(asdict(holder)))

    def _path(self, number: int) -> UPath:
        return self._folder / f"{number:010}.json"

    def _numbers(self) -> list[int]:
        names = [each.name for each in list_files(self._folder)]
        return [int(name[:-5]) for name in names if name[:-5].isdigit()]

    def _last_number(self) -> int:
        return max(self._numbers(), default=0)


def _place() -> str:
    """The machine since it was started, and the space of its process numbers: containers have their own."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    space = Path("/proc/self/ns/pid")
    facts = [platform.node()]
    if boot.exists():
        facts += [boot.read_text().strip(), str(space.readlink())]
    return " ".join(facts)


def _started(pid: int) -> str:
    """When the process started, so that another one with its number is not taken for it; "" where there is none."""
    try:
        # The name in the second field may hold spaces and parentheses.
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if facts[0] in _GONE else facts[19]
    except OSError:
        return _is_there(pid)


def _is_there(pid: int) -> str:
    """For systems that tell no more than whether there is a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "running"
    return "running"

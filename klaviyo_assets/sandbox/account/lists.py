"""A list and who is on it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from klaviyo_assets.sandbox.account.views import Views


@dataclass(frozen=True)
class Flow:
    """Something that Klaviyo does to whoever joins a list, if its status is `live`."""

    id: str
    name: str
    status: str = "live"
    archived: bool = False


class Members:
    """The profile ids on a list, each with the time at which it joined."""

    def __init__(self) -> None:
        self._joined_at: dict[str, float] = {}
        self._count_changes: list[tuple[float, int]] = []
        self._views: Views[str] = Views()

    def __len__(self) -> int:
        return len(self._joined_at)

    def __contains__(self, profile_id: str) -> bool:
        return profile_id in self._joined_at

    def joined_at(self, profile_id: str) -> float:
        """When somebody who is on the list joined it."""
        return self._joined_at[profile_id]

    def add(self, profile_ids: Iterable[str], *, at: float, keep_first: bool) -> None:
        """Puts people on the list; who is on it stays, and with `keep_first` since when."""
        joined_at = self._joined_at
        for profile_id in profile_ids:
            if not (keep_first and profile_id in joined_at):
                joined_at[profile_id] = at
        self._changed(at)

    def remove(self, profile_ids: Iterable[str], *, at: float) -> None:
        """Takes people off the list; who is not on it does not matter."""
        for profile_id in profile_ids:
            self._joined_at.pop(profile_id, None)
        self._changed(at)

    def count_at(self, at: float) -> int:
        """How many were on the list at some time; the lag of `profile_count` is made of it."""
        index = bisect_right(self._count_changes, at, key=lambda change: change[0])
        return self._count_changes[index - 1][1] if index else 0

    def by_id(self) -> list[str]:
        """Everybody's profile id, ascending."""
        return self._views.get("id", lambda: sorted(self._joined_at))

    def by_joined_at(self) -> list[str]:
        """Everybody's profile id, by when they joined, and then by id."""
        return self._views.get("joined_at", lambda: sorted(self.by_id(), key=self.joined_at))

    def joined_within(self, bounds: tuple[tuple[str, float], ...], test: Callable[[float], bool]) -> list[str]:
        """Profile ids, ascending, of those whose time of joining passes the test.

        `bounds` says what the test says: it is the name under which the outcome is kept for the next page.
        """
        return self._views.get(bounds, lambda: [i for i in self.by_id() if test(self.joined_at(i))])

    def _changed(self, at: float) -> None:
        self._views.forget()
        self._count_changes.append((at, len(self._joined_at)))


@dataclass
class KlaviyoList:
    """A list of Klaviyo's, not a Python one."""

    id: str
    name: str
    created_at: float
    updated_at: float
    opt_in_process: str = "single_opt_in"
    flows: tuple[Flow, ...] = ()
    members: Members = field(default_factory=Members, repr=False)

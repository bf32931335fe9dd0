"""The mark in the storage that holds all deliveries, or those of one connection, until it is taken away.

A running process never sees its environment change, so that it is a mark, and read again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from upath import UPath

from klaviyo_assets.errors import Paused
from klaviyo_assets.ledger.private import list_files, replace_text

_EVERYTHING: Final = "everything"
_OF_CONNECTION: Final = "connection."


@dataclass(frozen=True)
class Pause:
    """The marks under one storage root."""

    storage: UPath

    def begin(self, connection: str | None = None) -> None:
        """Nothing is sent from now on: by this connection, or by any."""
        replace_text(self._mark(connection), "")

    def end(self, connection: str | None = None) -> None:
        """Takes the mark of this connection away, or all marks."""
        marks = [self._mark(connection)] if connection else self._marks()
        for mark in marks:
            mark.unlink(missing_ok=True)

    def is_on(self, connection: str) -> bool:
        """Whether this connection may not send."""
        return not {None, connection}.isdisjoint(self.connections())

    def connections(self) -> list[str | None]:
        """Whose marks there are, None for that of all."""
        names = (mark.name for mark in self._marks())
        return sorted((None if name == _EVERYTHING else name.removeprefix(_OF_CONNECTION) for name in names), key=str)

    def check(self, connection: str) -> None:
        """Nothing, where this connection may send.

        Raises:
            Paused: it may not.
        """
        if self.is_on(connection):
            which = "" if self._mark(None).exists() else f" {connection}"
            raise Paused(
                f"Sending is paused by a mark in the storage; take it away with `klaviyo-assets resume{which}`, and "
                f"start the run again: it goes on from here."
            )

    def _mark(self, connection: str | None) -> UPath:
        return self.storage / "paused" / (f"{_OF_CONNECTION}{connection}" if connection else _EVERYTHING)

    def _marks(self) -> Sequence[UPath]:
        return [each for each in list_files(self.storage / "paused") if not each.name.startswith(".")]

"""Sorted lists that are expensive to build and asked for page after page."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT = 4
"""Several readers may page through the same thing in different orders; each view is as long as what it sorts."""


class Views(Generic[T]):
    """Keeps a few lists until what they show changes."""

    def __init__(self) -> None:
        self._views: dict[Hashable, list[T]] = {}

    def get(self, key: Hashable, build: Callable[[], list[T]]) -> list[T]:
        """The list of that name, built if it is not kept."""
        if key not in self._views:
            built = build()
            if len(self._views) >= KEPT:
                del self._views[next(iter(self._views))]
            self._views[key] = built
        return self._views[key]

    def forget(self) -> None:
        """What the lists show has changed."""
        self._views.clear()

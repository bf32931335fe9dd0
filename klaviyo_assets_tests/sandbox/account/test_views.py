"""Lists that are kept."""

from __future__ import annotations

from klaviyo_assets.sandbox.account.views import KEPT, Views


class Built:
    """Builds lists, and counts how often."""

    def __init__(self) -> None:
        self.views: Views[int] = Views()
        self.count = 0

    def get(self, key: int) -> list[int]:
        return self.views.get(key, lambda: self._build(key))

    def _build(self, key: int) -> list[int]:
        self.count += 1
        return [key]


def test_a_list_is_built_once() -> None:
    """Asked for again it is the same, until what it shows has changed."""
    built = Built()

    assert [built.get(1), built.get(1), built.get(2)] == [[1], [1], [2]]
    assert built.count == 2
    built.views.forget()
    assert (built.get(1), built.count) == ([1], 3)


def test_only_a_few_are_kept() -> None:
    """The oldest goes when there are too many, and can be built again."""
    built = Built()
    for key in range(KEPT + 1):
        built.get(key)
    built.get(KEPT)
    assert built.count == KEPT + 1

    assert (built.get(0), built.count) == ([0], KEPT + 2)

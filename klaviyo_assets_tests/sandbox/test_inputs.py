"""What the sandbox's own controls take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from klaviyo_assets.sandbox import Settings, WrongInput
from klaviyo_assets.sandbox.inputs import parse


@dataclass(frozen=True)
class Sample:
    """One of each kind."""

    count: int
    share: float = 0.5
    name: str | None = None
    kind: Literal["a", "b"] = "a"
    numbers: tuple[int, ...] = ()
    free: Mapping[str, Any] | None = None


def test_what_fits() -> None:
    """Lists become tuples, and whole numbers will do as numbers."""
    given = {"count": 1, "share": 2, "name": None, "kind": "b", "numbers": [1, 2], "free": {"x": 1}}

    assert parse(Sample, given, where="sample") == Sample(1, 2.0, None, "b", (1, 2), {"x": 1})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "sample: found list, expected a JSON object."),
        (None, "sample: found nothing, expected a JSON object."),
        ({}, "sample: count is missing; add it."),
        (
            {"count": 1, "colour": 1},
            "sample: unknown colour; expected any of count, share, name, kind, numbers, free.",
        ),
        ({"count": "1"}, "sample.count: found str, expected int."),
        ({"count": True}, "sample.count: found bool, expected int."),
        ({"count": 1, "share": None}, "sample.share: found nothing, expected float."),
        ({"count": 1, "name": 5}, "sample.name: found int, expected str."),
        ({"count": 1, "kind": "c"}, "sample.kind: found 'c', expected one of 'a', 'b'."),
        ({"count": 1, "numbers": 5}, "sample.numbers: found int, expected a list."),
        ({"count": 1, "numbers": [1, "2"]}, "sample.numbers[1]: found str, expected int."),
        ({"count": 1, "free": []}, "sample.free: found list, expected a JSON object."),
    ],
)
def test_what_does_not_fit(given: object, message: str) -> None:
    """It is told where, what was found, and what was expected."""
    with pytest.raises(WrongInput) as refused:
        parse(Sample, given, where="sample")

    assert str(refused.value) == message


def test_changing_settings_keeps_the_others() -> None:
    """Only what is named changes."""
    changed = Settings(speed=3).changed({"limits": "off"})

    assert changed == Settings(speed=3, limits="off")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"speed": -1}, "settings.speed: found -1.0, expected 0 or more."),
        ({"job_duration_s": float("inf")}, "settings.job_duration_s: found inf, expected 0 or more."),
        ({"limits": "none"}, "settings.limits: found 'none', expected one of 'real', 'off'."),
        ("off", "settings: found str, expected a JSON object."),
    ],
)
def test_settings_that_there_are_not(changes: object, message: str) -> None:
    """They are refused by name."""
    with pytest.raises(WrongInput) as refused:
        Settings().changed(changes)

    assert str(refused.value) == message

"""The grammar of `filter`: `op(field,value)`, several joined by commas or wrapped in `and(…)`.

Strings stand in double or single quotes, lists in brackets, times and numbers bare. Which operators a field takes is
said by each endpoint. https://developers.klaviyo.com/en/docs/filtering_
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from klaviyo_assets.sandbox.api import errors

MOST_VALUES = 100
"""In one `any`, in practice."""

CALL = re.compile(r"\s*([a-z-]+)\(")
FIELD = re.compile(r"\s*([\w.]+)\s*,")
STRING = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
BARE = re.compile(r"\s*([^\s,()\[\]\"']+)")
NEXT = re.compile(r"\s*([,)\]]|$)")

Rules = Mapping[str, tuple[str, ...]]
"""The operators that each field takes."""


@dataclass(frozen=True)
class Condition:
    """`values` has one value, except for `any`."""

    operator: str
    field: str
    values: tuple[str, ...]

    def times(self) -> tuple[float, ...]:
        """The values as seconds since 1970.

        Raises:
            ApiError: 400, if one of them is no date.
        """
        return tuple(_seconds(value) for value in self.values)


def parse(text: str, *, resource: str, rules: Rules) -> tuple[Condition, ...]:
    """The conditions of a filter, all of which must hold.

    Raises:
        ApiError: 400, for what is no filter, or a field or an operator that is not allowed here.
    """
    conditions = _Reader(text).conditions()
    for condition in conditions:
        _check(condition, resource, rules)
    return tuple(conditions)


def _check(condition: Condition, resource: str, rules: Rules) -> None:
    if condition.field not in rules:
        allowed = ", ".join(rules)
        raise _wrong(f"'{condition.field}' is not a filterable field for the resource '{resource}'. Allowed: {allowed}")
    if condition.operator not in rules[condition.field]:
        # Two blanks after the full stop, as on the wire.
        raise _wrong(
            f"'{condition.operator}' is not an allowed filter operator for {condition.field}.  "
            f"Allowed operators are {', '.join(rules[condition.field])}"
        )
    if len(condition.values) > MOST_VALUES:
        raise _wrong(f"At most {MOST_VALUES} values are allowed, {len(condition.values)} were given.")


class _Reader:
    """Reads a filter from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def conditions(self, *, inside: bool = False) -> list[Condition]:
        found: list[Condition] = []
        while True:
            operator = self._take(CALL)
            if operator == "and" and not inside:
                found += self.conditions(inside=True)
            else:
                found.append(self._condition(operator))
            mark = self._take(NEXT)
            if mark == (")" if inside else ""):
                return found
            if mark != ",":
                raise self._unreadable()

    def _condition(self, operator: str) -> Condition:
        field = self._take(FIELD)
        values = self._values()
        if self._take(NEXT) != ")":
            raise self._unreadable()
        return Condition(operator, field, values)

    def _values(self) -> tuple[str, ...]:
        if not self._text[self._at :].lstrip().startswith("["):
            return (self._value(),)
        self._at = self._text.index("[", self._at) + 1
        values = [self._value()]
        while (mark := self._take(NEXT)) == ",":
            values.append(self._value())
        if mark != "]":
            raise self._unreadable()
        return tuple(values)

    def _value(self) -> str:
        match = STRING.match(self._text, self._at)
        if match is None:
            return self._take(BARE)
        self._at = match.end()
        return re.sub(r"\\(.)", r"\1", match[1] if match[1] is not None else match[2])

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise self._unreadable()
        self._at = match.end()
        return match[1]

    def _unreadable(self) -> errors.ApiError:
        return _wrong(f"Unable to parse the filter at character {self._at}.")


def _seconds(value: str) -> float:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise _wrong(f"'{value}' is not a valid datetime.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _wrong(detail: str) -> errors.ApiError:
    return errors.invalid_parameter(detail, "filter")

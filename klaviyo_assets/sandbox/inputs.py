"""Reads what people tell the sandbox itself: settings, faults, seeds. What they tell Klaviyo is read in `api/`.

A frozen dataclass is its own schema: its annotations say which JSON fits. Anything else is refused by a
sentence that says where, what was found and what was expected.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class WrongInput(ValueError):
    """Something asked of the sandbox's own controls makes no sense; the message says what would."""


def parse(cls: type[T], given: object, *, where: str) -> T:
    """An object of the dataclass `cls` from decoded JSON.

    Raises:
        WrongInput: an unknown or a missing key, or a value of another type.
    """
    given = expect_object(given, where=where)
    hints = get_type_hints(cls)
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    expect_known(given, known, where=where)
    required = {n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
    if missing := sorted(required - given.keys()):
        raise WrongInput(f"{where}: {', '.join(missing)} is missing; add it.")
    return cls(**{name: _convert(value, hints[name], f"{where}.{name}") for name, value in given.items()})


def expect_object(given: object, *, where: str) -> Mapping[str, Any]:
    """What was given, if it is a JSON object."""
    if not isinstance(given, Mapping):
        raise WrongInput(f"{where}: found {_kind(given)}, expected a JSON object.")
    return given


def expect_known(given: Mapping[str, Any], known: Collection[str], *, where: str) -> None:
    """Refuses keys that there are not."""
    if unknown := sorted(given.keys() - set(known)):
        raise WrongInput(f"{where}: unknown {', '.join(unknown)}; expected any of {', '.join(known)}.")


def expect_text(given: object, name: str) -> str:
    """The text of that name in a JSON object."""
    value = expect_object(given, where="body").get(name)
    if not isinstance(value, str) or not value:
        raise WrongInput(f"{name}: found {'nothing' if not value else _kind(value)}, expected a text.")
    return value


def expect_texts(given: object, name: str) -> list[str]:
    """The list of texts of that name in a JSON object."""
    value = expect_object(given, where="body").get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise WrongInput(f"{name}: found {_kind(value)}, expected a list of texts.")
    return value


def expect_number(given: object, name: str) -> float:
    """The number of that name in a JSON object."""
    value = expect_object(given, where="body").get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongInput(f"{name}: found {_kind(value)}, expected a number.")
    return float(value)


def _convert(value: object, hint: Any, where: str) -> Any:
    origin, options = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _one_of(value, options, where)
    if origin in (Union, UnionType):
        if value is None and NoneType in options:
            return None
        return _convert(value, next(option for option in options if option is not NoneType), where)
    if origin is tuple:
        return tuple(_convert(item, options[0], f"{where}[{i}]") for i, item in enumerate(_list(value, where)))
    if origin is not None and issubclass(origin, Mapping):
        return expect_object(value, where=where)
    return _scalar(value, hint, where)


def _scalar(value: object, hint: type, where: str) -> object:
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise WrongInput(f"{where}: found {_kind(value)}, expected {hint.__name__}.")
    return value


def _one_of(value: object, options: tuple[object, ...], where: str) -> object:
    if value not in options:
        raise WrongInput(f"{where}: found {value!r}, expected one of {', '.join(map(repr, options))}.")
    return value


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, (list, tuple)):
        raise WrongInput(f"{where}: found {_kind(value)}, expected a list.")
    return list(value)


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__

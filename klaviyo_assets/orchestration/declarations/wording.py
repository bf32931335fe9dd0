"""What is wrong in attributes, in sentences for whoever wrote them: found …, expected …; remedy.

What it is that is wrong, and where, is found out in `verdicts.py`; mistakes around attributes say it for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from klaviyo_assets.exports import Declaration
from klaviyo_assets.orchestration.declarations.mistakes import AttributePath, Mistake, closest, listed
from klaviyo_assets.orchestration.declarations.rendering import Rendered
from klaviyo_assets.orchestration.declarations.verdicts import Verdict, find_verdicts, models_below, types_of

_NUMBER: Final = ("a number", "write it in digits, without quotes, as 60 or 0.5")
_WHOLE: Final = ("a whole number", "write it in digits alone, without quotes, as 100000")
_SWITCH: Final = ("true or false", "write one of the two, without quotes")
_DAY: Final = ("a day", "write it as 2026-11-23")

# By pydantic's kinds of errors: expected, remedy.
_FORMS: Final = {
    "string_too_short": ("text that is not empty", "write it, or take the attribute away"),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "bool_type": _SWITCH,
    "bool_parsing": _SWITCH,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
}
# An example says more than words where it is a mapping or a list, or where nothing stands.
_SHOWN: Final = ("model_type", "model_attributes_type", "dict_type", "tuple_type", "too_short", "string_too_short")
_BOUNDS: Final = {
    "greater_than_equal": ("ge", "at least {}", "{} or more"),
    "greater_than": ("gt", "more than {}", "more than {}"),
    "less_than_equal": ("le", "at most {}", "{} or less"),
}


def judge(model: type[Declaration], rendered: Rendered) -> Declaration | list[Mistake]:
    """The declaration that the attributes make, or every mistake in them.

    Args:
        model: the kind of declaration.
        rendered: its attributes; nothing is said of those that are unknown.
    """
    try:
        return model.model_validate(rendered.attributes)
    except ValidationError as error:
        verdicts = find_verdicts(model, rendered, error)
    meant = {(*each.path[:-1], _meant(each) or "") for each in verdicts if each.kind == "extra_forbidden"}
    return [
        Mistake(each.path, _sentence(each))
        for each in verdicts
        if not rendered.is_unknown(each.path) and not _follows(each, meant)
    ]


def _follows(verdict: Verdict, meant: set[AttributePath]) -> bool:
    """Whether an attribute is missing because its name was written wrong, which is told already."""
    if verdict.value is not None or verdict.kind not in ("missing", "value_error"):
        return False
    words = re.findall(r"\w+", _sentence(verdict))
    return any(path[:-1] == verdict.path[:-1] and path[-1] in words for path in meant)


def _sentence(verdict: Verdict) -> str:
    if verdict.kind == "value_error":
        text = str(verdict.facts["error"])
        return text if text.startswith("found") else f"found {verdict.found}, {text}"
    if verdict.kind == "extra_forbidden":
        return _unknown_attribute(verdict)
    expected, remedy = _expected(verdict)
    return f"found {verdict.found}, expected {expected}; {remedy}"


def _expected(verdict: Verdict) -> tuple[str, str]:
    kind, field = verdict.kind, verdict.field
    if kind in _BOUNDS:
        return _bound(kind, verdict.facts, verdict.value)
    if kind.startswith("union_tag"):
        return _choice(verdict, [name for owner in verdict.owners for name in types_of(owner)])
    if field and get_origin(field.annotation) is Literal:
        return _choice(verdict, get_args(field.annotation))
    if field and field.examples and (verdict.value is None or kind in _SHOWN):
        return _meaning(field), f"write {verdict.path[-1]}: {_in_yaml(field.examples[0])}"
    if kind == "string_type":
        return "text", _as_text(verdict.value)
    return _FORMS.get(kind, (f"something else ({verdict.message})", "change it"))


def _choice(verdict: Verdict, words: Sequence[str]) -> tuple[str, str]:
    near = closest(verdict.value, words)
    if verdict.value is None:
        near = words[0]
    return listed(words), f"write {verdict.path[-1]}: {near}" if near else "write one of them"


def _bound(kind: str, facts: Mapping[str, Any], value: Any) -> tuple[str, str]:
    fact, expected, remedy = _BOUNDS[kind]
    limit = f"{facts[fact]:.15g}"
    if limit == "1" and kind == "less_than_equal" and float(value) <= 100:
        return "a share from 0 to 1", f"write {float(value) / 100:g} for {float(value):g} %"
    return expected.format(limit), f"write {remedy.format(limit)}"


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "put it into quotes, since a bare yes, no, on or off is true or false"
    if isinstance(value, int | float):
        return f'put it into quotes, as "{value}"'
    return "write it, or take the attribute away" if value is None else "write one text"


def _unknown_attribute(verdict: Verdict) -> str:
    name = str(verdict.path[-1])
    below = [known for known in _names(verdict.owners) if name in _names(models_below(verdict.owners, known))]
    near = _meant(verdict)
    if below:
        remedy = f"write it below {below[0]}"
    else:
        remedy = f"write {near}" if near else "take it away, or write one of these"
    return f"found an unknown attribute, expected one of {listed(_names(verdict.owners))}; {remedy}"


def _meant(verdict: Verdict) -> str | None:
    return closest(verdict.path[-1], _names(verdict.owners))


def _names(models: Iterable[type[BaseModel]]) -> list[str]:
    return [name for model in models for name in model.model_fields]


def _meaning(field: FieldInfo) -> str:
    meaning = re.split(r";|, as |\.$", field.description or "a value")[0]
    return meaning[:1].lower() + meaning[1:]


def _in_yaml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_in_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_in_yaml, value)) + "]"
    return str(value)

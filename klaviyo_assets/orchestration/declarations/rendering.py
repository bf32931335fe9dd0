"""Templates in the values of a declaration, as "{{ env.LIST_ID }}", replaced by what they stand for.

They are Dagster's own, with two differences that make a mistake visible: a variable that is not set is told, where
Dagster puts nothing in its place, and text stays text, where Dagster would read the id 1e5 as a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

from dagster.components.resolved.errors import ResolutionException
from jinja2 import StrictUndefined, TemplateError, Undefined, UndefinedError
from jinja2.nativetypes import NativeEnvironment, NativeTemplate

from klaviyo_assets.orchestration.declarations.mistakes import AttributePath, Mistake


@dataclass(frozen=True)
class Scope:
    """What templates may name.

    Attributes:
        names: Dagster's scope, `context` and template variables among them.
        is_complete: False outside of Dagster, where template variables of the project's own are not known.
    """

    names: Mapping[str, Any]
    is_complete: bool = True


@dataclass
class Rendered:
    """Attributes without templates.

    Attributes:
        attributes: the values; a template that could not be replaced still stands there.
        from_template: the attributes that held a template; what it gave is not for messages.
        unknown: the attributes whose values are not known, so that nothing can be said of them.
        mistakes: the templates that cannot be replaced.
    """

    attributes: Any = None
    from_template: set[AttributePath] = field(default_factory=set)
    unknown: set[AttributePath] = field(default_factory=set)
    mistakes: list[Mistake] = field(default_factory=list)

    def is_unknown(self, path: AttributePath) -> bool:
        """Whether the attribute is, or stands below, one whose value is not known."""
        return any(path[: len(above)] == above for above in self.unknown)


def render(attributes: Any, scope: Scope) -> Rendered:
    """The attributes with every template replaced, as far as that is possible."""
    rendered = Rendered()
    rendered.attributes = _render(attributes, (), scope, rendered)
    return rendered


def is_template(value: Any) -> TypeGuard[str]:
    """Whether this is text with a template in it."""
    return isinstance(value, str) and any(sign in value for sign in ("{{", "{%", "{#"))


def _render(value: Any, path: AttributePath, scope: Scope, rendered: Rendered) -> Any:
    if isinstance(value, Mapping):
        return {key: _render(item, (*path, key), scope, rendered) for key, item in value.items()}
    if isinstance(value, list):
        return [_render(item, (*path, index), scope, rendered) for index, item in enumerate(value)]
    if not is_template(value):
        return value
    rendered.from_template.add(path)
    try:
        return _ENVIRONMENT.from_string(value).render(**scope.names)
    # What a template may raise is what its expressions may: they add, call and divide.
    except (TemplateError, ResolutionException, TypeError, ValueError, ArithmeticError) as error:
        rendered.unknown.add(path)
        if scope.is_complete or not isinstance(error, UndefinedError) or _is_unset(error):
            rendered.mistakes.append(Mistake(path, _sentence(error)))
        return value


def _is_unset(error: Exception) -> bool:
    return isinstance(error, UndefinedError) and str(error.message).startswith(_UNSET)


def _sentence(error: Exception) -> str:
    if _is_unset(error):
        return str(error)
    # Other errors may quote a value, and the environment holds keys.
    told = isinstance(error, TemplateError) and error.message
    reason = " ".join(str(told or type(error).__name__).split())
    return (
        f"found a template that cannot be replaced ({reason}), expected one that names env, context or a template "
        f"variable of the project; write it as {{{{ env.LIST_ID }}}}"
    )


class EnvironmentVariables:
    """`env` in a template: env.NAME, or env('NAME', 'a default')."""

    def __init__(self, values: Mapping[str, str | None]) -> None:
        self._values = values

    def __call__(self, name: str, default: Any = None) -> Any:
        """The variable's value, or the default."""
        return self._values.get(name, _unset(name) if default is None else default)

    def __getattr__(self, name: str) -> Any:
        # jinja asks for attributes of its own by these names.
        if name.startswith(("_", "jinja")):
            raise AttributeError(name)
        return self(name)


class _Unset(StrictUndefined):
    """A variable that is not set: no text, but false in a condition, so that `or` and `default` work."""

    def __bool__(self) -> bool:  # type: ignore[override]
        return False


def _unset(name: str) -> _Unset:
    default = f"{{{{ env('{name}', 'a default') }}}}"
    return _Unset(hint=f"{_UNSET} {name}, which is not set, expected its value; set it, or write {default}")


def _join(values: Iterable[Any]) -> Any:
    parts = list(values)
    if len(parts) == 1 and not isinstance(parts[0], Undefined):
        return parts[0]
    return "".join(str(part) for part in parts)


class _Environment(NativeEnvironment):
    concat = staticmethod(_join)


class _Template(NativeTemplate):
    environment_class = _Environment


_Environment.template_class = _Template
_ENVIRONMENT: Final = _Environment(undefined=StrictUndefined)
_UNSET: Final = "found the environment variable"

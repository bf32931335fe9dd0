"""What the checks of `exports` find wrong in attributes: which attribute it is, its value, and its model.

How that is said is in `wording.py`. A rule about a value belongs to `exports`, beside the value's type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from klaviyo_assets.exports import Declaration
from klaviyo_assets.orchestration.declarations.mistakes import AttributePath, shown
from klaviyo_assets.orchestration.declarations.rendering import Rendered


@dataclass(frozen=True)
class Verdict:
    """One of pydantic's errors, and what it is about.

    Attributes:
        kind: pydantic's name for it: https://docs.pydantic.dev/latest/errors/validation_errors/
        message: what pydantic says of it, which shows no value.
        facts: what pydantic adds to it.
        path: the attribute.
        value: what stands there, if anything does.
        found: the same, as it may be shown.
        owners: the models whose attribute it is, or would be; several where the value's type is open.
    """

    kind: str
    message: str
    facts: Mapping[str, Any]
    path: AttributePath
    value: Any
    found: str
    owners: Sequence[type[BaseModel]]

    @property
    def field(self) -> FieldInfo | None:
        """The attribute as its model declares it; None within a list, and where there is no such attribute."""
        return next((owner.model_fields.get(str(self.path[-1])) for owner in self.owners), None)


def find_verdicts(model: type[Declaration], rendered: Rendered, error: ValidationError) -> list[Verdict]:
    """Each thing that pydantic found wrong, in its order.

    Args:
        model: the kind of declaration.
        rendered: its attributes.
        error: what making the declaration raised.
    """
    return [_verdict(model, rendered, each) for each in error.errors(include_url=False)]


def models_below(models: Sequence[type[BaseModel]], name: str | int) -> Iterator[type[BaseModel]]:
    """The models that an attribute's value may be of."""
    for model in models:
        if name in model.model_fields:
            annotation = model.model_fields[str(name)].annotation
            yield from (each for each in (annotation, *get_args(annotation)) if _is_model(each))


def types_of(source: type[BaseModel]) -> tuple[str, ...]:
    """The words for `type` by which a kind of source is chosen."""
    return get_args(source.model_fields["type"].annotation)


def _verdict(model: type[Declaration], rendered: Rendered, error: Mapping[str, Any]) -> Verdict:
    path: AttributePath = ()
    value = rendered.attributes
    owners: Sequence[type[BaseModel]] = ()
    parts: Sequence[type[BaseModel]] = (model,)
    for name in error["loc"]:
        if len(parts) > 1:  # pydantic names the chosen type of a source here
            parts = [part for part in parts if name in types_of(part)]
        elif name == "[key]":
            value = path[-1]
        elif isinstance(name, int) and isinstance(value, str):
            continue  # a single text, which counts as a list of one
        else:
            path, value, owners = (*path, name), _child(value, name), parts
            parts = list(models_below(parts, name))
    if error["type"].startswith("union_tag"):
        path, value, owners = (*path, "type"), _child(value, "type"), parts
    found = "what its template gives" if path in rendered.from_template else shown(value)
    return Verdict(error["type"], error["msg"], error.get("ctx", {}), path, value, found, owners)


def _child(value: Any, name: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(name)
    return value[name] if isinstance(value, list) and isinstance(name, int) else None


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)

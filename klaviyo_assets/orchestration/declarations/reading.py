"""One document read as a declaration: its value, or every mistake in it.

Here the steps meet: templates, the model's own checks, and what holds for any declaration in a file. What needs
several declarations is in `crosscheck.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from klaviyo_assets.exports import Declaration, Export, KlaviyoConnection, Segment
from klaviyo_assets.orchestration.declarations.crons import wrong_crons
from klaviyo_assets.orchestration.declarations.documents import ATTRIBUTES, Document, place
from klaviyo_assets.orchestration.declarations.mistakes import (
    AttributePath,
    Mistake,
    PlacedMistake,
    listed,
    shown,
)
from klaviyo_assets.orchestration.declarations.rendering import Scope, is_template, render
from klaviyo_assets.orchestration.declarations.wording import judge

_ENV_NAMES: Final = {"api_key_env": "KLAVIYO_API_KEY", "api_url_env": "KLAVIYO_API_URL"}
_PRIVATE_KEY: Final = re.compile(r"pk_\w{30,}")
_WHOLE_TEMPLATE: Final = re.compile(r"\s*\{\{.*\}\}\s*", re.DOTALL)
_NOTHING_ELSE: Final[Mapping[type[Declaration], Mapping[str, Any]]] = {
    KlaviyoConnection: {},
    Segment: {},
    Export: {"connection": None, "segments": ()},
}


@dataclass(frozen=True)
class Read:
    """What one document declares.

    Attributes:
        document: where it stands.
        declaration: its value. Where there are mistakes, one that has the declared name and nothing else, so that
            others which refer to it are not called wrong for that; None where there is not even a name.
        mistakes: every mistake in it.
    """

    document: Document
    declaration: Declaration | None
    mistakes: tuple[PlacedMistake, ...] = ()


def read_declaration(document: Document, model: type[Declaration], scope: Scope) -> Read:
    """The declaration of this kind that a document makes, or every mistake in it."""
    if document.contents is None:
        return Read(document, None, document.mistakes)
    attributes = document.contents.get(ATTRIBUTES)
    if not isinstance(attributes, Mapping):
        return Read(document, None, (*document.mistakes, _no_attributes(document, attributes, model)))
    judged, mistakes = _judge(attributes, model, scope)
    placed = sorted([*document.mistakes, *(place(each, document) for each in mistakes)])
    return Read(document, judged or _named_only(model, attributes.get("name")), tuple(placed))


def _judge(
    attributes: Mapping[str, Any], model: type[Declaration], scope: Scope
) -> tuple[Declaration | None, Iterable[Mistake]]:
    rendered = render(attributes, scope)
    judged = judge(model, rendered)
    told: dict[AttributePath, Mistake] = {}
    for mistake in (
        *_templates_of_names(attributes),
        *rendered.mistakes,
        *_blank_consent(rendered.attributes),
        *_private_keys(rendered.attributes),
        *(judged if isinstance(judged, list) else []),
        *(cron for cron in wrong_crons(rendered.attributes) if not rendered.is_unknown(cron.path)),
    ):
        told.setdefault(mistake.path, mistake)
    return judged if isinstance(judged, Declaration) and not told else None, told.values()


def _templates_of_names(attributes: Mapping[str, Any]) -> Iterator[Mistake]:
    for name, example in _ENV_NAMES.items():
        value = attributes.get(name)
        if is_template(value) and _WHOLE_TEMPLATE.fullmatch(value):
            variable = re.search(r"env\W+(\w+)", value)
            yield Mistake(
                (name,),
                "found a template, which stands for the variable's value, expected the environment variable's NAME; "
                f"write {name}: {variable[1] if variable else example}",
            )


def _blank_consent(attributes: Mapping[str, Any]) -> Iterator[Mistake]:
    # Elsewhere null is the default. Here it would send to everybody because the column's name was left out.
    match = attributes.get("match")
    if isinstance(match, Mapping) and "opted_in" in match and match["opted_in"] is None:
        yield Mistake(
            ("match", "opted_in"),
            "found nothing, expected the column that says who agreed to be contacted; write its name, or take the "
            "attribute away, and everybody is taken to have agreed",
        )


def _private_keys(value: Any, path: AttributePath = ()) -> Iterator[Mistake]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _private_keys(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _private_keys(item, (*path, index))
    elif isinstance(value, str) and path[-1] not in _ENV_NAMES and _PRIVATE_KEY.search(value):
        yield Mistake(
            path,
            "found a private key, expected none in a file; take it out, revoke it in Klaviyo if the file was shared, "
            "and let the connection's api_key_env name the environment variable that holds it",
        )


def _no_attributes(document: Document, found: Any, model: type[Declaration]) -> PlacedMistake:
    required = listed([name for name, field in model.model_fields.items() if field.is_required()], "and")
    return document.mistake(
        (ATTRIBUTES,),
        f"found {shown(found)}, expected at least {required}; write them below attributes:, indented",
    )


def _named_only(model: type[Declaration], name: Any) -> Declaration | None:
    values = {"name": str(name), **_NOTHING_ELSE[model]}
    return model.model_construct(**values) if name is not None else None

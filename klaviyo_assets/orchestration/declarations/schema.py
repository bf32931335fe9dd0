"""What Dagster is told of a declaration: nothing to validate by, and the whole schema to document it by.

Dagster validates attributes by a model, and stops at what it finds, in its own words. The model made here takes
whatever stands in a file, so that `reading` can judge it, and has the declaration's schema, which Dagster's page,
`dg list components` and editors show. Wherever a value is expected, Dagster's schemas also take text: a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import GetJsonSchemaHandler, RootModel
from pydantic_core import CoreSchema

from klaviyo_assets.exports import Declaration

_ABOUT: Final = ("title", "description", "default", "examples")
_TEMPLATE: Final = {"type": "string"}


@cache
def attributes_model(declaration: type[Declaration]) -> type[RootModel[dict[str, Any]]]:
    """The model that takes any attributes, and has the schema of this kind of declaration."""

    class Attributes(RootModel[dict[str, Any]]):
        @classmethod
        def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
            schema = declaration.model_json_schema()
            return _take_templates(_inline(schema, schema.get("$defs", {})))

    Attributes.__name__ = Attributes.__qualname__ = f"{declaration.__name__}Attributes"
    return Attributes


def _inline(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema with each reference replaced by what it refers to, since only one piece can be handed over."""
    if isinstance(schema, list):
        return [_inline(part, definitions) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    parts = {key: part for key, part in schema.items() if key not in ("$ref", "$defs", "discriminator")}
    referred = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else {}
    return {key: _inline(part, definitions) for key, part in {**referred, **parts}.items()}


def _take_templates(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    return {**schema, "properties": {name: _or_template(part) for name, part in properties.items()}}


def _or_template(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value, which may also be a template."""
    value = {key: part for key, part in schema.items() if key not in _ABOUT}
    about = {key: part for key, part in schema.items() if key in _ABOUT}
    choices = value.get("anyOf", value.get("oneOf", [value]))
    return {
        **about,
        "anyOf": [*(_take_templates(each) if "properties" in each else each for each in choices), _TEMPLATE],
    }

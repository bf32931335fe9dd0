"""model.json, by which Customer Insights (and other writers of the Common Data Model) describes CSV partitions.

Format: https://learn.microsoft.com/en-us/common-data-model/model-json. Read leniently, as writers differ: unknown
names are passed over, missing ones have the format's defaults. Where the partitions are is `partitions.py`.
"""

from __future__ import annotations

import json
import string
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.segments.places import SourceFile

_NO_DELIMITERS: Final = f'"\r\n\0{string.ascii_letters}{string.digits}'


def _drop_nulls(value: Any) -> Any:
    """An object without its nulls, so that null means what is said nowhere: the default."""
    return {key: entry for key, entry in value.items() if entry is not None} if isinstance(value, dict) else value


def _check_delimiter(value: str) -> str:
    value = {"\\t": "\t", "tab": "\t"}.get(value.lower(), value)
    if len(value) != 1 or not value.isascii() or value in _NO_DELIMITERS:
        raise ValueError("expected one character that is no quote, line break, letter or digit, as a comma")
    return value


def _check_name(value: str) -> str:
    if "\0" in value:  # as in the columns that the reader adds
        raise ValueError("expected a name without a NUL character")
    return value


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, hide_input_in_errors=True)


class CsvSettings(_Described):
    """How a partition is written: `fileFormatSettings`, with the defaults of the format."""

    kind: str = Field("CsvFormatSettings", alias="$type")
    column_headers: bool = False
    delimiter: Annotated[str, AfterValidator(_check_delimiter)] = ","
    quote_style: str = "QuoteStyle.Csv"
    encoding: str = "UTF-8"


class Partition(_Described):
    """One file of an entity."""

    name: str = ""
    refresh_time: str | None = None
    location: str | None = None
    file_format_settings: Annotated[CsvSettings, BeforeValidator(_drop_nulls)] = CsvSettings()


class Attribute(_Described):
    """One column of an entity."""

    name: Annotated[str, AfterValidator(_check_name)]
    data_type: Annotated[str, AfterValidator(str.lower)] = "string"


class Entity(_Described):
    """One table."""

    name: str
    attributes: tuple[Annotated[Attribute, BeforeValidator(_drop_nulls)], ...] = ()
    partitions: tuple[Annotated[Partition, BeforeValidator(_drop_nulls)], ...] = ()


class Model(_Described):
    """What is read of a model.json; HEAD of Microsoft's documentation calls entities tables."""

    entities: tuple[Annotated[Entity, BeforeValidator(_drop_nulls)], ...] = Field(
        validation_alias=AliasChoices("entities", "tables")
    )


def read_entity(file: SourceFile, name: str) -> Entity:
    """The entity of that name, with at least one attribute.

    Raises:
        SourceUnreadable: the file is not a model.json, or has no such entity, or one without or with equal attributes.
    """
    entities = _read_model(file).entities
    named = [entity for entity in entities if entity.name == name]
    if len(named) > 1:
        raise SourceUnreadable(
            f"{file.name} has {len(named)} entities {name!r}, expected one of each name; have it written anew."
        )
    if not named:
        names = ", ".join(sorted(entity.name for entity in entities)) or "none"
        raise SourceUnreadable(
            f"{file.name} has no entity {name!r}, expected one of: {names}; correct the name, or activate and refresh "
            f"the segment, which is written only then."
        )
    entity = named[0]
    names_of_attributes = [attribute.name for attribute in entity.attributes]
    if not names_of_attributes or len(set(names_of_attributes)) < len(names_of_attributes):
        raise SourceUnreadable(
            f"{file.name} describes entity {name!r} without attributes or with several of one name, expected each "
            f"column once; a reference to another model cannot be read: declare the folder of that model."
        )
    return entity


def _read_model(file: SourceFile) -> Model:
    with file.open_bytes() as stream:
        written = stream.read()
    try:
        # By pydantic, which refuses half a surrogate pair and endless nesting; `json` passes on the one, and stops
        # with a RecursionError at the other.
        return Model.model_validate_json(written.decode(json.detect_encoding(written)))
    except ValueError as error:  # JSON, its encoding, or pydantic's ValidationError
        raise SourceUnreadable(f"{file.name} is not a model.json: {_describe(error)}.") from None


def _describe(error: ValueError) -> str:
    mistakes = (
        error.errors(include_url=False, include_context=False, include_input=False)
        if isinstance(error, ValidationError)
        else []
    )
    if mistakes and mistakes[0]["type"] != "json_invalid":
        first = mistakes[0]
        where = ".".join(map(str, first["loc"]))
        return f"at {where or 'its top'}: {first['msg']}; check that the folder is one that Customer Insights wrote"
    return "it is not JSON, or is being written at this moment; read it again, or have it written anew"

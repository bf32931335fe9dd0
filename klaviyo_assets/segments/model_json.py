"""model.json, by which Customer Insights (and other writers of the Common Data Model) describes CSV partitions.

Format: https://learn.microsoft.com/en-us/common-data-model/model-json. Read leniently, as writers differ: unknown
names are passed over, missing ones have the format's defaults. Where the partitions are is `partitions.py`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.segments.places import SourceFile


def _drop_nulls(value: Any) -> Any:
    """An object without its nulls, so that null means what is said nowhere: the default."""
    return {key: entry for key, entry in value.items() if entry is not None} if isinstance(value, dict) else value


def _check_delimiter(value: str) -> str:
    value = {"\\t": "\t", "tab": "\t"}.get(value.lower(), value)
    if len(value) != 1 or not value.isascii():
        raise ValueError("expected one character, as a comma")
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

    name: str
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
    entity = next((entity for entity in entities if entity.name == name), None)
    if entity is None:
        names = ", ".join(sorted(entity.name for entity in entities)) or "none"
        raise SourceUnreadable(f"{file.name} has no entity {name!r}, expected one of: {names}; correct entity.")
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
        return Model.model_validate(json.loads(written))
    except ValueError as error:  # JSON, its encoding, or pydantic's ValidationError
        raise SourceUnreadable(f"{file.name} is not a model.json: {_describe(error)}.") from None


def _describe(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"at {where or 'its top'}: {first['msg']}; check that the folder is one that Customer Insights wrote"
    return "it is not JSON, or is being written at this moment; read it again, or have it written anew"

"""An entity of a Customer Insights export as a segment: the rows of its partitions, in the types it declares.

The layout of such a folder:
https://learn.microsoft.com/en-us/dynamics365/customer-insights/data/export-azure-blob-storage

    model.json
    <Entity>/<yyyy>/<MM>/<dd>/<HHmm>/<Entity>_<N>.csv      a dated folder for each refresh; older ones stay

Its parts: model.json (model_json.py), where the partitions lie (partitions.py), the values (declared_types.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl
import polars.selectors as cs

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.exports import CustomerInsightsSource
from klaviyo_assets.segments.csv_layout import CsvLayout, FirstRecord, read_first_record
from klaviyo_assets.segments.csv_rows import check_rows, scan_texts
from klaviyo_assets.segments.declared_types import PARTITION, ROW, check_fit, convert
from klaviyo_assets.segments.model_json import Attribute, Entity, read_entity
from klaviyo_assets.segments.partitions import PartitionFile, find_partitions, refresh_facts
from klaviyo_assets.segments.places import Place, SourceFile, looking_up, missing, resolve
from klaviyo_assets.segments.refresh_mark import mark_of
from klaviyo_assets.segments.transcoding import as_utf8
from klaviyo_assets.segments.unreadable import reading

MODEL: Final = "model.json"


@dataclass(frozen=True)
class CustomerInsightsReader:
    """Reads one entity of the folder of a `CustomerInsightsSource`."""

    source: CustomerInsightsSource
    root: Path

    def read_customers(self) -> pl.LazyFrame:
        """See `SegmentReader`: the rows of all partitions, with the columns and types that model.json declares."""
        with reading(self._name):
            folder = find_model_folder(self.source.path, root=self.root)
            entity = read_entity(folder.file(MODEL), self.source.entity)
            return scan_entity(entity, find_partitions(folder, entity))

    def read_refresh_mark(self) -> str:
        """See `SegmentReader`: a digest of the partitions' locations and times of refresh.

        Not of `modifiedTime`: that is when the definition was changed.
        """
        with reading(self._name):
            folder = find_model_folder(self.source.path, root=self.root)
            return mark_of(refresh_facts(folder, read_entity(folder.file(MODEL), self.source.entity)))

    @property
    def _name(self) -> str:
        return f"Entity {self.source.entity!r}"


def find_model_folder(path: str, *, root: Path) -> Place:
    """The folder that holds model.json; the path may name the file too.

    Raises:
        SourceMissing: there is no model.json.
    """
    with looking_up(path):
        folder = resolve(path.removesuffix(MODEL), root=root)
        model = folder.file(MODEL)
        if not model.is_there():
            raise missing(model, "the model.json that Customer Insights writes")
        return folder


def scan_entity(entity: Entity, partitions: tuple[PartitionFile, ...]) -> pl.LazyFrame:
    """The rows of all partitions, in the columns and types that the entity declares."""
    texts = [_empty_texts(entity)]
    for number, partition in enumerate(partitions):
        with reading(f"Partition {partition.name!r}"):
            scan = _scan_partition(entity, partition)
        texts.append(scan.with_columns(pl.lit(number, pl.UInt32).alias(PARTITION), pl.col(ROW).cast(pl.UInt64)))
    columns = texts[0].collect_schema().names()
    united = pl.concat([scan.select(cs.by_name(*columns)) for scan in texts])
    fit = check_fit(united, entity.attributes, partitions=[partition.name for partition in partitions])
    return convert(united, entity.attributes, fit)


def _empty_texts(entity: Entity) -> pl.LazyFrame:
    texts = {attribute.name: pl.String() for attribute in entity.attributes}
    return pl.LazyFrame(schema={**texts, ROW: pl.UInt64(), PARTITION: pl.UInt32()})


def _scan_partition(entity: Entity, partition: PartitionFile) -> pl.LazyFrame:
    """The partition's rows as texts, with a column for each attribute, and `ROW`."""
    with as_utf8(partition.file, partition.settings.encoding) as file:
        layout = _find_layout(entity, partition, file)
        check_rows(file, layout)
        return scan_texts(file, layout, row_index=ROW)


def _find_layout(entity: Entity, partition: PartitionFile, file: SourceFile) -> CsvLayout:
    """The declared layout; a first row that holds the attributes' names is a header, whatever is declared."""
    settings = partition.settings
    quote = None if settings.quote_style.lower().endswith("none") else '"'
    layout = CsvLayout(tuple(attribute.name for attribute in entity.attributes), settings.delimiter, quote)
    first = read_first_record(file, separator=layout.separator, quote=layout.quote)
    if first is None:
        return layout
    if header := _match_header(first, entity.attributes):
        return replace(layout, columns=header, skip_rows=first.row + 1)
    if settings.column_headers:
        _refuse_header(partition, first, entity.attributes)
    return layout


def _match_header(first: FirstRecord, attributes: tuple[Attribute, ...]) -> tuple[str, ...] | None:
    """The attributes' names in the order of a header; None where the record is none."""
    names = {attribute.name.casefold(): attribute.name for attribute in attributes}
    header = tuple(names.get(value.strip().casefold(), "") for value in first.values)
    return header if sorted(header) == sorted(names.values()) else None


def _refuse_header(partition: PartitionFile, first: FirstRecord, attributes: tuple[Attribute, ...]) -> None:
    # Only declared names are told: what was declared a header may be a customer.
    found = {value.strip().casefold() for value in first.values}
    absent = [attribute.name for attribute in attributes if attribute.name.casefold() not in found]
    raise SourceUnreadable(
        f"Partition {partition.name!r} is declared with a header, and its first row holds {len(first.values)} values, "
        f"not among them {', '.join(map(repr, absent)) or 'others than the attributes'}; expected the "
        f"{len(attributes)} attributes' names: refresh the entity, so that model.json and partitions agree."
    )

"""A segment of Customer Insights as Azure Synapse Link for Dataverse writes it: profiles, and who is in which segment.

The folder has the layout of the Common Data Model (model_json.py, partitions.py), with a table each:
https://learn.microsoft.com/en-us/dynamics365/customer-insights/data/tables

    msdynci_customerprofile     a row for each unified profile
    msdynci_segmentmembership   a row for each profile: the names of its segments, as JSON
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.exports import SynapseLinkSource
from klaviyo_assets.frames import look_up
from klaviyo_assets.segments.customer_insights import MODEL, find_model_folder, scan_entity
from klaviyo_assets.segments.model_json import Attribute, Entity, read_entity
from klaviyo_assets.segments.partitions import find_partitions, refresh_facts
from klaviyo_assets.segments.places import Place
from klaviyo_assets.segments.refresh_mark import mark_of
from klaviyo_assets.segments.unreadable import reading

_PROFILES: Final = "msdynci_customerprofile"
_MEMBERSHIPS: Final = "msdynci_segmentmembership"
_KEYS: Final = {_PROFILES: "msdynci_customerprofileid", _MEMBERSHIPS: "msdynci_segmentmembershipid"}
_CUSTOMER: Final = "msdynci_customerid"
_SEGMENTS: Final = "msdynci_segments"
# What the link adds to every table. They tell of the copy, not of the customer, and their times have no stated form.
_DELETED: Final = "IsDelete"
_OF_THE_LINK: Final = ("SinkCreatedOn", "SinkModifiedOn", _DELETED)
_MOST_NAMES: Final = 20  # of segments, in an error


@dataclass(frozen=True)
class SynapseLinkReader:
    """Reads the members of one segment from the folder of a `SynapseLinkSource`."""

    source: SynapseLinkSource
    root: Path

    def read_customers(self) -> pl.LazyFrame:
        """See `SegmentReader`: the profiles of the segment's members, in the columns of the profiles' table."""
        with self._reading_folder() as folder:
            profiles, memberships = (_scan(folder, table) for table in (_PROFILES, _MEMBERSHIPS))
            members = memberships.select(_CUSTOMER, segments=_names_of_segments())
            self._check_segment(members)
            chosen = members.filter(pl.col("segments").list.contains(self.source.segment))
            joined = look_up(profiles, chosen, _CUSTOMER, "semi")
            return joined.drop(_OF_THE_LINK, strict=False)

    def read_refresh_mark(self) -> str:
        """See `SegmentReader`: a digest of both tables' files, and of their times of refresh where they are told."""
        with self._reading_folder() as folder:
            entities = [read_entity(folder.file(MODEL), table) for table in (_PROFILES, _MEMBERSHIPS)]
            return mark_of([fact for entity in entities for fact in refresh_facts(folder, entity)])

    @contextmanager
    def _reading_folder(self) -> Iterator[Place]:
        with reading(f"Segment {self.source.segment!r} of Synapse Link"):
            yield find_model_folder(self.source.path, root=self.root)

    def _check_segment(self, members: pl.LazyFrame) -> None:
        # A name that is written wrong would be an empty segment, which takes everybody off a list.
        names = (
            members.select(pl.col("segments").explode().drop_nulls().unique().sort()).collect().to_series().to_list()
        )
        if self.source.segment not in names:
            told = ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
            raise SourceUnreadable(
                f"No customer is in segment {self.source.segment!r}, expected one of: {told or 'none'}; correct the "
                f"segment's name, which is that of its output table, or wait until it is refreshed."
            )


def _scan(folder: Place, table: str) -> pl.LazyFrame:
    entity = _as_texts(read_entity(folder.file(MODEL), table))
    names = [attribute.name for attribute in entity.attributes]
    needed = [_CUSTOMER] if table == _PROFILES else [_CUSTOMER, _SEGMENTS]
    if absent := [name for name in needed if name not in names]:
        raise SourceUnreadable(
            f"Table {table!r} has no column {absent[0]!r}, expected one; link the table that Customer Insights writes."
        )
    rows = scan_entity(entity, find_partitions(folder, entity))
    if _DELETED in names and _KEYS[table] in names:
        _check_in_place(rows, table)
    return rows


def _as_texts(entity: Entity) -> Entity:
    attributes = [
        Attribute(name=each.name, dataType="string") if each.name in _OF_THE_LINK else each
        for each in entity.attributes
    ]
    return entity.model_copy(update={"attributes": tuple(attributes)})


def _check_in_place(rows: pl.LazyFrame, table: str) -> None:
    """A link that only appends keeps what was deleted and what was replaced, and states no order to tell them by."""
    is_deleted = pl.col(_DELETED).str.to_lowercase().is_in(["true", "1"])
    found = rows.select(deleted=is_deleted.any(), twice=pl.col(_KEYS[table]).is_duplicated().any()).collect().row(0)
    if any(found):
        raise SourceUnreadable(
            f"Table {table!r} keeps rows that were deleted or replaced, expected one row for each; link it with "
            f"in-place updates, not append only."
        )


def _names_of_segments() -> pl.Expr:
    """The list of names: the JSON is {"Segments": ["A", "B"]}, or the list alone."""
    text = pl.col(_SEGMENTS).str.strip_chars()
    names = pl.when(text.str.starts_with("[")).then(text).otherwise(text.str.json_path_match("$.Segments"))
    return names.str.json_decode(pl.List(pl.String))

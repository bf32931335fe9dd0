"""The export of both contenders that are this project: the same declaration, whoever carries it out."""

from __future__ import annotations

from datetime import date
from typing import Final

from benchmarks.contenders.setting import FIELDS, PROPERTIES, Setting
from benchmarks.local_klaviyo import LIST_NAME
from klaviyo_assets import Consent, Export, Fields, FileSource, KlaviyoConnection, Limits, Match, Segment

CONNECTION: Final = KlaviyoConnection(
    name="bench", consent=Consent(agreed_by="ada@example.com", agreed_on=date(2026, 11, 23))
)
EXPORT: Final = Export(
    name="bench",
    connection="bench",
    list_name=LIST_NAME,
    segments=("segments/bench",),
    match=Match(email=FIELDS["email"]),
    fields=Fields(properties=PROPERTIES, **{name: column for name, column in FIELDS.items() if name != "email"}),
    leavers="remove",
    limits=Limits(max_profiles=10_000_000),
)


def segment(setting: Setting) -> Segment:
    """The customers."""
    return Segment(name="bench", source=FileSource(type="parquet", path=str(setting.customers)))

"""What a person configures: connections, segments, exports, their field maps and limits.

Each class is one kind of declaration, with the names that a declaration uses, in YAML and in Python alike.
What can be judged from one declaration alone is judged here, when it is made; what needs several of them, or
Dagster, is judged where they meet, in `orchestration`. Nothing here reads a file, an environment or a network.
"""

from klaviyo_assets.exports.connection import CONSENT_MEANING, Consent, KlaviyoConnection
from klaviyo_assets.exports.export import EVERY_REFRESH, LARGEST_EXPORT, OFF, Export, Limits
from klaviyo_assets.exports.field_map import FieldMap, Fields, Location, Match
from klaviyo_assets.exports.segment import (
    CustomerInsightsSource,
    DeltaSource,
    FileSource,
    Segment,
    Source,
    SqlSource,
    SynapseLinkSource,
)
from klaviyo_assets.exports.values import Declaration

__all__ = [
    "CONSENT_MEANING",
    "EVERY_REFRESH",
    "LARGEST_EXPORT",
    "OFF",
    "Consent",
    "CustomerInsightsSource",
    "Declaration",
    "DeltaSource",
    "Export",
    "FieldMap",
    "Fields",
    "FileSource",
    "KlaviyoConnection",
    "Limits",
    "Location",
    "Match",
    "Segment",
    "Source",
    "SqlSource",
    "SynapseLinkSource",
]

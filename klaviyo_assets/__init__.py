"""Klaviyo lists as Dagster assets: which segment goes to which list is declared, and the list stays equal to it.

    segments ──read──▶ mapping ──map──▶ plan ──diff──▶ delivery ──▶ Klaviyo list
    where customers    who can become   what would     carries it       │
    come from          a profile        change         out              ▼
                          │                ▲            │             report ──▶ metadata, checks
                          └──▶ rejections  └── ledger ◀─┘
                                               what we put there, exactly as we sent it

`exports` holds what a person configures, `klaviyo` the API, `orchestration` Dagster on top of all, `sandbox` a local
Klaviyo to try it with. `defs` is what this deployment exports, `definitions` what `dagster dev` loads.
"""

from klaviyo_assets.exports import (
    Consent,
    CustomerInsightsSource,
    DeltaSource,
    Export,
    Fields,
    FileSource,
    KlaviyoConnection,
    Limits,
    Location,
    Match,
    Segment,
    SqlSource,
    SynapseLinkSource,
)
from klaviyo_assets.orchestration.build import build_defs
from klaviyo_assets.orchestration.components import (
    KlaviyoConnectionComponent,
    KlaviyoExportComponent,
    SegmentComponent,
)

__all__ = [
    "Consent",
    "CustomerInsightsSource",
    "DeltaSource",
    "Export",
    "Fields",
    "FileSource",
    "KlaviyoConnection",
    "KlaviyoConnectionComponent",
    "KlaviyoExportComponent",
    "Limits",
    "Location",
    "Match",
    "Segment",
    "SegmentComponent",
    "SqlSource",
    "SynapseLinkSource",
    "build_defs",
]

"""Whether each export has a job and sensors of its own, or all share them: a setting of the whole project.

Dagster evaluates each sensor, and writes down each job with all that it needs, so that both cost what they cost times
the number of exports. What is shared is in `shared.py`; what an export does is the same either way.
"""

from __future__ import annotations

import os
from collections.abc import Sized
from typing import Final, Literal, TypeAlias, get_args

from klaviyo_assets.errors import DeclarationError

AUTOMATION_ENV: Final = "KLAVIYO_ASSETS_AUTOMATION"

Automation: TypeAlias = Literal["each", "shared"]
EACH: Final = "each"
SHARED: Final = "shared"

MANY: Final = 100  # exports from which on sharing is advised


def find_automation(declared: Automation | None = None) -> Automation:
    """What is declared in Python, or else what the environment says when the project is loaded.

    Raises:
        DeclarationError: it is neither of the two.
    """
    found = declared or os.environ.get(AUTOMATION_ENV) or EACH
    for automation in get_args(Automation):
        if found == automation:
            return automation  # type: ignore[no-any-return]
    where = "automation" if declared else AUTOMATION_ENV
    raise DeclarationError(
        f"{where}: found {found!r}, expected each (a job and sensors for each export) or shared (one of each for all); "
        f"write one of the two, or take it away."
    )


def advise_sharing(exports: Sized) -> list[str]:
    """A sentence for whoever has many exports, each with a job and sensors of its own."""
    if len(exports) < MANY or find_automation() == SHARED:
        return []
    return [
        f"{AUTOMATION_ENV} is not set to shared: found {len(exports)} exports, each with a job and sensors of its own, "
        f"expected fewer than {MANY}; set it where Dagster loads the project and starts its runs, so that it loads "
        f"sooner and ticks in a fraction of the time (docs/operations.md, Many exports)."
    ]

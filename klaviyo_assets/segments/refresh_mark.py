"""The token that changes when a source was refreshed: a digest of what tells one refresh from another.

What tells them apart is the reader's knowledge; here it becomes a mark. Nothing here reads anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable


def mark_of(facts: Iterable[tuple[str, str]]) -> str:
    """A digest of facts as (name of a part of the source, its version); their order does not matter.

    hashlib, because a mark outlives the process: `hash()` and Polars' hashes differ between processes or versions.
    """
    written = json.dumps(sorted(facts), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode("utf-8", "surrogateescape")).hexdigest()

"""What is told of sources that cannot be read, once it is seen to be a clear end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.exports import CustomerInsightsSource, FileSource
from klaviyo_assets.segments import open_source, reading

SECRET = "ada@secret.example.com"


def told(source: FileSource | CustomerInsightsSource, root: Path, files: Mapping[str, bytes]) -> str:
    """The message with which reading ends; it has a remedy, and quotes none of the data, which all says `secret`."""
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)

    with pytest.raises(SourceUnreadable) as failure, reading("the source"):
        open_source(source, root=root).read_customers().collect()

    message = str(failure.value).replace(str(root), "")
    assert "secret" not in message
    _, _, remedy = message.rpartition("; ")
    assert remedy != message or ": " in message
    assert message.endswith(".")
    return message

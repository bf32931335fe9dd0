"""What a contender's program finds in its environment, and what a row of the segment is to Klaviyo; no library."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FIELDS: Final = {
    "email": "EMail",
    "first_name": "FirstName",
    "last_name": "LastName",
    "title": "Title",
    "phone_number": "Mobile",
    "external_id": "CustomerId",
}
PROPERTIES: Final = {
    "tier": "tier",
    "lifetime value": "ltv",
    "orders": "orders",
    "newsletter": "newsletter",
    "since": "since",
}


@dataclass(frozen=True)
class Setting:
    """Where a contender is, and whom it talks to.

    Attributes:
        folder: its own, with the customers.
        customer_count: how many there are before any has left.
        is_limited: whether Klaviyo's limits hold.
    """

    folder: Path
    url: str
    key: str
    list_id: str
    customer_count: int
    is_limited: bool

    @property
    def customers(self) -> Path:
        """The segment."""
        return self.folder / "customers.parquet"


def read_setting() -> Setting:
    """The setting of this process."""
    return Setting(
        folder=Path(os.environ["BENCH_FOLDER"]),
        url=os.environ["KLAVIYO_API_URL"],
        key=os.environ["KLAVIYO_API_KEY"],
        list_id=os.environ["BENCH_LIST_ID"],
        customer_count=int(os.environ["BENCH_COUNT"]),
        is_limited=os.environ["BENCH_LIMITS"] == "real",
    )


def read_words() -> list[str]:
    """What the program was asked: a case, or `prepare` and a case."""
    return sys.argv[1:]


def profile_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the segment as a profile of a bulk import, without what is empty."""
    properties = {name: row[column] for name, column in PROPERTIES.items() if row[column] is not None}
    properties["since"] = properties["since"].isoformat()
    attributes = {name: row[column] for name, column in FIELDS.items() if row[column] is not None}
    return {"type": "profile", "attributes": {**attributes, "properties": properties}}


def bulk_import(profiles: list[dict[str, Any]], list_id: str | None) -> dict[str, Any]:
    """The body of a bulk import that puts everybody on a list, if one is given."""
    lists = {"lists": {"data": [{"type": "list", "id": list_id}]}}
    data = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": profiles}},
        **({"relationships": lists} if list_id else {}),
    }
    return {"data": data}

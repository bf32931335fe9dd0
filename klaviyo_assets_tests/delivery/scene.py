"""A stage for deliveries: a sandbox whose clock the client moves, a storage folder, and an export between them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from unittest.mock import patch

import polars as pl
from upath import UPath

from klaviyo_assets.delivery import Order, deliver, ledgers
from klaviyo_assets.delivery.world import World
from klaviyo_assets.exports import Consent, Export, KlaviyoConnection
from klaviyo_assets.frames import REFUSALS
from klaviyo_assets.klaviyo import Client, Session
from klaviyo_assets.klaviyo.transport import Transport
from klaviyo_assets.ledger import DeltaLedger, fold
from klaviyo_assets.report import Report
from klaviyo_assets.sandbox import RunningSandbox
from klaviyo_assets_tests.delivery.worlds import Fate, FatedTransport, fated_ledger
from klaviyo_assets_tests.frames_made import profiles, rejections

CONNECTION = KlaviyoConnection(
    name="contoso", consent=Consent(agreed_by="ada@example.com", agreed_on=date(2026, 11, 23))
)
People = Mapping[str, Any]


def export(**changes: Any) -> Export:
    """An export that removes leavers from the list VIP, but for the changes."""
    facts: dict[str, Any] = {
        "name": "vip",
        "connection": "contoso",
        "segments": ["segments/vip"],
        "match": {"email": "EMail"},
        "leavers": "remove",
        "limits": {"max_removed_share": 1},
    }
    target = {} if "list_id" in changes else {"list_name": "VIP"}
    return Export(**{**facts, **target, **changes})


def payload(email: str, value: Any, external_id: str | None) -> str:
    """The fragment of JSON for a person with these attributes, or with one property; and an external id if any."""
    known = {"external_id": external_id} if external_id else {}
    attributes = value if isinstance(value, Mapping) else {"properties": {"value": value}}
    return json.dumps({"type": "profile", "attributes": {"email": email, **known, **attributes}})


@dataclass
class Scene:
    """One export, its storage, and the sandbox that it goes to.

    Attributes:
        world: what else a test decides.
        lines: what the deliveries logged.
    """

    sandbox: RunningSandbox
    storage: UPath
    world: World = field(default_factory=World)
    lines: list[str] = field(default_factory=list)
    _runs: Iterator[int] = field(default_factory=itertools.count)

    def run(
        self,
        people: People,
        *,
        rejected: Sequence[tuple[str | None, str]] = (),
        external_ids: Mapping[str, str] | None = None,
        dropped: Mapping[str, str] | None = None,
        key: str | None = None,
        connection: KlaviyoConnection = CONNECTION,
        order: Mapping[str, Any] | None = None,
        fate: Fate | None = None,
        read: Callable[[pl.LazyFrame], pl.LazyFrame] = lambda stored: stored,
        **changes: Any,
    ) -> Report:
        """Deliver a segment of people, given as address to value, or to attributes of the profile; `read` is how."""
        ids = external_ids or {}
        payloads = {email: payload(email, value, ids.get(email)) for email, value in people.items()}
        segment = profiles(payloads, ids, dropped).pipe(read)
        with self.client(key, fate) as client, ledgers_of(fate):
            return deliver(
                Order(export(**changes), connection, f"run-{next(self._runs)}", **(order or {})),
                profiles=segment,
                rejections=rejections(rejected),
                client=client,
                storage=self.storage,
                log=self.lines.append,
                world=self.world,
            )

    @contextmanager
    def client(self, key: str | None = None, fate: Fate | None = None) -> Iterator[Client]:
        """A client that lives in the sandbox's time: waiting moves its clock, and takes no time."""
        url, key = self.sandbox.url, key or self.sandbox.key
        transport = FatedTransport(fate, api_key=key, api_url=url) if fate else Transport(api_key=key, api_url=url)
        clock = self.sandbox.state
        with Session(transport, api_url=url, now=clock.now, sleep=self.sandbox.advance) as session:
            yield Client(session)

    def members(self, report: Report) -> dict[str, Any]:
        """Who is on the list, by the sandbox's own account: address to value."""
        assert report.list_id is not None
        return {m["email"]: m["properties"].get("value") for m in self.sandbox.members(report.list_id)}

    def fields(self, email: str) -> dict[str, Any]:
        """What a profile holds, by the sandbox's own account: `first_name`, `location.city`, `properties`."""
        found = next(each for each in self.sandbox.profiles() if each["email"] == email)
        own = {**found["attributes"], "phone_number": found["phone_number"]}
        place = {f"location.{name}": value for name, value in (own.pop("location", None) or {}).items()}
        return {
            "properties": found["properties"],
            **{name: value for name, value in {**own, **place}.items() if value is not None},
        }

    def ledger(self, report: Report, name: str = "vip") -> pl.DataFrame:
        """The LEDGER of the export's list."""
        folder = self.storage / "ledgers" / name / report.account_id / str(report.list_id)
        return fold(DeltaLedger(folder).read_receipts()).sort("email").collect()

    def sent(self) -> list[str]:
        """Method and path of the requests since the log was cleared."""
        return [f"{request.method} {request.path.split('?')[0]}" for request in self.sandbox.requests()]


def ledgers_of(fate: Fate | None) -> AbstractContextManager[object]:
    """Within the block, ledgers are written as long as fate allows."""
    return patch.object(ledgers, "DeltaLedger", fated_ledger(fate)) if fate else nullcontext()


def crowd(count: int, value: Any = 1, *, first: int = 0) -> dict[str, Any]:
    """So many people, all with the same value."""
    return {f"p{number}@example.com": value for number in range(first, first + count)}


def refusals(report: Report) -> list[tuple[str, str, str]]:
    """Address, code and field of each refusal."""
    assert report.refusals.schema == REFUSALS
    return sorted(report.refusals.select("email", "code", "field").rows())


def accounted(report: Report) -> bool:
    """Whether every row that was read is somewhere in the report."""
    parts = ("added", "updated", "unchanged", "rejected", "refused", "pending")
    return bool(report.rows_read == sum(getattr(report, part) for part in parts))

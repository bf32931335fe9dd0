"""What is asked of one delivery, and what it works with. What is done with it belongs to the other modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Self

import polars as pl
from upath import UPath

from klaviyo_assets.delivery.progress import Progress
from klaviyo_assets.delivery.world import World
from klaviyo_assets.exports import Export, KlaviyoConnection
from klaviyo_assets.klaviyo import Client
from klaviyo_assets.ledger import Forgotten, Remembered
from klaviyo_assets.report import Phases


@dataclass(frozen=True)
class Order:
    """What is asked of one delivery.

    Attributes:
        export: which segments go to which list.
        connection: the account.
        run_id: who asks; it stands on every receipt.
        others: the other exports that are declared, which may fill the same list or send the same people.
        dry_run: plan and guard, and send nothing.
        allow_mass_removal: pass over `max_removed_share` this once.
        reconcile: read the list first, and repair what differs from the ledger.
        resend_all: send everybody's fields again.
    """

    export: Export
    connection: KlaviyoConnection
    run_id: str
    others: Sequence[Export] = ()
    dry_run: bool = False
    allow_mass_removal: bool = False
    reconcile: bool = False
    resend_all: bool = False


@dataclass(frozen=True)
class Work:
    """What a delivery works with.

    Attributes:
        profiles: PROFILES of the segment.
        rejections: REJECTIONS of the segment.
        client: the account.
        storage: where ledgers, leases and what is remembered are kept.
        world: time, names, and requests at once.
    """

    order: Order
    profiles: pl.LazyFrame
    rejections: pl.LazyFrame
    client: Client
    storage: UPath
    progress: Progress
    world: World
    phases: Phases = field(default_factory=Phases)

    @property
    def remembered(self) -> Remembered:
        """What earlier deliveries learned once."""
        return Remembered(self.storage)

    @property
    def forgotten(self) -> Forgotten:
        """Whom nobody may send again."""
        return Forgotten(self.storage)

    def without_forgotten(self) -> Self:
        """The same, without anybody who must not be sent again."""
        profiles, rejections = self.forgotten.withhold(self.profiles, self.rejections)
        return replace(self, profiles=profiles, rejections=rejections)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """The block is this step: it is shown, and its time is counted."""
        self.progress.begin(name)
        with self.phases.measure(name):
            yield

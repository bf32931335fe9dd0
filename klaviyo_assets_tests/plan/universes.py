"""Random but related inputs of a plan: a segment, and a ledger that is this segment some time ago.

A universe is a handful of people who have nothing to do with those of any other, so that one plan of thousands of
universes is as many independent cases. What should come of one stands in `oracle`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from klaviyo_assets.frames import LEDGER, PROFILES, REJECTIONS
from klaviyo_assets_tests.frames_made import NOON, made

# Field to value, in the order of a payload; a property's name stands as JSON writes it.
FIELDS = ["first_name", "phone_number", "location.city", "location.latitude", "properties.a.b", r"properties.\"ä\""]
UNCLEARED = ["first_name", "phone_number", "location.city", "title"]
DROPPED = [None, None, "phone_invalid", "latitude_invalid", "phone_shared,latitude_invalid", "external_id_shared"]
RULES = ["not_opted_in", "too_large", "email_duplicate"]
Attributes = Mapping[str, int]


@dataclass(frozen=True)
class Known:
    """A person as the ledger has her."""

    payload: str | None
    sent: frozenset[str]
    uncleared: tuple[str, ...] | None
    external_id: str | None
    incomplete: bool
    ours: bool
    open: bool


@dataclass(frozen=True)
class Person:
    """What each side says of one address: `now` the segment, `known` the ledger, `others` other exports."""

    email: str
    now: Attributes | None
    external_id: str | None
    dropped: str | None
    rejected: tuple[str, ...]
    known: Known | None
    others: tuple[Attributes, ...]

    @property
    def payload(self) -> str:
        """What would be sent of her."""
        return payload(self.email, self.now or {})


Universe = tuple[Person, ...]


def payload(email: str, attributes: Attributes) -> str:
    """The payload of a person with these fields."""
    members = [f'"email":"{email}"', *(f'"{name}":{value}' for name, value in attributes.items() if "." not in name)]
    for part in ("location", "properties"):
        inner = [f'"{name[len(part) + 1 :]}":{value}' for name, value in attributes.items() if name.startswith(part)]
        members += [f'"{part}":{{{",".join(inner)}}}'] if inner else []
    return f'{{"type":"profile","attributes":{{{",".join(members)}}}}}'


def make_universe(seed: int, number: int) -> Universe:
    """The universe of this number."""
    chance = random.Random(f"{seed}/{number}")
    emails = [f"{name}@{number}.example" for name in "abcde"[: chance.randint(1, 5)]]
    ids = [None, *(f"{number}-{person}" for person in range(3))]
    return tuple(_person(email, ids, chance) for email in emails)


def _person(email: str, ids: list[str | None], chance: random.Random) -> Person:
    now = _attributes(chance) if chance.random() < 0.6 else None
    external_id = chance.choice(ids)
    others = tuple(_attributes(chance) for _ in range(chance.choice([0, 0, 1, 2])))
    known = _known(email, now, external_id, ids, chance) if chance.random() < 0.7 else None
    rejected = tuple(chance.sample(RULES, chance.choice([0, 0, 0, 1, 2])))
    return Person(email, now, external_id, chance.choice(DROPPED), rejected, known, others)


def _attributes(chance: random.Random) -> dict[str, int]:
    return {field: chance.randint(1, 2) for field in FIELDS if chance.random() < 0.6}


def _known(
    email: str, now: Attributes | None, external_id: str | None, ids: list[str | None], chance: random.Random
) -> Known:
    sent = _attributes(chance) if now is None or chance.random() < 0.5 else now
    is_confirmed = chance.random() < 0.9
    uncleared = chance.sample(UNCLEARED, chance.choice([1, 2])) if chance.random() < 0.3 else None
    return Known(
        payload=payload(email, sent) if is_confirmed else None,
        sent=frozenset(sent) if is_confirmed else frozenset(),
        uncleared=tuple(uncleared) if uncleared else None,
        external_id=external_id if chance.random() < 0.5 else chance.choice(ids),
        incomplete=chance.random() < 0.15,
        ours=chance.random() < 0.8,
        open=chance.random() < 0.15,
    )


def profiles(people: Iterable[Person]) -> pl.LazyFrame:
    """PROFILES of them."""
    rows: list[dict[str, Any]] = [
        {"email": each.email, "external_id": each.external_id, "payload": each.payload, "dropped": each.dropped}
        for each in people
        if each.now is not None
    ]
    return made(PROFILES, rows, segment="segments/vip", row=0).lazy()


def rejections(people: Iterable[Person]) -> pl.LazyFrame:
    """REJECTIONS of them."""
    rows = [{"email": each.email, "rule": rule} for each in people for rule in each.rejected]
    return made(REJECTIONS, rows, segment="segments/vip", row=0, reason="a reason").lazy()


def ledger(people: Iterable[Person]) -> pl.LazyFrame:
    """LEDGER of them."""
    rows = [
        {name: value for name, value in vars(each.known).items() if name != "sent"} | {"email": each.email}
        for each in people
        if each.known is not None
    ]
    return made(LEDGER, rows, joined_from=NOON, joined_until=NOON).lazy()


def others(people: Iterable[Person]) -> pl.LazyFrame:
    """What other exports send for them: `email` and `payload`."""
    rows = [{"email": each.email, "payload": payload(each.email, sent)} for each in people for sent in each.others]
    return pl.LazyFrame(rows, schema={"email": pl.String, "payload": pl.String})

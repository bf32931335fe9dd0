"""One thing that is wrong in a declaration: where it stands, and how it is told.

Every mistake reads `place: attribute: found …, expected …; remedy`. The place is file:line:column where the
declaration was read from a file. Whatever a sentence is made of, it passes through here, and addresses and
private keys do not get out. What is wrong is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any, Final

from klaviyo_assets.exports import Declaration, Export, KlaviyoConnection, Segment

AttributePath = tuple[str | int, ...]

LONGEST_SHOWN: Final = 60  # characters of a value; more of it helps nobody

# A word that begins as a key does, or what is long enough to be one, whatever it is glued to: not user_pk_id.
_PRIVATE_KEY: Final = re.compile(r"\bpk_\w*|\w*pk_\w{30,}")
_WORDS: Final = {KlaviyoConnection: "connection", Segment: "segment", Export: "export"}


@dataclass(frozen=True, order=True)
class Place:
    """A file, line and column, both from 1; line 0 where there is no file but only a name."""

    where: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.where}:{self.line}:{self.column}" if self.line else self.where


@dataclass(frozen=True, order=True)
class PlacedMistake:
    """A mistake as it is told; sorted by file, line and column."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {' '.join(redact(self.text).split())}"


@dataclass(frozen=True)
class Mistake:
    """A mistake within a declaration, wherever that was made.

    Attributes:
        path: the attribute, from the declaration's top; empty for the declaration as a whole.
        sentence: found …, expected …; remedy.
        declaration: whose mistake it is, where several were checked together.
        other: the declaration that it clashes with.
    """

    path: AttributePath
    sentence: str
    declaration: Declaration | None = None
    other: Declaration | None = None

    def __str__(self) -> str:
        return str(self.at(Place(described(self.declaration))))

    def at(self, place: Place, other: Place | None = None) -> PlacedMistake:
        """The mistake with its place, and the place of the declaration that it clashes with."""
        parts = [attribute_name(self.path), self.sentence + (f" (the other: {other})" if other else "")]
        return PlacedMistake(place, ": ".join(filter(None, parts)))


def described(declaration: Declaration | None) -> str:
    """The declaration as it is called where it stands in no file."""
    words = (word for kind, word in _WORDS.items() if isinstance(declaration, kind))
    return " ".join([next(words, "declaration"), getattr(declaration, "name", "")]).strip()


def attribute_name(path: AttributePath) -> str:
    """The attribute's name, as limits.max_profiles or segments[0]."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")


def shown(value: Any) -> str:
    """A value as a sentence may show it: short, and without addresses and keys."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, str):
        return _shown_text(value)
    return str(value) if isinstance(value, int | float | date) else f"a value of type {type(value).__name__}"


def redact(text: str) -> str:
    """The text with every address and every private key in it replaced by words; the mere sign '@' stays."""
    return re.sub(r"(?!'@')\S+@[^\s,;]+", "an address", _PRIVATE_KEY.sub("a private key", text))


def closest(word: Any, words: Iterable[str]) -> str | None:
    """The one of several words that was probably meant."""
    return next(iter(get_close_matches(str(word), words, n=1)), None)


def listed(words: Sequence[str], word: str = "or") -> str:
    """Words as they are listed in a sentence: a, b or c."""
    *most, last = words
    return f"{', '.join(most)} {word} {last}" if most else last


def _shown_text(text: str) -> str:
    if not text.strip():
        return "empty text"
    if _PRIVATE_KEY.search(text):
        return "a private key"
    if "@" in text:
        return "an address"
    short = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
    return '"' + " ".join(short.split()) + '"'

"""Whom nobody may send again, although nothing of them is kept: a digest of each address.

A mark is a file, `forgotten/<key>-<bucket>-<digest>`, which says since when; a random secret, `forgotten/key`, lies
beside it. The digest is HMAC-SHA256 with that secret. Addresses can be guessed, so that a digest without a secret would
tell who it is; a slow hash would make each delivery slow, and guessing only slower. Who has all of the storage can test
a guess. `<key>` is a digest too, by which a secret that is not the marks' own is noticed.

No segment is hashed row by row. The bucket is twenty bits of a sum over the address's bytes, weighted by the secret,
which Polars computes for a million rows at once, and in every version alike, as its own `hash` is not. Only the few
rows whose bucket has a mark are looked at one by one; the digest decides.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from typing import Final

import polars as pl
from upath import UPath

from klaviyo_assets.errors import LedgerError
from klaviyo_assets.frames import FORGOTTEN_RULE, PROFILES, REJECTIONS, look_up
from klaviyo_assets.ledger.private import create_text, list_files

REASON: Final = (
    "The person was forgotten by `klaviyo-assets forget`, and is not sent again: take the row out of its source."
)

_LONGEST: Final = 104  # bytes that the bucket is made of; no profile's address is longer than 100
_WORD: Final = 8
_WORDS: Final = _LONGEST // _WORD
_BUCKET: Final = 2**44  # what is over it of 64 bits are 20
_KEY: Final = "key"


class Forgotten:
    """The marks under one storage root."""

    def __init__(self, storage: UPath) -> None:
        self._folder = storage / "forgotten"

    def remember(self, email: str, *, at: datetime) -> None:
        """From now on nobody sends this address, in the form in which PROFILES have it.

        Args:
            email: the address.
            at: now; of an address that is forgotten already, the first time stays.

        Raises:
            LedgerError: the storage cannot be read or written.
        """
        if not self._marks():
            # Where there are marks, a secret that is lost is not to be replaced by another.
            with self._told(), suppress(FileExistsError):
                create_text(self._folder / _KEY, secrets.token_hex(32))
        mark = self._folder / self._mark(email)
        with self._told(), suppress(FileExistsError):
            create_text(mark, at.isoformat(timespec="seconds"))

    def pardon(self, email: str) -> bool:
        """Let the address be sent again, where it may not be now: whether it may not.

        Raises:
            LedgerError: the storage cannot be read or written.
        """
        marks = self._marks()
        mark = marks.get(self._mark(email)) if marks else None
        if mark is None:
            return False
        with self._told():
            mark.unlink()
        return True

    def since(self, email: str) -> datetime | None:
        """Since when the address may not be sent; None where it may.

        Raises:
            LedgerError: the storage cannot be read.
        """
        marks = self._marks()
        mark = marks.get(self._mark(email)) if marks else None
        if mark is None:
            return None
        with self._told():
            return datetime.fromisoformat(mark.read_text())

    def find(self, people: pl.LazyFrame) -> pl.DataFrame:
        """`email` of those of the people whom nobody may send, each once.

        Raises:
            LedgerError: the storage cannot be read.
        """
        marks = self._marks()
        if not marks:
            return pl.DataFrame(schema={"email": pl.String})
        buckets = pl.Series([int(name.split("-")[1], 16) for name in marks], dtype=pl.UInt64)
        placed = people.select("email", bucket=self._bucket(pl.col("email"))).drop_nulls("email")
        candidates = placed.filter(pl.col("bucket").is_in(buckets.implode())).unique().collect(engine="streaming")
        found = [email for email, bucket in candidates.iter_rows() if self._name(email, bucket) in marks]
        return pl.DataFrame({"email": found}, schema={"email": pl.String})

    def spare(self, people: pl.LazyFrame) -> pl.LazyFrame:
        """The rows, by their `email`, without those whom nobody may send.

        Raises:
            LedgerError: the storage cannot be read.
        """
        found = self.find(people)
        return people if found.is_empty() else look_up(people, found, "email", "anti")

    def withhold(self, profiles: pl.LazyFrame, rejections: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
        """PROFILES without whom nobody may send, and REJECTIONS with their rows, which do not hold their address.

        Raises:
            LedgerError: the storage cannot be read.
        """
        found = self.find(pl.concat([profiles.select("email"), rejections.select("email")]))
        if found.is_empty():
            return profiles, rejections
        names = REJECTIONS.names()
        withheld = [
            look_up(rows, found, "email", "semi")
            .with_columns(_nobody, rule=pl.lit(FORGOTTEN_RULE), reason=pl.lit(REASON))
            .select(names)
            for rows in (profiles, rejections)
        ]
        others = look_up(rejections, found, "email", "anti").select(names)
        kept = look_up(profiles, found, "email", "anti").select(PROFILES.names())
        return kept, pl.concat([others, *withheld])

    def _mark(self, email: str) -> str:
        return self._name(email, pl.select(self._bucket(pl.lit(email))).item())

    def _name(self, email: str, bucket: int) -> str:
        return f"{self._key_id}-{bucket:05x}-{hmac.digest(self._key, email.encode(), 'sha256').hex()}"

    def _bucket(self, email: pl.Expr) -> pl.Expr:
        weights = [pl.lit(weight, pl.UInt64) for weight in self._weights]
        text = email.str.pad_end(_LONGEST, "\0").cast(pl.Binary)
        words = (
            text.bin.slice(_WORD * place, _WORD).bin.reinterpret(dtype=pl.UInt64, endianness="little")
            for place in range(_WORDS)
        )
        # Sums and products of Polars wrap around, as those of the machine do.
        length = email.str.len_bytes().cast(pl.UInt64) * weights[-1]
        return sum((word * weight for word, weight in zip(words, weights, strict=False)), start=length) // _BUCKET

    @cached_property
    def _weights(self) -> list[int]:
        """A weight for each word, and one for the length; odd, so that none loses a bit."""
        parts = (hmac.digest(self._key, f"weight {place}".encode(), "sha256") for place in range(_WORDS + 1))
        return [int.from_bytes(part[:_WORD], "little") | 1 for part in parts]

    @cached_property
    def _key(self) -> bytes:
        with self._told():
            return bytes.fromhex((self._folder / _KEY).read_text())

    @cached_property
    def _key_id(self) -> str:
        return hmac.digest(self._key, b"key", "sha256")[:4].hex()

    def _marks(self) -> Mapping[str, UPath]:
        """The marks by their names, those that others made meanwhile too."""
        with self._told():
            marks = {each.name: each for each in list_files(self._folder) if each.name.count("-") == 2}
            if any(name.partition("-")[0] != self._key_id for name in marks):
                raise ValueError("a mark of another secret")
        return marks

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except FileExistsError:
            raise
        except (OSError, ValueError) as error:
            raise LedgerError(
                f"{self._folder}, which tells who must not be sent again, cannot be read or written, or its file `key` "
                f"is not that of its marks ({type(error).__name__}); nothing is sent without it: restore the folder "
                f"from a backup, and check that the storage is reachable and writable."
            ) from error


_nobody: Final = pl.lit(None, pl.String).alias("email")

"""Ids as Klaviyo gives them, drawn from a seed, so that two runs of a test see the same."""

from __future__ import annotations

import base64
import random
import string
from uuid import UUID

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PAIRS = [first + second for first in CROCKFORD for second in CROCKFORD]
ALPHANUMERIC = string.ascii_letters + string.digits


class Ids:
    """The ids of an account, or of a sandbox's requests. ULIDs only ever grow, so that by id is by age."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._ulid_count = 0
        self._latest_ms = 0
        self._prefix = ""
        self._middle = "".join(self._random.choices(CROCKFORD, k=8))

    def short(self) -> str:
        """Six letters and digits: a list or an account."""
        return "".join(self._random.choices(ALPHANUMERIC, k=6))

    def bulk_job(self, account_id: str, now: float) -> str:
        """Base64 of the account, chance, the time and more chance, as Klaviyo's are."""
        stem = f"{account_id}_maintenance.{self.short()}.{int(now)}.{self.short()}"
        return base64.urlsafe_b64encode(stem.encode()).decode().rstrip("=")

    def uuid(self) -> str:
        """That of a request."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def ulid(self, now: float) -> str:
        """26 characters: ten of time, and sixteen that count up where a ULID has chance."""
        milliseconds = int(now * 1000)
        if milliseconds > self._latest_ms:
            self._latest_ms, self._prefix = milliseconds, _base32(milliseconds, pairs=5)
        self._ulid_count += 1
        return self._prefix + self._middle + _base32(self._ulid_count, pairs=4)


def _base32(number: int, *, pairs: int) -> str:
    return "".join([PAIRS[(number >> 10 * place) & 1023] for place in range(pairs - 1, -1, -1)])

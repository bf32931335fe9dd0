"""The other side: a local Klaviyo in a process of its own, so that its work is nobody's; and what it was asked."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from klaviyo_assets.sandbox.api.endpoints import ENDPOINTS, on_path

KEY: Final = "pk_sandbox_00000000000000000000000000"
LIST_NAME: Final = "Bench"
BULK_IMPORT: Final = "POST /api/profile-bulk-import-jobs"
STEADY: Final = {f"{each.method} {each.path}": each.tier.steady for each in ENDPOINTS}
"""How many requests a minute Klaviyo takes of each endpoint."""

_AFTER_LIMITS_S: Final = 61.0  # the longest window that all endpoints have is a minute
_HEADERS: Final = {"Authorization": f"Klaviyo-API-Key {KEY}", "revision": "2026-07-15"}


@dataclass(frozen=True)
class Traffic:
    """What was asked.

    Attributes:
        requests: how many, by endpoint: "POST /api/lists".
        throttled_count: how many of them came too early, and were refused with 429.
    """

    requests: Mapping[str, int]
    throttled_count: int

    @property
    def body_count(self) -> int:
        """How many bulk imports."""
        return self.requests.get(BULK_IMPORT, 0)


class LocalKlaviyo:
    """A local Klaviyo that runs, and one list in it."""

    def __init__(self, url: str) -> None:
        self.url = url
        body = {"data": {"type": "list", "attributes": {"name": LIST_NAME}}}
        made = httpx.post(f"{url}/api/lists", json=body, headers=_HEADERS, trust_env=False).raise_for_status()
        self.list_id = str(made.json()["data"]["id"])

    def begin(self) -> None:
        """Give back every limit that was used up, let all bulk jobs end, and forget what was asked."""
        self._call("POST", "/clock", {"advance_s": _AFTER_LIMITS_S})
        self._call("DELETE", "/requests")

    def traffic(self) -> Traffic:
        """What was asked since the beginning."""
        return count_requests(self._call("GET", "/requests"))

    def member_count(self) -> int:
        """How many members the list has, once all bulk jobs have ended."""
        self._call("POST", "/clock", {"advance_s": _AFTER_LIMITS_S})
        account_id = self._call("GET", "/accounts")[0]["account_id"]
        lists = self._call("GET", f"/accounts/{account_id}/lists")
        return sum(each["member_count"] for each in lists if each["id"] == self.list_id)

    def add_account(self, account_id: str, key: str) -> None:
        """One more account, beside the one that is there from the start."""
        self._call("POST", "/accounts", {"account_id": account_id, "key": key})

    def list_sizes(self, account_id: str) -> list[int]:
        """How many members each list of an account has, once all bulk jobs have ended."""
        self._call("POST", "/clock", {"advance_s": _AFTER_LIMITS_S})
        return [each["member_count"] for each in self._call("GET", f"/accounts/{account_id}/lists")]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.url}/_sandbox{path}"
        return httpx.request(method, url, json=body, timeout=600, trust_env=False).raise_for_status().json()


def count_requests(requests: Sequence[Mapping[str, Any]]) -> Traffic:
    """The requests of the local Klaviyo's log, by endpoint; those of none by method and path."""
    return Traffic(
        requests=Counter(_endpoint(each["method"], each["path"]) for each in requests),
        throttled_count=sum(each["status"] == 429 for each in requests),
    )


def _endpoint(method: str, path: str) -> str:
    route = path.partition("?")[0].rstrip("/")
    found = on_path(route).get(method)
    return f"{method} {found[0].path if found else route}"


@contextmanager
def local_klaviyo(*options: str) -> Iterator[str]:
    """Its address, at a port that is free."""
    command = [sys.executable, "-m", "klaviyo_assets.sandbox", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        greeting = process.stdout.readline()
        try:
            yield next(word for word in greeting.split() if word.startswith("http"))
        finally:
            process.terminate()

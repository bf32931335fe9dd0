"""The floor: ready-made requests, sent by a bare client as fast as the limits allow; bulk jobs followed to their end.

What it takes to make the requests is no part of the floor: they are prepared. It reads, plans and records nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.cases import Case
from benchmarks.contenders.setting import Setting, bulk_import, profile_of, read_setting, read_words

M: Final = (10, 150)  # requests a second and a minute: bulk imports, removals
L: Final = (75, 750)  # look-ups
_BODY, _LOOKED_UP, _REMOVED = 10_000, 100, 1_000
_HEADERS: Final = {"revision": "2026-07-15", "Accept": "application/json", "Content-Type": "application/json"}
_POLL_S: Final = 0.5


def prepare(case: Case, setting: Setting) -> None:
    """Write the bodies of a case, or the addresses of who has left."""
    import polars as pl

    from benchmarks.customers import changed_customers, leavers

    if case is Case.LEFT:
        gone = leavers(setting.customer_count)["EMail"].str.to_lowercase().to_list()
        (setting.folder / "left.json").write_text(json.dumps(gone))
        return
    everybody = case is Case.FIRST
    frame = pl.read_parquet(setting.customers) if everybody else changed_customers(setting.customer_count)
    list_id = setting.list_id if everybody else None
    bodies = _folder_of(case, setting)
    bodies.mkdir()
    for number, part in enumerate(frame.iter_slices(_BODY)):
        profiles = [profile_of(row) for row in part.iter_rows(named=True)]
        (bodies / f"{number:04}.json").write_text(json.dumps(bulk_import(profiles, list_id)))


def run(case: Case, setting: Setting) -> None:
    """Send what was prepared, and write down how long that took."""
    headers = {**_HEADERS, "Authorization": f"Klaviyo-API-Key {setting.key}"}
    with httpx.Client(base_url=setting.url, headers=headers, timeout=120, trust_env=False) as client:
        started = time.perf_counter()
        if case is Case.LEFT:
            _remove(client, setting)
        else:
            bodies = sorted(_folder_of(case, setting).iterdir())
            _paced(bodies, lambda body: _import(client, body), M, setting)
            _follow(client)
        taken = time.perf_counter() - started
    (setting.folder / "wall_s").write_text(str(taken))


def _folder_of(case: Case, setting: Setting) -> Path:
    return setting.folder / f"bodies-{case}"


def _import(client: httpx.Client, body: Path) -> None:
    _answer(client, "POST", "/api/profile-bulk-import-jobs", content=body.read_bytes())


def _follow(client: httpx.Client) -> None:
    """Ask until no bulk job is left that has not ended; nobody else sends any."""
    query = {"filter": 'any(status,["queued","processing"])', "page[size]": "100"}
    while _answer(client, "GET", "/api/profile-bulk-import-jobs", params=query).json()["data"]:
        time.sleep(_POLL_S)


def _remove(client: httpx.Client, setting: Setting) -> None:
    emails = json.loads((setting.folder / "left.json").read_text())
    pages = _paced(_parts(emails, _LOOKED_UP), lambda part: _look_up(client, part, setting.list_id), L, setting)
    ids = [each for page in pages for each in page]
    _paced(_parts(ids, _REMOVED), lambda part: _take_off(client, part, setting.list_id), M, setting)


def _look_up(client: httpx.Client, emails: Sequence[str], list_id: str) -> list[str]:
    query = {"filter": f"any(email,{json.dumps(emails)})", "page[size]": "100", "fields[profile]": "email"}
    page = _answer(client, "GET", f"/api/lists/{list_id}/profiles", params=query).json()
    return [profile["id"] for profile in page["data"]]


def _take_off(client: httpx.Client, ids: Sequence[str], list_id: str) -> None:
    body = {"data": [{"type": "profile", "id": each} for each in ids]}
    _answer(client, "DELETE", f"/api/lists/{list_id}/relationships/profiles", json=body)


def _answer(client: httpx.Client, method: str, path: str, **sent: Any) -> httpx.Response:
    """The answer. A request of a busy second may come too late, together with those of the next: it is repeated."""
    while (answer := client.request(method, path, **sent)).status_code == httpx.codes.TOO_MANY_REQUESTS:
        time.sleep(float(answer.headers["Retry-After"]))
    return answer.raise_for_status()


def _parts(values: Sequence[str], size: int) -> list[Sequence[str]]:
    return [values[first : first + size] for first in range(0, len(values), size)]


def _paced(parts: Iterable[Any], send: Callable[[Any], Any], tier: tuple[int, int], setting: Setting) -> list[Any]:
    """What `send` answers for each part, each sent as early as the limits allow."""
    started = time.perf_counter()

    def send_at(number: int, part: Any) -> Any:
        due = started + (slot(number, tier) if setting.is_limited else 0)
        time.sleep(max(0.0, due - time.perf_counter()))
        return send(part)

    numbered = list(enumerate(parts))
    with ThreadPoolExecutor(10) as pool:
        return list(pool.map(lambda each: send_at(*each), numbered))


def slot(number: int, tier: tuple[int, int]) -> float:
    """When the n-th request may leave: so many a second, and so many a minute."""
    burst, steady = tier
    minute, within = divmod(number, steady)
    return minute * 60.5 + within // burst * 1.05


if __name__ == "__main__":
    *first, asked = read_words()
    (prepare if first else run)(Case(asked), read_setting())

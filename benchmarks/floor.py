"""The floor: ready-made bodies, posted by a bare client as fast as the limits allow, and followed to their end."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import polars as pl

BURST, BODY = 10, 10_000
HEADERS = {"revision": "2026-07-15", "Accept": "application/vnd.api+json", "Content-Type": "application/vnd.api+json"}


def write_bodies(customers: Path, list_id: str) -> list[bytes]:
    """The requests that the customers make, encoded beforehand: what encoding takes is no part of the floor."""
    frame = pl.read_parquet(customers)
    bodies = []
    for part in frame.iter_slices(BODY):
        profiles = [
            {
                "type": "profile",
                "attributes": {
                    "email": row["EMail"].lower(),
                    "first_name": row["FirstName"],
                    "phone_number": row["Mobile"],
                    "properties": {"ltv": row["ltv"], "orders": row["orders"], "newsletter": row["newsletter"]},
                },
            }
            for row in part.iter_rows(named=True)
        ]
        data = {
            "type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": profiles}},
            "relationships": {"lists": {"data": [{"type": "list", "id": list_id}]}},
        }
        bodies.append(json.dumps({"data": data}).encode())
    return bodies


def measure(url: str, key: str, customers: Path) -> float:
    """Seconds from the first body to the last bulk job's end."""
    headers = {**HEADERS, "Authorization": f"Klaviyo-API-Key {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        body = {"data": {"type": "list", "attributes": {"name": "Floor"}}}
        list_id = client.post("/api/lists", json=body).raise_for_status().json()["data"]["id"]
        bodies = write_bodies(customers, list_id)
        started = time.perf_counter()
        with ThreadPoolExecutor(BURST) as pool:
            jobs = set(pool.map(lambda n: _post(client, bodies[n], at=started + _slot(n)), range(len(bodies))))
        _follow(client, jobs)
        return time.perf_counter() - started


def _slot(number: int) -> float:
    """When the n-th request may leave: ten a second, a hundred and fifty a minute."""
    minute, within = divmod(number, 150)
    return minute * 60.5 + within // BURST * 1.05


def _post(client: httpx.Client, body: bytes, *, at: float) -> str:
    time.sleep(max(0.0, at - time.perf_counter()))
    answer = client.post("/api/profile-bulk-import-jobs", content=body).raise_for_status()
    return str(answer.json()["data"]["id"])


def _follow(client: httpx.Client, jobs: set[str]) -> None:
    while jobs:
        page = client.get("/api/profile-bulk-import-jobs?sort=-created_at&page[size]=100").raise_for_status().json()
        jobs -= {job["id"] for job in page["data"] if job["attributes"]["status"] == "complete"}
        time.sleep(0.5)

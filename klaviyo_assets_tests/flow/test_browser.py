"""What somebody sees who opens Dagster's page: lineage, a click, checks that pass, numbers.

With PICTURES set to a folder, the pictures of the README are taken on the way.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SLOW_MS = 180_000  # a machine that is busy takes its time with a run
EXPORT = "high_value_customers"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def addresses() -> Iterator[tuple[str, str]]:
    """Dagster's page and the local Klaviyo's, as `make dev` starts them."""
    web, klaviyo = free_port(), free_port()
    command = [sys.executable, "-m", "demo.dev", "--web-port", str(web), "--port", str(klaviyo), "--home", "test"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until_loaded(f"http://127.0.0.1:{web}", process)
            yield f"http://127.0.0.1:{web}", f"http://127.0.0.1:{klaviyo}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(90)


def wait_until_loaded(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return once the page knows the code location."""
    query = {"query": "{repositoriesOrError {... on RepositoryConnection {nodes {name}}}}"}
    deadline = time.monotonic() + 150
    with httpx.Client(trust_env=False, timeout=10) as client:
        while time.monotonic() < deadline:
            assert process.poll() is None, "dagster dev ended"
            with contextlib.suppress(httpx.TransportError, ValueError):
                answer = client.post(f"{url}/graphql", json=query).json()
                if answer["data"]["repositoriesOrError"].get("nodes"):
                    return
            time.sleep(0.5)
    raise AssertionError("dagster dev did not load")


@pytest.fixture
def page() -> Iterator[Page]:
    """A browser's page that is as large as a laptop's."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        opened = browser.new_page(viewport={"width": 1440, "height": 810})
        opened.set_default_timeout(SLOW_MS)
        yield opened
        browser.close()


def take_picture(page: Page, name: str) -> None:
    """Keep what the page shows, where pictures were asked for."""
    if folder := os.environ.get("PICTURES"):
        page.wait_for_timeout(1_500)
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_list_is_materialized_by_clicking(addresses: tuple[str, str], page: Page) -> None:
    """The export's lineage shows segment to list, a click delivers, checks pass, and the list tells its numbers."""
    dagster, klaviyo = addresses
    open_lineage(page, dagster, EXPORT)
    for asset in ("high_value_customers", "profiles", "rejections", "list"):
        expect(page.get_by_text(asset, exact=True).last).to_be_visible()

    page.get_by_role("button", name="Materialize all").click()
    expect(page.get_by_text("4 / 4 Passed")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text("2 / 2 Passed")).to_be_visible(timeout=SLOW_MS)
    take_picture(page, "lineage")

    page.goto(f"{dagster}/assets/klaviyo/{EXPORT}/list?view=events")
    for number in ("added", "unchanged", "rejected", "members", "requests"):
        expect(page.get_by_text(number, exact=True).first).to_be_visible()
    take_picture(page, "delivery")

    page.goto(f"{dagster}/assets/klaviyo/{EXPORT}/list?view=checks")
    for check in ("within_limits", "contract_limit", "refusals", "membership"):
        expect(page.get_by_text(check, exact=True).first).to_be_visible()

    page.goto(klaviyo)
    expect(page.get_by_text("High-value customers").first).to_be_visible()
    take_picture(page, "sandbox")


def test_delivery_under_way_is_seen_and_ended_by_clicking(addresses: tuple[str, str], page: Page) -> None:
    """The run's page tells how far a delivery is; somebody ends it there, and the next click brings the list about."""
    dagster, klaviyo = addresses
    order_fault(klaviyo, "POST", "/api/profile-bulk-import-jobs*", {"kind": "delay_answer", "delay_s": 100})
    open_lineage(page, dagster, "newsletter")
    with page.expect_response(lambda answer: "mutation" in str(answer.request.post_data)) as launched:
        page.get_by_role("button", name="Materialize all").click()
    run_id = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", launched.value.text())[0]
    page.goto(f"{dagster}/runs/{run_id}")
    expect(page.get_by_text("people confirmed").first).to_be_visible(timeout=SLOW_MS)
    take_picture(page, "under_way")
    page.goto(f"{dagster}/runs")
    expect(page.get_by_text("people confirmed").first).to_be_visible(timeout=SLOW_MS)
    take_picture(page, "progress")

    page.goto(f"{dagster}/runs/{run_id}")
    page.get_by_role("button", name="Terminate").click()
    page.get_by_role("dialog").get_by_role("button", name="Terminate").click()
    expect(page.get_by_text("Canceled").first).to_be_visible(timeout=SLOW_MS)
    httpx.delete(f"{klaviyo}/_sandbox/faults", trust_env=False).raise_for_status()

    open_lineage(page, dagster, "newsletter")
    page.get_by_role("button", name="Materialize all").click()
    expect(page.get_by_text("4 / 4 Passed")).to_be_visible(timeout=SLOW_MS)


def order_fault(klaviyo: str, method: str, path: str, effect: dict[str, Any]) -> None:
    """Have the local Klaviyo do this to the next request that matches."""
    fault = {"match": {"method": method, "path": path}, "do": effect}
    httpx.post(f"{klaviyo}/_sandbox/faults", json=fault, trust_env=False).raise_for_status()


def open_lineage(page: Page, dagster: str, export: str) -> None:
    """Everything that an export is made of."""
    page.goto(f"{dagster}/assets/klaviyo/{export}/list?view=lineage")
    page.get_by_role("button", name="All", exact=True).click()

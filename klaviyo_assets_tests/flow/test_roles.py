"""What a viewer of Dagster's page may do, as docs/roles.md says: see exports, and start or stop nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from klaviyo_assets.sandbox import Settings, serve
from klaviyo_assets_tests.docs.pages import code_of
from klaviyo_assets_tests.flow.deployed import UNPOOLED, deploy
from klaviyo_assets_tests.flow.served import Served, serving_page

VIEWERS: Final = "--read-only"
_ASSETS: Final = "{assetNodes {assetKey {path} description owners {... on UserAssetOwner {email}}}}"
_STOP: Final = """mutation ($id: String!) {stopRunningSchedule(id: $id) {__typename}}"""
_SCHEDULES: Final = "{repositoriesOrError {... on RepositoryConnection {nodes {schedules {name id}}}}}"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page that docs/roles.md gives to everybody, of a project with an export on a cron."""
    with serve(Settings()) as klaviyo:
        deployment = deploy(tmp_path_factory.mktemp("roles"), klaviyo, dagster_yaml=UNPOOLED)
        deployment.declare_export(schedule="0 5 * * *")
        with serving_page(deployment, VIEWERS) as served:
            yield served


def test_the_page_of_viewers_is_documented() -> None:
    """The option that makes a page for viewers is that of the documentation."""
    assert VIEWERS in code_of("roles.md", "")[1]


def test_a_viewer_sees_the_exports(page: Served) -> None:
    """Who may only look sees each export, with what is shared and who answers for it."""
    seen = {"/".join(node["assetKey"]["path"]): node for node in page.ask(_ASSETS)["assetNodes"]}
    assert "klaviyo/vip/list" in seen
    assert "`EMail`" in seen["klaviyo/vip/profiles"]["description"]
    assert seen["klaviyo/vip/list"]["owners"] == [{"email": "a@contoso.com"}]


@pytest.mark.parametrize("job", ["export_vip", "run_all_exports", "verify_main"])
def test_a_viewer_starts_nothing(page: Served, job: str) -> None:
    """Who may only look is refused each job, also where it is asked for without the page."""
    assert page.try_to_launch(job) == {"__typename": "UnauthorizedError"}
    with page.deployment.instance() as instance:
        assert instance.get_runs_count() == 0


def test_a_viewer_stops_no_schedule(page: Served) -> None:
    """Who may only look cannot stop an export's schedule."""
    (repository,) = page.ask(_SCHEDULES)["repositoriesOrError"]["nodes"]
    (schedule,) = repository["schedules"]
    assert schedule["name"] == "export_vip_schedule"
    assert page.ask(_STOP, id=schedule["id"])["stopRunningSchedule"] == {"__typename": "UnauthorizedError"}

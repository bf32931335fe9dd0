"""What a dry run tells before anything is sent."""

from __future__ import annotations

import polars as pl
import pytest

from klaviyo_assets.delivery.preview import count_new_profiles
from klaviyo_assets.errors import UnknownList
from klaviyo_assets.sandbox import AnswerWith, Flow
from klaviyo_assets_tests.delivery.scene import Scene, crowd


def test_dry_run_tells_who_would_be_new_to_the_account(scene: Scene) -> None:
    """Of a small segment everybody is looked up, and the number is exact."""
    scene.run(crowd(4), name="theirs", list_name="Theirs")
    report = scene.run(crowd(10), order={"dry_run": True})

    assert (report.added, report.new_profiles, report.new_profiles_margin) == (10, 6, 0)
    assert "New profiles in the account: 6." in report.summary()


def test_large_segment_is_estimated_from_a_sample(scene: Scene) -> None:
    """Of many people some are looked up, in few requests; the truth is within the margin that is told."""
    scene.run(crowd(5_000), name="theirs", list_name="Theirs")
    scene.sandbox.clear_requests()
    report = scene.run(crowd(20_000), order={"dry_run": True})

    assert report.new_profiles is not None
    assert report.new_profiles_margin is not None
    assert 0 < report.new_profiles_margin < 600
    assert abs(report.new_profiles - 15_000) <= 1.5 * report.new_profiles_margin
    assert len(scene.sent()) < 30


@pytest.mark.parametrize(("known", "total"), [(0, 20_000), (20_000, 20_000)], ids=["all-new", "none-new"])
def test_sample_of_one_kind_does_not_claim_to_be_exact(scene: Scene, known: int, total: int) -> None:
    """Where the sample found nobody of the other kind, the margin says that there may be some."""
    if known:
        scene.run(crowd(known), name="theirs", list_name="Theirs")
    with scene.client() as client:
        told = count_new_profiles(pl.Series(list(crowd(total)), dtype=pl.String), client=client)

    assert told.count == total - known
    assert 0 < told.margin < 100


def test_dry_run_tells_which_flows_would_start(scene: Scene) -> None:
    """With flows that are wanted their names are told; a key that may not read them is no error."""
    list_id = scene.sandbox.create_list("VIP", flows=(Flow("Flow01", "Welcome"), Flow("Flow02", "Old", archived=True)))
    report = scene.run(crowd(2), allow_flows=True, order={"dry_run": True})
    assert report.flows == ("Welcome",)

    scene.sandbox.order_fault(AnswerWith(403), method="GET", path=f"/api/lists/{list_id}")
    report = scene.run(crowd(2), allow_flows=True, order={"dry_run": True})
    assert report.flows is None
    assert "not known" in report.summary()


def test_dry_run_counts_as_the_delivery_then_does(scene: Scene) -> None:
    """What is foretold comes true, for every kind of change."""
    full = {"first_name": "Ada", "properties": {"value": 1}}
    scene.run({**crowd(10), "ada@example.com": full})
    people = {**crowd(3, value=2), **crowd(4, first=3), **crowd(5, first=20), "ada@example.com": {"last_name": "King"}}
    dry = scene.run(people, order={"dry_run": True})
    report = scene.run(people)

    assert (dry.added, dry.updated, dry.cleared, dry.removed) == (5, 4, 1, 3)
    assert (report.added, report.updated, report.cleared, report.removed) == (5, 4, 1, 3)


def test_dry_run_of_an_unknown_list_is_told(scene: Scene) -> None:
    """A list id that the account does not know is known to be wrong before anything is sent."""
    with pytest.raises(UnknownList, match="NOPE01"):
        scene.run(crowd(1), list_id="NOPE01", order={"dry_run": True})

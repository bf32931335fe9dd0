"""A list becomes equal to its segment, and stays so."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import polars as pl
import pytest

from klaviyo_assets.delivery.imports import Body, Submission
from klaviyo_assets.errors import ExportInactive, UnknownList, UnsafePlan
from klaviyo_assets_tests.delivery.scene import Scene, accounted, crowd, export

IMPORT = "POST /api/profile-bulk-import-jobs"


def test_first_delivery_puts_everybody_on_a_new_list(scene: Scene) -> None:
    """A list that is not there is created, and holds the segment's people with their fields."""
    people = crowd(25)
    report = scene.run(people, rejected=[(None, "email_missing")])

    assert scene.members(report) == people
    assert (report.added, report.rejected, report.members, report.ours) == (25, 1, 25, 25)
    assert report.rejected_by_rule == {"email_missing": 1}
    assert accounted(report)
    assert report.unfinished is None


def test_unchanged_segment_costs_three_small_requests(scene: Scene) -> None:
    """Where nothing changed, the account, the list and its count are asked for, and nothing is sent."""
    scene.run(crowd(5))
    scene.sandbox.advance(60)
    scene.sandbox.clear_requests()
    report = scene.run(crowd(5))

    assert scene.sent() == ["GET /api/accounts", f"GET /api/lists/{report.list_id}", f"GET /api/lists/{report.list_id}"]
    assert (report.unchanged, report.added, report.requests) == (5, 0, 3)


def test_changed_segment_sends_only_what_changed(scene: Scene) -> None:
    """Who joined, changed or left is sent; the list is equal to the segment again."""
    scene.run(crowd(20))
    people = {**crowd(15, first=5), **crowd(3, value=2, first=5), **crowd(4, first=40)}
    report = scene.run(people)

    assert scene.members(report) == people
    assert (report.added, report.updated, report.removed, report.unchanged) == (4, 3, 5, 12)
    assert accounted(report)


def test_leavers_stay_where_they_are_kept(scene: Scene) -> None:
    """With leavers: keep nobody leaves the list."""
    scene.run(crowd(3), leavers="keep")
    report = scene.run(crowd(1), leavers="keep")

    assert scene.members(report) == crowd(3)
    assert (report.removed, report.stayed) == (0, 2)


def test_who_was_on_the_list_before_stays(scene: Scene) -> None:
    """Members whom others added are never removed, though they were in the segment for a while."""
    list_id = scene.sandbox.create_list("VIP")
    scene.sandbox.put_on_list(list_id, ["p0@example.com", "other@example.com"])
    scene.sandbox.advance(3600)
    scene.run(crowd(3))
    report = scene.run(crowd(1, first=2))

    assert set(scene.members(report)) == {"p0@example.com", "other@example.com", "p2@example.com"}
    assert (report.removed, report.stayed) == (1, 1)


def test_who_was_there_before_stays_also_where_joining_again_moves_the_day(scene: Scene) -> None:
    """Whether Klaviyo keeps the first day of joining is not known: either way nobody who is not ours is removed."""
    scene.sandbox.change(rejoin_keeps_first=False)
    list_id = scene.sandbox.create_list("VIP")
    scene.sandbox.put_on_list(list_id, ["p0@example.com"])
    scene.sandbox.advance(3600)
    scene.run(crowd(2))
    report = scene.run(crowd(1, first=1))

    assert set(scene.members(report)) == {"p0@example.com", "p1@example.com"}


def test_who_joined_by_himself_between_our_deliveries_stays(scene: Scene) -> None:
    """A person on the list since another day than our bulk job's is somebody else's."""
    scene.run(crowd(2))
    report = scene.run(crowd(2))
    scene.sandbox.take_off_list(str(report.list_id), ["p0@example.com"])
    scene.sandbox.advance(timedelta(days=1).total_seconds())
    scene.sandbox.put_on_list(str(report.list_id), ["p0@example.com"])
    report = scene.run(crowd(1, first=1))

    assert set(scene.members(report)) == {"p0@example.com", "p1@example.com"}
    assert (report.removed, report.stayed) == (0, 1)
    assert scene.run(crowd(1, first=1)).stayed == 1


def test_leaver_who_is_not_on_the_list_is_reported_as_such(scene: Scene) -> None:
    """Whom staff took off the list was not removed by us, and is not looked for again."""
    report = scene.run(crowd(3))
    scene.sandbox.take_off_list(str(report.list_id), ["p0@example.com"])
    report = scene.run(crowd(1, first=2))

    assert (report.removed, report.not_found) == (1, 1)
    assert scene.ledger(report)["email"].to_list() == ["p2@example.com"]


def test_leaver_whose_address_was_changed_in_klaviyo_is_found_by_external_id(scene: Scene) -> None:
    """A profile that bears another address now is still the person whom we added."""
    report = scene.run(crowd(2), external_ids={"p0@example.com": "C-0"})
    scene.sandbox.change_email("p0@example.com", "new@example.com")
    report = scene.run(crowd(1, first=1))

    assert set(scene.members(report)) == {"p1@example.com"}
    assert (report.removed, report.not_found) == (1, 0)


def test_updates_do_not_put_anybody_back(scene: Scene) -> None:
    """A member whom staff took off the list gets his new fields, and stays off."""
    report = scene.run(crowd(2))
    scene.sandbox.take_off_list(str(report.list_id), ["p0@example.com"])
    report = scene.run(crowd(2, value=2))

    assert scene.members(report) == {"p1@example.com": 2}
    values = {p["email"]: p["properties"]["value"] for p in scene.sandbox.profiles()}
    assert values["p0@example.com"] == 2


def test_moved_customer_is_added_and_the_old_address_removed(scene: Scene) -> None:
    """A customer with a new address has the new one on the list, and not the old, under either policy."""
    for leavers in ("keep", "remove"):
        name = f"list-{leavers}"
        scene.run({"old@example.com": 1}, external_ids={"old@example.com": "7"}, leavers=leavers, list_name=name)
        report = scene.run(
            {"new@example.com": 1}, external_ids={"new@example.com": "7"}, leavers=leavers, list_name=name
        )

        assert set(scene.members(report)) == {"new@example.com"}


def test_dry_run_changes_nothing_anywhere(scene: Scene) -> None:
    """A dry run tells the plan, and neither creates the list nor sends or remembers anything."""
    report = scene.run(crowd(4), order={"dry_run": True})

    assert (report.dry_run, report.added, report.list_id, report.members) == (True, 4, None, None)
    assert [sent for sent in scene.sent() if not sent.startswith("GET")] == []
    assert not scene.storage.exists()


def test_guard_sends_nothing(scene: Scene) -> None:
    """A plan that is refused leaves the list as it is, and can be allowed for one run."""
    scene.run(crowd(20))
    scene.sandbox.clear_requests()
    with pytest.raises(UnsafePlan) as refused:
        scene.run(crowd(5), limits={})
    assert refused.value.limit == "max_removed_share"
    assert [sent for sent in scene.sent() if not sent.startswith("GET")] == []

    report = scene.run(crowd(5), limits={}, order={"allow_mass_removal": True})
    assert scene.members(report) == crowd(5)


@pytest.mark.parametrize(
    ("limits", "rejected", "limit"),
    [
        ({"max_profiles": 3}, [], "max_profiles"),
        ({"min_profiles": 5}, [], "min_profiles"),
        ({}, [(None, "email_missing")] * 5, "min_valid_share"),
    ],
    ids=["too-many", "too-few", "too-few-addresses"],
)
def test_segment_of_the_wrong_size_asks_klaviyo_nothing(
    scene: Scene, limits: dict[str, int], rejected: list[tuple[str | None, str]], limit: str
) -> None:
    """For a segment that is refused whatever the plan, no list is created, and no request is made at all."""
    with pytest.raises(UnsafePlan) as refused:
        scene.run(crowd(4), rejected=rejected, limits=limits)

    assert refused.value.limit == limit
    assert scene.sent() == []


def test_disabled_export_sends_nothing(scene: Scene) -> None:
    """An export that is not enabled asks Klaviyo nothing."""
    with pytest.raises(ExportInactive, match="enabled: true"):
        scene.run(crowd(1), enabled=False)

    assert scene.sent() == []


def test_unknown_list_is_told_before_anything_is_sent(scene: Scene) -> None:
    """A list id that the account does not know ends the run with what to do."""
    with pytest.raises(UnknownList, match="NOPE01"):
        scene.run(crowd(1), list_id="NOPE01")

    assert IMPORT not in scene.sent()


def test_large_segment_goes_in_bodies_within_the_limits(scene: Scene) -> None:
    """More people than fit into a body go in several, and all arrive; no limit is crossed."""
    people = crowd(21_000)
    report = scene.run(people)

    assert scene.members(report) == people
    assert scene.sent().count(IMPORT) == 3
    assert all(request.status != 429 for request in scene.sandbox.requests())


def test_end_of_a_bulk_job_is_noticed_at_most_an_eighth_late(scene: Scene) -> None:
    """Klaviyo is asked at once, then less and less often; a wait of seconds and one of minutes are told alike."""
    scene.sandbox.change(job_duration_s=60)
    scene.run(crowd(1))
    asked_at = [each.at for each in scene.sandbox.requests() if each.path.startswith("/api/profile-bulk-import-jobs")]
    sent_at, *looked_at = asked_at

    waits = [later - earlier for earlier, later in pairwise(looked_at)]
    allowed = [max(0.25, (at - sent_at) / 8) for at in looked_at]
    assert looked_at[-1] - sent_at > 30
    assert all(wait <= most + 0.1 for wait, most in zip(waits, allowed, strict=False))
    assert len(looked_at) < 40


def test_consent_is_never_touched(scene: Scene) -> None:
    """No request goes to a subscription or suppression endpoint."""
    scene.run(crowd(20))
    scene.run(crowd(5))

    assert not any("subscription" in sent or "suppression" in sent for sent in scene.sent())


def test_log_and_reports_name_nobody(scene: Scene) -> None:
    """Neither a line nor a report holds an address."""
    report = scene.run(crowd(3), rejected=[("marker@example.com", "email_duplicate")])

    assert scene.lines
    assert "@" not in "".join(scene.lines) + repr(report) + report.summary() + str(report.numbers())


def test_two_exports_to_one_list_keep_their_own_ledgers(scene: Scene) -> None:
    """What one export delivered, another does not take for its own."""
    scene.run(crowd(2), leavers="keep")
    order = {"others": [export(leavers="keep")]}
    report = scene.run(crowd(3), name="other", leavers="keep", order=order)

    assert (report.added, report.unchanged) == (3, 0)
    assert len(scene.ledger(report)) == 2
    assert len(scene.ledger(report, name="other")) == 3


def test_bodies_on_their_way_name_nobody() -> None:
    """A body, and what came of it, can be printed without showing who is in it."""
    people = pl.DataFrame({"email": ["marker@example.com"]})
    body = Body("1", "add", people)

    assert "marker" not in repr(body) + repr(Submission(body, people, people))

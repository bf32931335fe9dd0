"""How people are packed into bodies, and how bulk jobs are read."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_assets.klaviyo import cut_bodies, render_body
from klaviyo_assets.klaviyo.bulk import MOST_BYTES, MOST_PROFILES, parse_bulk_job, parse_failed_row


def people(sizes: list[int]) -> pl.DataFrame:
    """Payloads of these sizes, in bytes."""
    return _people(["x" * size for size in sizes])


def _people(payloads: list[str], unset: list[str | None] | None = None) -> pl.DataFrame:
    columns = {"payload": payloads, "unset": unset or [None] * len(payloads)}
    return pl.DataFrame(columns, schema={"payload": pl.String, "unset": pl.String})


@given(st.lists(st.integers(1, 100_000), max_size=120), st.integers(1, 50))
def test_bodies_are_cut_within_both_limits_and_lose_nobody(sizes: list[int], together: int) -> None:
    """Every body is within Klaviyo's limits, none could take its follower's first, and together they are all.

    In which parts the people come makes no difference.
    """
    frame = people(sizes)
    bodies = list(cut_bodies(frame.iter_slices(together)))

    assert pl.concat([people([]), *bodies]).equals(frame)
    lengths = [len(render_body(body, list_id="YafG4m")) for body in bodies]
    assert all(length <= MOST_BYTES for length in lengths)
    for length, following in zip(lengths, bodies[1:], strict=False):
        assert length + len(following["payload"][0]) > MOST_BYTES - 300


def test_bodies_are_cut_by_count() -> None:
    """Small payloads are cut at ten thousand."""
    assert [body.height for body in cut_bodies([people([2] * 25_000)])] == [MOST_PROFILES, MOST_PROFILES, 5_000]


def test_nobody_makes_no_body() -> None:
    """Without people there is nothing to send."""
    assert list(cut_bodies([people([])])) == list(cut_bodies([])) == []


@pytest.mark.parametrize("list_id", ["YafG4m", None])
def test_body_is_the_document_that_klaviyo_takes(list_id: str | None) -> None:
    """The join of payloads is the documented JSON; the list stands beside the attributes, not within."""
    people = _people(['{"type":"profile","attributes":{"email":"a@example.com"}}', '{"x":"ä\\n"}'])
    data = json.loads(render_body(people, list_id=list_id))["data"]

    assert data["type"] == "profile-bulk-import-job"
    assert data["attributes"]["profiles"]["data"][1] == {"x": "ä\n"}
    expected = {"lists": {"data": [{"type": "list", "id": list_id}]}} if list_id else None
    assert data.get("relationships") == expected


def test_properties_are_unset_beside_the_attributes() -> None:
    """Who has properties to be emptied says so in `meta`, and nobody else has one."""
    row = '{"type":"profile","attributes":{"email":"a@example.com"}}'
    data = json.loads(render_body(_people([row, row], [None, '["tier","a \\"b\\""]']), list_id=None))["data"]

    plain, unsetting = data["attributes"]["profiles"]["data"]
    assert plain == json.loads(row)
    assert unsetting == {**plain, "meta": {"patch_properties": {"unset": ["tier", 'a "b"']}}}


def test_what_is_unset_counts_for_the_size_of_a_body() -> None:
    """Bodies stay within the limit of bytes also where the names to be emptied are what is large."""
    names = json.dumps(["n" * 1_000])
    bodies = list(cut_bodies([_people(["{}"] * 9_000, [names] * 9_000)]))

    assert sum(body.height for body in bodies) == 9_000
    assert all(len(render_body(body, list_id="YafG4m")) <= MOST_BYTES for body in bodies)


def job(**facts: Any) -> dict[str, Any]:
    """A bulk job's resource as recorded."""
    attributes = {"status": "queued", "created_at": "2026-09-04T13:40:00+00:00", "total_count": 3, **facts}
    return {"type": "profile-bulk-import-job", "id": "J", "attributes": attributes}


@pytest.mark.parametrize(
    ("status", "is_over"),
    [("queued", False), ("processing", False), ("complete", True), ("cancelled", True), ("new", False)],
)
def test_when_a_bulk_job_is_over(status: str, is_over: bool) -> None:
    """Complete and cancelled jobs do no more; a status that nobody knows may."""
    assert parse_bulk_job(job(status=status)).is_over is is_over


def test_bulk_job_is_read_with_what_is_there() -> None:
    """Absent counters are none, both forms of times are read, and its lists are known."""
    lists = {"lists": {"data": [{"type": "list", "id": "YafG4m"}]}}
    got = parse_bulk_job({**job(completed_at="2026-09-04T13:40:25.697020+00:00", unheard_of=1), "relationships": lists})

    assert (got.completed_count, got.failed_count, got.list_ids) == (0, 0, ("YafG4m",))
    assert got.completed_at is not None
    assert (got.completed_at - got.created_at).total_seconds() == pytest.approx(25.69702)


@pytest.mark.parametrize(
    "payload",
    [
        {"email": " Ada@Example.com"},
        {"attributes": {"email": "ada@example.com"}},
        {"data": {"attributes": {"email": "ada@example.com"}}},
    ],
)
def test_failed_row_is_found_by_its_address(payload: dict[str, Any]) -> None:
    """Whatever Klaviyo wraps the row in, its address is found, as we would write it."""
    row = parse_failed_row({"attributes": {"code": "x", "source": {"pointer": "/data"}, "original_payload": payload}})

    assert (row.email, row.code, row.refusal) == ("ada@example.com", "x", None)
    assert "@" not in repr(row)


@pytest.mark.parametrize("attributes", [{}, {"original_payload": "text"}, {"original_payload": {"data": 1}}, None])
def test_failed_row_that_names_nobody(attributes: dict[str, Any] | None) -> None:
    """An error without a usable payload has a code and no address."""
    row = parse_failed_row({"attributes": attributes})

    assert (row.email, row.code) == (None, "invalid")

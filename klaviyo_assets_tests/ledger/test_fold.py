"""What any history adds up to, as plain Python knows it; and that a compaction anywhere in it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from klaviyo_assets.ledger import (
    compact,
    fold,
    fold_bulk_jobs,
    fold_existing,
    fold_heard_until,
    fold_open_bodies,
    fold_open_people,
    has_delivered,
)
from klaviyo_assets_tests.frames_made import NOON
from klaviyo_assets_tests.ledger.histories import History, Step, steps

some = st.lists(steps, max_size=12)


def told(given_steps: Sequence[Step]) -> History:
    """The history of these steps."""
    history = History()
    for step in given_steps:
        history.take(step)
    return history


def state(receipts: pl.LazyFrame) -> pl.DataFrame:
    """The LEDGER by address."""
    return fold(receipts).sort("email").collect()


@given(some)
def test_receipts_add_up_to_what_plain_python_makes_of_them(taken: list[Step]) -> None:
    """Whatever deliveries did and learned, the ledger is what took effect last on each person."""
    history = told(taken)

    assert_frame_equal(state(history.read().lazy()), history.as_ledger())


def check_same(one: pl.LazyFrame, other: pl.LazyFrame) -> None:
    """Both say the same of everything that a delivery asks a ledger for."""
    assert_frame_equal(state(one), state(other))
    bodies = [fold_open_bodies(each).sort("body").collect() for each in (one, other)]
    assert_frame_equal(*bodies)
    for body in bodies[0]["body"]:
        assert_frame_equal(*(fold_open_people(each, body).collect() for each in (one, other)))
    assert set(fold_existing(one).collect()["email"]) == set(fold_existing(other).collect()["email"])
    assert has_delivered(one) == has_delivered(other)


def step(kind: str, ending: str | None = "done", value: int = 1) -> Step:
    """A step with one person, an hour after the last one."""
    one = frozenset({"a@example.com"})
    return Step(kind, one, value, submitted=True, ending=ending, unlucky=frozenset(), hours=1)


_ONCE = (step("add"), step("remove"))  # somebody came and went


def check_compaction(before: Sequence[Step], after: Sequence[Step]) -> None:
    """A compaction between the steps is not noticed, neither at once nor after them."""
    count = told(before).read().height
    receipts = told([*before, *after]).read().lazy()
    fewer = compact(receipts.head(count), people_count=0, worth=-1)
    if fewer is None:
        assert not has_delivered(receipts.head(count))
        return
    check_same(fewer, receipts.head(count))
    check_same(pl.concat([fewer, receipts.slice(count)]), receipts)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([*_ONCE, step("existing"), step("adopted")], [], id="who-is-adopted"),
        pytest.param([step("add", "lost")], [step("add")], id="a-lost-addition"),
        pytest.param([step("add", "lost"), step("add"), step("remove")], [step("add")], id="and-one-that-is-over"),
        pytest.param([step("add"), step("update", value=2)], [step("clear")], id="a-field-to-empty"),
        pytest.param([step("add"), step("update", None)], [step("settle")], id="an-open-update"),
        pytest.param([step("add"), step("remove")], [], id="that-everybody-left"),
        pytest.param(
            [*_ONCE, step("existing"), step("adopted"), step("gone")], [step("existing")], id="who-was-adopted"
        ),
    ],
)
def test_what_a_compaction_remembers(before: list[Step], after: list[Step]) -> None:
    """Each kind of receipt that still counts outlives a compaction, and what is over does not count again."""
    check_compaction(before, after)


def test_an_addition_that_was_lost_before_a_removal_is_over() -> None:
    """Since when somebody may have joined by our doing is told by what was sent since he last left."""
    again = [step("add", "lost"), step("add")]
    history = told([*again, step("remove"), *again])

    assert_frame_equal(state(history.read().lazy()), history.as_ledger())


@settings(max_examples=60)  # each folds two histories several times
@given(some, some)
def test_a_compaction_changes_nothing_for_what_comes_after(before: list[Step], after: list[Step]) -> None:
    """Whenever a ledger is compacted, it says the same, at once and after all that follows."""
    check_compaction(before, after)


@settings(max_examples=60)
@given(some, some)
def test_people_are_decided_some_after_the_others(before: list[Step], after: list[Step]) -> None:
    """However few people's receipts are decided at once, what they come to is the same."""
    with pytest.MonkeyPatch.context() as few:
        few.setattr("klaviyo_assets.ledger.decisive._AT_ONCE", 3)
        history = told([*before, *after])
        assert_frame_equal(state(history.read().lazy()), history.as_ledger())
        check_compaction(before, after)


@given(some)
def test_a_compaction_knows_the_bulk_jobs_that_klaviyo_still_lists(taken: list[Step]) -> None:
    """Of bulk jobs of the last seven days it knows all, of others none that are not true, and it is not older."""
    receipts = told([*_ONCE, *taken]).read().lazy()
    fewer = compact(receipts, people_count=0, worth=-1)
    assert fewer is not None

    heard_until = fold_heard_until(receipts)
    told_by_jobs = receipts.filter(pl.col("event").is_in(["submitted", "settled"]))
    until = fold_heard_until(told_by_jobs)
    recent = told_by_jobs.filter(pl.col("joined_from") >= pl.lit(until) - timedelta(days=7)) if until else told_by_jobs
    assert fold_bulk_jobs(recent) <= fold_bulk_jobs(fewer) <= fold_bulk_jobs(receipts)
    assert until is None or until <= (fold_heard_until(fewer) or NOON) <= (heard_until or NOON)

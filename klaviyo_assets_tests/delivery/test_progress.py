"""Long work shows itself: what a line says, and that one comes at least every five seconds."""

from __future__ import annotations

import threading

import pytest

from klaviyo_assets.delivery.heartbeat import EVERY_S, Heartbeat
from klaviyo_assets.delivery.progress import Progress
from klaviyo_assets.klaviyo import Session
from klaviyo_assets.klaviyo.transport import Transport


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Stands still until it is moved."""
    return Clock()


def progress(clock: Clock, lines: list[str], figures: list[str]) -> Progress:
    """Nothing has happened yet."""
    url = "http://127.0.0.1:1"
    session = Session(Transport(api_key="pk_test", api_url=url), api_url=url, now=clock)
    session.request_count, session.waited_s = 42, 7.4
    return Progress(say=lines.append, show=figures.append, session=session)


def test_line_tells_share_rate_waits_and_time_left(clock: Clock) -> None:
    """After a quarter of the people in ten seconds, thirty are left, at the same rate."""
    lines, figures = list[str](), list[str]()
    told = progress(clock, lines, figures)
    told.begin("send")
    clock.now += 5
    told.watch(lambda: 250, total=1_000)
    clock.now += 10
    told.tell()

    figure = "25% of 1000 people confirmed, 25 a second, about 30 s left"
    assert figures == [figure]
    assert lines == [f"15 s, send: {figure}; 42 requests, 7 s held back by Klaviyo's limits."]


@pytest.mark.parametrize(
    ("done", "total", "figure"),
    [(0, 10, "0% of 10 people confirmed"), (0, 0, "nobody is sent yet"), (10, 10, "100% of 10 people confirmed")],
    ids=["none-done", "nothing-to-do", "all-done"],
)
def test_figure_at_the_ends(clock: Clock, done: int, total: int, figure: str) -> None:
    """Neither a beginning nor an end divides by nothing."""
    figures = list[str]()
    told = progress(clock, [], figures)
    told.watch(lambda: done, total=total)
    clock.now += 1
    told.tell()

    assert figures[0].startswith(figure)


def test_figure_that_cannot_be_shown_stops_no_line(clock: Clock) -> None:
    """Where the place for the figure fails, the lines go on."""
    lines, shown = list[str](), list[str]()

    def fail(figure: str) -> None:
        shown.append(figure)
        raise OSError(figure)

    url = "http://127.0.0.1:1"
    session = Session(Transport(api_key="pk_test", api_url=url), api_url=url, now=clock)
    told = Progress(say=lines.append, show=fail, session=session)
    told.tell()
    told.tell()

    assert (len(lines), len(shown)) == (2, 2)


def test_heart_beats_until_the_block_is_left() -> None:
    """Each beat comes again and again while the block lasts, and never after it."""
    beaten, count = threading.Event(), 0

    def beat() -> None:
        nonlocal count
        count += 1
        if count == 3:
            beaten.set()

    with Heartbeat([beat], every_s=0.001):
        assert beaten.wait(30)
    assert not [thread for thread in threading.enumerate() if thread.name == "klaviyo-heartbeat"]


def test_no_line_is_later_than_five_seconds() -> None:
    """The promise is five seconds; what is due then must not be late because a thread was."""
    assert EVERY_S <= 4

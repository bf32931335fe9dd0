"""The page: every case with its contenders beside the floor, the goals, and what was measured where.

What is drawn is in `picture`. Nothing here holds a name or a folder of the machine that measured.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks.cases import TITLES, Case, leaver_count
from benchmarks.contenders import CONTENDERS, FLOOR, NOT_COMPARED, Contender
from benchmarks.environments import requirements
from benchmarks.goals import Goal, goals
from benchmarks.results import Measured, Outcome, Results, Round
from benchmarks.wording import told_count, told_ratio, told_seconds

PICTURE = "pictures/benchmarks.svg"
_COLUMNS = ("", "wall", "× floor", "CPU", "peak MB", "requests", "429", "list afterwards")


def render_page(results: Results) -> str:
    """The whole page, as Markdown."""
    parts = [_opening(results), _contenders(), *map(_round, results.rounds), _goals(results)]
    return "\n\n".join(parts) + "\n"


def _opening(results: Results) -> str:
    limits = (
        "Klaviyo's real limits"
        if results.is_limited
        else "no limits, and bulk jobs that end at once: what each can do by itself"
    )
    most = results.rounds[-1].customer_count
    return f"""# Benchmarks

Made by `make bench` on {datetime.now(UTC):%Y-%m-%d}; do not edit. The same customers (e-mail, three names and phone, \
five properties, some of them empty) from one Parquet file to one list of one local Klaviyo, on one machine, in one \
run, with {limits}. Times are of that machine; the ratios are what counts.

![How long each takes with {told_count(most)} customers]({PICTURE})

Measured with {machine()}, Python {platform.python_version()}. A run of Dagster that does nothing took \
{told_seconds(results.idle.wall_s)} and {told_seconds(results.idle.cpu_s)} of CPU; a process that only imports Dagster \
and Polars held {told_count(results.bare.peak_mb)} MB. Each contender is a process of its own, which starts within \
what is measured; the local Klaviyo is not counted. Before each case the limits are unused."""


def machine() -> str:
    """Cores and memory, without a name."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{os.cpu_count()} cores ({platform.machine()}) and {pages / 2**30:.0f} GB of memory"


def _contenders() -> str:
    lines = [f"- **{each.title}** ({_versions(each)}): {each.told}." for each in CONTENDERS]
    absent = [f"- {name}: {reason}." for name, reason in NOT_COMPARED.items()]
    return "\n".join(["## Contenders", "", *lines, "", "Not measured:", "", *absent])


def _versions(contender: Contender) -> str:
    if not contender.peer:
        return ", ".join(f"{name} {version(name)}" for name in contender.distributions)
    pinned = dict(line.split("==") for line in requirements(contender.peer))
    plain = {name.partition("[")[0]: number for name, number in pinned.items()}
    return ", ".join(f"{name} {plain[name]}" for name in contender.distributions)


def _round(found: Round) -> str:
    parts = [f"## {told_count(found.customer_count)} customers"]
    for case in Case:
        parts.append(f"### {TITLES[case]}")
        parts.append("\n".join(_table(found, case)))
    notes = list(_extrapolated(found))
    return "\n\n".join([*parts, *notes])


def _table(found: Round, case: Case) -> Iterator[str]:
    yield _row(_COLUMNS)
    yield "|---|" + "--:|" * (len(_COLUMNS) - 2) + "---|"
    floor = found.measured(FLOOR.name, case)
    for contender in CONTENDERS:
        outcome = found.outcomes.get((contender.name, case))
        if outcome is not None:
            yield _row((contender.title, *_cells(contender, case, outcome, floor, found.customer_count)))


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(contender: Contender, case: Case, outcome: Outcome, floor: Measured | None, count: int) -> tuple[str, ...]:
    if not isinstance(outcome, Measured):
        return ("–",) * (len(_COLUMNS) - 2) + (outcome.reason,)
    took, about = outcome.took, "≈ " if outcome.sizes else ""
    ratio = told_ratio(took.wall_s / floor.took.wall_s) if floor and floor.took.wall_s else "–"
    return (
        about + told_seconds(took.wall_s),
        about + ratio if ratio != "–" else ratio,
        about + told_seconds(took.cpu_s),
        ("≥ " if outcome.sizes else "") + told_count(took.peak_mb),
        about + told_count(outcome.request_count),
        about + told_count(outcome.throttled_count),
        "; ".join(filter(None, [contender.remark.get(case, ""), _list_afterwards(outcome, case, count)])),
    )


def _list_afterwards(outcome: Measured, case: Case, count: int) -> str:
    if not outcome.astray_count:
        return "equal to the segment"
    gone = leaver_count(count) if case is Case.LEFT else 0
    who = "leavers" if outcome.astray_count == gone else "members"
    return f"{told_count(abs(outcome.astray_count))} {who} too {'many' if outcome.astray_count > 0 else 'few'}"


def _extrapolated(found: Round) -> Iterator[str]:
    for contender in CONTENDERS:
        first = found.measured(contender.name, Case.FIRST)
        if first is not None and first.sizes is not None:
            fewer, more = map(told_count, first.sizes)
            each = first.request_count / found.customer_count
            asked = f"{each:.2g} requests a customer" if each >= 0.01 else f"{told_count(first.request_count)} requests"
            yield (
                f"≈ {contender.title}: measured with {fewer} and {more} customers, {asked} in a "
                "first delivery, and extrapolated from both; where Klaviyo's limits make so many requests last longer, "
                "they decide."
            )


def _goals(results: Results) -> str:
    most = results.rounds[-1].customer_count
    found = goals(results)
    lines = [_row(("goal", "at most", "found", "")), "|---|--:|--:|---|"]
    lines += [_row((each.told, *_judged(each))) for each in found]
    missed = [f"- {each.told}: {each.in_the_way}" for each in found if each.is_met is False and each.in_the_way]
    if missed:
        lines += ["", "What is in the way of those that were missed:", "", *missed]
    judged = f"Judged by the run with {told_count(most)} customers; they are set for 1\u00a0000\u00a0000."
    return "\n".join(["## Goals", "", judged, "", *lines])


def _judged(goal: Goal) -> tuple[str, str, str]:
    verdict = {True: "met", False: "**missed**", None: "not measured"}[goal.is_met]
    return _amount(goal.limit, goal.unit), _amount(goal.found, goal.unit), verdict


def _amount(number: float | None, unit: str) -> str:
    if number is None:
        return "–"
    if unit == "µs":
        return f"{number:.1f} µs"
    return f"{number:.2f} ×" if unit == "×" else f"{told_count(number)} {unit}".rstrip()

"""A plan for people: the same counts in the same order as text, Markdown and numbers; no addresses."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from klaviyo_assets.plan.diff import Plan

_MEANINGS: Final = {
    "added": "join the list",
    "updated": "get other fields",
    "cleared": "of them have fields emptied",
    "removed": "leave the list",
    "unchanged": "stay as they are",
    "stayed": "stay on the list, though not in the segment",
    "pending": "wait for a request of an earlier run",
    "rejected": "rows are not sent",
}


def render_numbers(plan: Plan) -> dict[str, int]:
    """The counts by name."""
    facts = {**asdict(plan.counts), "cleared": plan.counts.cleared_count}
    return {name: facts[name] for name in _MEANINGS}


def render_text(plan: Plan) -> str:
    """One line, as `3 added, 1 updated, 0 removed, …`."""
    return ", ".join(f"{count} {name}" for name, count in render_numbers(plan).items())


def render_markdown(plan: Plan) -> str:
    """A table with what each count means."""
    rows = [f"| {name} | {count} | {_MEANINGS[name]} |" for name, count in render_numbers(plan).items()]
    return "\n".join(["| change | people | who |", "|---|---:|---|", *rows])

"""What would change: the decision, apart from the doing.

`diff` compares the segment with the ledger, `guard` may refuse what came out, `render` shows it. Everything here
is a function of frames and numbers: no network, no disk, no clock, and no person as a Python object.
"""

from klaviyo_assets.plan.diff import Plan, PlanCounts, diff
from klaviyo_assets.plan.guard import Size, guard, guard_mapping, guard_removals, guard_size, measure
from klaviyo_assets.plan.render import render_markdown, render_numbers, render_text
from klaviyo_assets.plan.sides import read_among

__all__ = [
    "Plan",
    "PlanCounts",
    "Size",
    "diff",
    "guard",
    "guard_mapping",
    "guard_removals",
    "guard_size",
    "measure",
    "read_among",
    "render_markdown",
    "render_numbers",
    "render_text",
]

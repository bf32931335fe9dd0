"""Templates: what they give, and what is told where they give nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from klaviyo_assets.orchestration.declarations.rendering import EnvironmentVariables, Scope, render

NAMES = {
    "env": EnvironmentVariables({"LIST_ID": "1e5", "SECRET": "s3cr3t"}),
    "context": SimpleNamespace(project_root="/project"),
    "ours": ["segments/a", "segments/b"],
}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("plain", "plain"),
        ("{{ env.LIST_ID }}", "1e5"),
        ("{{ env('LIST_ID') }}", "1e5"),
        ("{{ env('NOT_SET', 'x') }}", "x"),
        ("{{ env.NOT_SET or 'x' }}", "x"),
        ("{{ env.NOT_SET | default('x') }}", "x"),
        ("{% if env.NOT_SET %}a{% else %}b{% endif %}", "b"),
        ("{{ context.project_root }}/data", "/project/data"),
        ("{{ ours }}", ["segments/a", "segments/b"]),
        (["{{ env.LIST_ID }}", 1], ["1e5", 1]),
        ({"a": {"b": "{{ env.LIST_ID }}"}}, {"a": {"b": "1e5"}}),
    ],
    ids=str,
)
def test_a_template_is_replaced(template: Any, value: Any) -> None:
    """Variables, conditions and the project's own values are put in place, and text stays text."""
    rendered = render({"x": template}, Scope(NAMES))

    assert {"x": value} == rendered.attributes
    assert rendered.mistakes == []


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ env.NOT_SET }}", "the environment variable NOT_SET, which is not set"),
        ("a/{{ env.NOT_SET }}", "the environment variable NOT_SET, which is not set"),
        ("{{ env('NOT_SET') }}", "the environment variable NOT_SET, which is not set"),
        ("{{ evn.LIST_ID }}", "'evn' is undefined"),
        ("{{ context.load_component('x') }}", "has no attribute 'load_component'"),
        ("{{ env.LIST_ID", "unexpected end of template"),
        ("{{ 1 + env.SECRET }}", "(TypeError)"),
        ("{{ 1 / 0 }}", "(ZeroDivisionError)"),
    ],
)
def test_a_template_that_gives_nothing_is_told(template: str, told: str) -> None:
    """What is missing is named; nothing of the environment is."""
    rendered = render({"limits": {"x": template}}, Scope(NAMES))
    (mistake,) = rendered.mistakes

    assert told in mistake.sentence
    assert mistake.path == ("limits", "x")
    assert rendered.is_unknown(("limits", "x", "below"))
    assert not rendered.is_unknown(("limits",))
    assert "s3cr3t" not in mistake.sentence


def test_a_name_of_the_projects_own_is_not_judged_outside_of_dagster() -> None:
    """Where template variables are not known, only what is known to be wrong is told."""
    scope = Scope(NAMES, is_complete=False)
    rendered = render({"x": "{{ theirs }}", "y": "{{ env.NOT_SET }}"}, scope)

    assert [mistake.path for mistake in rendered.mistakes] == [("y",)]
    assert {("x",), ("y",)} == rendered.unknown

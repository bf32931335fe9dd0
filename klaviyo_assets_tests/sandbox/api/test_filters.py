"""The grammar of filters."""

from __future__ import annotations

import pytest

from klaviyo_assets.sandbox.api.errors import ApiError
from klaviyo_assets.sandbox.api.filters import Condition, parse

RULES = {"email": ("any", "equals"), "name": ("contains",), "joined_at": ("greater-than", "less-than")}


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ('equals(email,"a@b.co")', [("equals", "email", ("a@b.co",))]),
        ("equals(email,'a@b.co')", [("equals", "email", ("a@b.co",))]),
        ('any(email,["a@b.co","c@d.co"])', [("any", "email", ("a@b.co", "c@d.co"))]),
        ("any( email , [ \"a@b.co\" , 'c@d.co' ] )", [("any", "email", ("a@b.co", "c@d.co"))]),
        (r'contains(name,"say \"hi\", (all)")', [("contains", "name", ('say "hi", (all)',))]),
        ("greater-than(joined_at,2026-01-01T00:00:00Z)", [("greater-than", "joined_at", ("2026-01-01T00:00:00Z",))]),
        (
            "greater-than(joined_at,2026-01-01),less-than(joined_at,2026-02-01)",
            [("greater-than", "joined_at", ("2026-01-01",)), ("less-than", "joined_at", ("2026-02-01",))],
        ),
        (
            'and(equals(email,"a@b.co"),contains(name,"x"))',
            [("equals", "email", ("a@b.co",)), ("contains", "name", ("x",))],
        ),
    ],
    ids=["double", "single", "list", "blanks", "escapes", "bare time", "comma", "and"],
)
def test_what_is_read(text: str, conditions: list[tuple[str, str, tuple[str, ...]]]) -> None:
    """Every form that Klaviyo takes is taken."""
    assert list(parse(text, resource="profile", rules=RULES)) == [Condition(*each) for each in conditions]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "email",
            "equals",
            "equals(email",
            'equals(email,"a)',
            'equals("a",email',
            "any(email,[",
            "any(email,[])",
        ),
        *(
            'equals(email,"a"',
            'equals(email,"a"),',
            "and()",
            'and(and(equals(email,"a")))',
            'equals(email,"a"))',
            "x y",
        ),
    ],
)
def test_what_is_no_filter(text: str) -> None:
    """Anything else is refused as a parameter, with the place where it stopped to make sense."""
    with pytest.raises(ApiError) as refused:
        parse(text, resource="profile", rules=RULES)

    assert refused.value.status == 400
    assert refused.value.problems[0].source == {"parameter": "filter"}
    assert "at character" in refused.value.problems[0].detail


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (
            'equals(name,"x")',
            "'equals' is not an allowed filter operator for name.  Allowed operators are contains",
        ),
        (
            'equals(colour,"x")',
            "'colour' is not a filterable field for the resource 'profile'. Allowed: email, name, joined_at",
        ),
        (f"any(email,[{','.join(['x'] * 101)}])", "At most 100 values are allowed, 101 were given."),
    ],
    ids=["operator", "field", "values"],
)
def test_what_is_not_allowed(text: str, detail: str) -> None:
    """Operators, fields and the number of values are checked."""
    with pytest.raises(ApiError) as refused:
        parse(text, resource="profile", rules=RULES)

    assert refused.value.problems[0].detail == detail


def test_times_have_any_offset_and_utc_by_default() -> None:
    """The same moment, written three ways, is one moment."""
    texts = ("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00Z", "2026-01-01")

    assert Condition("any", "joined_at", texts).times() == (1_767_225_600.0,) * 3


def test_what_is_no_time_is_refused() -> None:
    """A word instead of a date is refused when the date is needed."""
    with pytest.raises(ApiError):
        Condition("greater-than", "joined_at", ("yesterday",)).times()

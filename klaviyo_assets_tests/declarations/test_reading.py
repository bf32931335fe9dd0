"""Whatever stands in a document, it is either a declaration, or told to be none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from klaviyo_assets.exports import Declaration, Export, KlaviyoConnection, Segment
from klaviyo_assets.orchestration.declarations.documents import Document
from klaviyo_assets.orchestration.declarations.mistakes import Place
from klaviyo_assets.orchestration.declarations.reading import Read, read_declaration
from klaviyo_assets.orchestration.declarations.rendering import EnvironmentVariables, Scope

NAMES = sorted(
    {"type", "path", "entity", "email", "agreed_by", "agreed_on", "properties", "location", "first_name", "*"}
    | {"max_profiles", "min_profiles", "min_valid_share", "deadline_minutes", "city"}
    | {name for kind in (KlaviyoConnection, Segment, Export) for name in kind.model_fields}
)
KEY = "pk_" + "0123456789abcdef" * 2
TEXTS = st.sampled_from(["", "csv", "off", "ada@contoso.com", KEY, "{{ env.X }}", "{{", "0 5 * * *", "2026-11"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.text() | st.binary(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.integers() | st.text(), values, max_size=4)
    ),
    max_leaves=12,
)
ATTRIBUTES = st.dictionaries(st.sampled_from(NAMES) | st.text(), VALUES, max_size=8)


def read(kind: type[Declaration], contents: Any) -> Read:
    """What a document of these contents declares."""
    scope = Scope({"env": EnvironmentVariables({})})
    return read_declaration(Document(contents, Place("defs.yaml", 1, 1)), kind, scope)


@pytest.mark.parametrize("kind", [KlaviyoConnection, Segment, Export], ids=lambda kind: kind.__name__)
@given(attributes=ATTRIBUTES | VALUES)
@example(attributes={"two\nlines": None})
@example(attributes={f"0{KEY}": KEY})
def test_anything_is_told_in_sentences(kind: type[Declaration], attributes: Any) -> None:
    """No value ends in an exception, each mistake has its three parts, and none shows an address or a key."""
    mistakes = read(kind, {"attributes": attributes}).mistakes

    assert mistakes
    for mistake in mistakes:
        line = str(mistake)
        assert "found " in line
        assert ", expected " in line
        assert "; " in line
        assert "ada@" not in line
        assert KEY not in line
        assert "\n" not in line

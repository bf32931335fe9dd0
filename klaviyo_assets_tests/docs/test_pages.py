"""What the pages of documentation say of the code is so, and nothing of it is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

import klaviyo_assets
from klaviyo_assets import errors
from klaviyo_assets.exports import Export, KlaviyoConnection, Segment
from klaviyo_assets.orchestration.klaviyo_list import DeliveryConfig
from klaviyo_assets_tests.docs.pages import DOCS, TESTS, code_of, section_of, text_of


def attributes(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The attributes of a declaration, those of its parts too: `limits.max_profiles`."""
    for name, field in model.model_fields.items():
        inner: Any = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from attributes(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@pytest.mark.parametrize(
    ("title", "model"), [("Connection", KlaviyoConnection), ("Segment", Segment), ("Export", Export)], ids=str
)
def test_every_setting_is_documented(title: str, model: type[BaseModel]) -> None:
    """Each attribute stands in the table of its declaration, and the table names none that is not there."""
    section = section_of("settings.md", title)
    named = {
        name for cell in re.findall(r"^\| (.*?) \|", section, re.MULTILINE) for name in re.findall(r"`(\S+?)`", cell)
    }
    # Profile fields are many: they are listed in the cells of what they belong to.
    listed = {name for name in attributes(model) if name.startswith("fields.") and name != "fields.properties"}
    assert all(f"`{name.rpartition('.')[2]}`" in section for name in listed)
    assert named - {"fields", "fields.location"} == set(attributes(model)) - listed


def test_every_option_of_a_run_is_documented() -> None:
    """Run config of the list has a row for each option."""
    section = section_of("settings.md", "Run config")
    assert set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == set(DeliveryConfig.model_fields)


def test_every_error_has_its_remedy() -> None:
    """Each error that can reach a user has a row, and each row is an error."""
    kinds = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)}
    umbrellas = {errors.KlaviyoAssetsError, errors.Refused, errors.KlaviyoError}
    documented = set(re.findall(r"`([A-Z]\w+)`", text_of("errors.md")))
    assert documented == {each.__name__ for each in kinds - umbrellas}


def test_every_link_leads_somewhere() -> None:
    """Pages and pictures that a page links to are there."""
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (DOCS / target).exists(), f"{page.name} links to {target}"


def test_every_example_is_of_the_public_names() -> None:
    """Examples use what the package promises."""
    used = set(re.findall(r"klaviyo_assets\.(\w+)\(", "".join(code_of("assets.md", "python"))))
    assert used <= set(klaviyo_assets.__all__)


def test_every_row_of_the_product_page_names_its_tests() -> None:
    """Each sentence has one row, and the tests that it names are there."""
    page = text_of("customer-insights.md")
    rows = re.findall(r"^\| ([A-Z]\d+) \|.*\| (`.*`) \|$", page, re.MULTILINE)
    assert len({sentence for sentence, _ in rows}) == len(rows) == page.count("\n| ") - 1
    for sentence, tests in rows:
        for path, test in (name.split("::") for name in tests.strip("`").split("`, `")):
            source = (TESTS / path).read_text(encoding="utf-8")
            assert test.startswith("test_"), f"{sentence} names no test in {path}"
            assert f"def {test}(" in source, f"{sentence} names {path}::{test}"

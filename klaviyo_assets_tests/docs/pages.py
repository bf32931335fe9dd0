"""The pages of documentation, as tests read them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TESTS = ROOT / "klaviyo_assets_tests"


def text_of(page: str) -> str:
    """A page's text."""
    return (DOCS / page).read_text(encoding="utf-8")


def code_of(page: str, language: str) -> list[str]:
    """The blocks of code of a page that are in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(page), flags=re.DOTALL | re.MULTILINE)


def section_of(page: str, title: str) -> str:
    """What stands under a heading, to the next of its kind or above."""
    found = re.search(rf"^(#+) {re.escape(title)}.*?\n(.*?)(?=^#{{1,2}} |\Z)", text_of(page), re.DOTALL | re.MULTILINE)
    assert found is not None, f"{page} has no heading {title}"
    return found[2]

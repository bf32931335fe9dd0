"""The arrows between the parts, as the imports draw them; and the measures of files and functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import klaviyo_assets

PACKAGE = Path(klaviyo_assets.__file__).parent
BELOW_DELIVERY = {"errors", "frames", "exports", "plan", "klaviyo", "ledger", "report"}
BELOW_ORCHESTRATION = BELOW_DELIVERY | {"segments", "mapping", "delivery"}

MAY_IMPORT = {
    "errors": set[str](),
    "frames": {"errors"},
    "shown": set[str](),
    "exports": {"errors"},
    "segments": {"errors", "frames", "exports", "shown"},
    "mapping": {"errors", "frames", "exports", "shown"},
    "plan": {"errors", "frames", "exports"},
    "klaviyo": {"errors", "frames"},
    "ledger": {"errors", "frames"},
    "report": {"errors", "frames", "plan"},
    "delivery": BELOW_DELIVERY,
    "orchestration": BELOW_ORCHESTRATION,
    "cli": BELOW_ORCHESTRATION | {"orchestration", "sandbox"},
    "definitions": {"orchestration", "exports", "defs"},
    "__init__": {"orchestration", "exports"},
    "defs": {"orchestration", "exports"},
    "sandbox": set[str](),
}

# Libraries that belong to one room: who may import them.
RESERVED = {
    "dagster": {"orchestration", "definitions", "defs", "cli", "__init__"},
    "dagster_shared": {"orchestration"},
    "httpx": {"klaviyo/transport"},
    "deltalake": {"ledger", "segments"},
    "starlette": {"sandbox"},
    "uvicorn": {"sandbox"},
    "socket": {"sandbox"},
    "time": {"klaviyo", "delivery", "ledger/lease", "report", "sandbox", "orchestration"},
    "datetime": {"exports", "ledger", "klaviyo", "delivery", "segments", "mapping", "sandbox", "orchestration"},
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    """The room that a module is in: the first name below the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path: Path) -> None:
    """A module imports, of ours, only what its room may; and a reserved library only where it belongs."""
    part, name = part_of(path), str(path.relative_to(PACKAGE)).removesuffix(".py")
    for module in imports(path):
        names = module.split(".")
        if names[0] == "klaviyo_assets" and len(names) > 1 and (PACKAGE / names[1]).with_suffix("").exists():
            assert names[1] in MAY_IMPORT[part] | {part}, f"{part} may not import {module}"
        if names[0] == "klaviyo_assets" and (PACKAGE / f"{names[-1]}.py").exists() and len(names) == 2:
            assert names[1] in MAY_IMPORT[part] | {part}, f"{part} may not import {module}"
        if names[0] in RESERVED:
            assert {part, name} & RESERVED[names[0]], f"{name} may not import {names[0]}"


def test_every_room_has_its_arrows() -> None:
    """A new room is drawn into the picture before it is built."""
    assert {part_of(path) for path in MODULES} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_can_be_read_at_a_glance(path: Path) -> None:
    """No file is over 300 lines, no function over 60, and every module says what belongs in it."""
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= 300
    assert ast.get_docstring(tree), "a module opens with what belongs in it"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"


def test_public_names_are_those_that_are_promised() -> None:
    """The package exports what its users were promised, and nothing else."""
    assert set(klaviyo_assets.__all__) == {
        "CustomerInsightsSource",
        "Consent",
        "DeltaSource",
        "Export",
        "Fields",
        "FileSource",
        "KlaviyoConnection",
        "KlaviyoConnectionComponent",
        "KlaviyoExportComponent",
        "Limits",
        "Location",
        "Match",
        "Segment",
        "SegmentComponent",
        "SqlSource",
        "SynapseLinkSource",
        "build_defs",
    }
    assert all(hasattr(klaviyo_assets, name) for name in klaviyo_assets.__all__)

"""Declared paths that nobody can look up: each has one clear end, whatever kind of source it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from klaviyo_assets.exports import CustomerInsightsSource, FileSource
from klaviyo_assets_tests.segments.told import told

NO_PATH = " is no path that can be looked up, expected a file, a folder, a URL, or a glob"
LONG = " cannot be looked up, as the system says: File name too long; expected"

# name of the case: the path, what is told of it
PATHS: Mapping[str, tuple[str, str]] = {
    "long name": ("x" * 300 + ".csv", f"xxx.csv{LONG}"),
    "long path": ("a/" * 3000 + "a.csv", f"a/a.csv{LONG}"),
    "two stars and more": ("data/**.csv", f"data/**.csv{NO_PATH}"),
    "two stars and more, first": ("**.csv", f"**.csv{NO_PATH}"),
    "two stars and more, in a folder": ("a**/b.csv", f"a**/b.csv{NO_PATH}"),
    "scheme of no store": ("dbfs:/a.csv", f"dbfs:/a.csv{NO_PATH}"),
    "URL that holds its data": ("data:text/csv,a", f"data:text/csv,a{NO_PATH}"),
    "store of nobody": ("hdfsx://h/a.csv", "hdfsx:// needs a package that is not installed"),
    "nobody answers": (
        "ftp://user:secret@127.0.0.1:1/a.csv",
        "ftp://user@127.0.0.1:1/a.csv cannot be looked up, as the system says: Connection refused",
    ),
}


@pytest.mark.parametrize(("path", "says"), PATHS.values(), ids=PATHS.keys())
def test_a_path_of_files(path: str, says: str, tmp_path: Path) -> None:
    """It is told what is wrong with the path, without a password."""
    assert says in told(FileSource(type="csv", path=path), tmp_path, {})


@pytest.mark.parametrize(
    "path",
    ["x" * 300, "dbfs:/a", "data:text/csv,a", "hdfsx://h/a", "ftp://user:secret@127.0.0.1:1/a"],
    ids=["long name", "scheme of no store", "URL that holds its data", "store of nobody", "nobody answers"],
)
def test_a_path_of_a_folder(path: str, tmp_path: Path) -> None:
    """The folder of a Customer Insights export is told of in the same way."""
    message = told(CustomerInsightsSource(type="customer_insights", path=path, entity="Vip"), tmp_path, {})

    assert "looked up" in message or "not installed" in message

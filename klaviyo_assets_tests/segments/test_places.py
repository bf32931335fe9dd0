"""Declared paths as files: what is found, what is passed over, and what is never told."""

from __future__ import annotations

from pathlib import Path

import pytest
from upath import UPath

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.segments.places import find_files, resolve
from klaviyo_assets_tests.segments.written import write

FILES = (
    "a.csv",
    "b/2.csv",
    "b/10.CSV",
    "b/c/x.csv.gz",
    "b/x.tsv",
    "b/x.txt",
    "b/.hidden.csv",
    "b/_metadata.csv",
    "b/~$open.csv",
    "b/x.csv.tmp",
    "b/x.csv~",
    "b/_temporary/0/x.csv",
    "b/.ipynb_checkpoints/x.csv",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with all of the files."""
    for name in FILES:
        write(tmp_path / "data" / name, b"x")
    return tmp_path


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        ("data/a.csv", ["data/a.csv"]),
        ("data/b/x.txt", ["data/b/x.txt"]),
        ("data/b/_metadata.csv", ["data/b/_metadata.csv"]),
        ("data", ["data/a.csv", "data/b/10.CSV", "data/b/2.csv", "data/b/c/x.csv.gz"]),
        ("data/b/", ["data/b/10.CSV", "data/b/2.csv", "data/b/c/x.csv.gz"]),
        ("data/*", ["data/a.csv"]),
        ("data/*/*.csv", ["data/b/2.csv"]),
        ("data/**/*.csv", ["data/a.csv", "data/b/2.csv"]),
        ("data/b/x*", ["data/b/x.tsv", "data/b/x.txt"]),
        ("data/b/[0-9].csv", ["data/b/2.csv"]),
        ("data/?.csv", ["data/a.csv"]),
        ("*/a.csv", ["data/a.csv"]),
        ("data/../data/a.csv", ["data/../data/a.csv"]),
    ],
)
def test_found(declared: str, found: list[str], root: Path) -> None:
    """Files come ordered by path; what is hidden, temporary or of another kind is passed over."""
    files = find_files(declared, root=root, endings=(".csv", ".csv.gz"))

    assert [file.name for file in files] == found
    assert [file.path for file in files] == [UPath(root) / name for name in found]


def test_url_of_a_file(root: Path) -> None:
    """file:// is a path on this machine."""
    (file,) = find_files(f"file://{root}/data/a.csv", root=Path("/nowhere"), endings=())

    assert file.url == f"{root}/data/a.csv"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("memory://bucket/x.csv?sig=SECRET", "memory://bucket/x.csv"),
        ("memory://me:SECRET@host/x.csv", "memory://me@host/x.csv"),
        ("memory://container@account/x", "memory://container@account/x"),
    ],
)
def test_names_hold_no_credentials(url: str, name: str) -> None:
    """What messages show and marks hold is the URL without query and password; Polars gets all of it."""
    place = resolve(url, root=Path())

    assert place.name == name
    assert place.url == url


def test_store_is_listed() -> None:
    """A folder and a glob in a store become the URLs of their files."""
    for name in ("b/2.csv", "a.csv", "b/_SUCCESS", "b/x.json"):
        path = UPath("memory://segments-places/data") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    expected = ["memory://segments-places/data/a.csv", "memory://segments-places/data/b/2.csv"]

    for declared in ("memory://segments-places/data", "memory://segments-places/data/**/*.csv"):
        files = find_files(declared, root=Path(), endings=(".csv",))

        assert [file.url for file in files] == expected
        assert files[0].read_version().startswith("1 20")


def test_store_without_its_package() -> None:
    """A store whose package is not installed is told by what to install, without the URL's signature."""
    with pytest.raises(SourceUnreadable, match="nostore:// needs a package that is not installed") as failure:
        resolve("nostore://c/x.csv?sig=SECRET", root=Path())

    assert "SECRET" not in str(failure.value)

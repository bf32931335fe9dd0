"""CSV files as the world writes them: byte order marks, separators, blank lines, headers."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from klaviyo_assets.exports import FileSource
from klaviyo_assets.segments import open_source

ACCEPTED: dict[str, tuple[bytes, dict[str, list[Any]]]] = {
    "plain": (b"id,email\na,x\n", {"id": ["a"], "email": ["x"]}),
    "no line end at the end": (b"id,email\na,x", {"id": ["a"], "email": ["x"]}),
    "header alone": (b"id,email", {"id": [], "email": []}),
    "byte order mark": (b"\xef\xbb\xbfid,email\na,x\n", {"id": ["a"], "email": ["x"]}),
    "byte order mark and quotes": (b'\xef\xbb\xbf"id","email"\r\n"a","x"\r\n', {"id": ["a"], "email": ["x"]}),
    "byte order mark, quotes and all in them": (
        b'\xef\xbb\xbf"id,\nof","email"\na,x\n',
        {"id,\nof": ["a"], "email": ["x"]},
    ),
    "semicolon": (b"id;email, the first;x\na,b;x;\n", {"id": ["a,b"], "email, the first": ["x"], "x": [None]}),
    "tab": (b"id\temail\na, b\tx\n", {"id": ["a, b"], "email": ["x"]}),
    "bar": (b"id|email\na|x\n", {"id": ["a"], "email": ["x"]}),
    "separators in quotes do not count": (b'"id;the;first",email\na,x\n', {"id;the;first": ["a"], "email": ["x"]}),
    "one column": (b"email\nx\n\ny\n", {"email": ["x", "y"]}),
    "blank lines": (b"\r\n\r\nid,email\r\n\r\na,x\r\n\r\n\r\nb,y\r\n\r\n", {"id": ["a", "b"], "email": ["x", "y"]}),
    "separators alone": (b"id,email\na,x\n,\nb,y\n", {"id": ["a", "b"], "email": ["x", "y"]}),
    "blanks around names": (b" id , email\n a ,x\n", {"id": [" a "], "email": ["x"]}),
    "line break in a name": (b'"id\nof",email\na,x\n', {"id\nof": ["a"], "email": ["x"]}),
    "line break and separator in a value": (b'id,email\n"a,\r\n""b""",x\n', {"id": ['a,\r\n"b"'], "email": ["x"]}),
    "the index of pandas": (b",email\n0,x\n1,y\n", {"column_1": [0, 1], "email": ["x", "y"]}),
    "separator at the end": (b"id,email,\na,x,\n", {"id": ["a"], "email": ["x"], "column_3": [None]}),
    "quoted and empty": (b'id,email\n"a",""\n', {"id": ["a"], "email": [None]}),
    "a name like a pattern": (b"^.*$,email\na,x\n", {"^.*$": ["a"], "email": ["x"]}),
    "names in other scripts": ("имя,邮箱\na,ж\n".encode(), {"имя": ["a"], "邮箱": ["ж"]}),
    "gzip": (gzip.compress(b"id,email\na,x\n"), {"id": ["a"], "email": ["x"]}),
}


@pytest.mark.parametrize(("data", "columns"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(data: bytes, columns: dict[str, list[Any]], tmp_path: Path) -> None:
    """The file is read as whoever wrote it meant it."""
    (tmp_path / "a.csv").write_bytes(data)

    customers = open_source(FileSource(type="csv", path="a.csv"), root=tmp_path).read_customers().collect()

    assert customers.to_dict(as_series=False) == columns


def test_union(tmp_path: Path) -> None:
    """Files are united in the order of their paths, by name; a type is one that all of them survive."""
    for name, data in {"b/1": "code,id\n007,c\n", "a/2": "id;code\nb;8\n", "a/1": "id,code\na,9\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.csv").write_text(data)

    customers = open_source(FileSource(type="csv", path="."), root=tmp_path).read_customers().collect()

    assert customers.to_dict(as_series=False) == {"id": ["a", "b", "c"], "code": ["9", "8", "007"]}

"""Lines that are no customers in JSON: each is told of by its file, and by the line where it can be known."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest

from klaviyo_assets.exports import FileSource
from klaviyo_assets_tests.segments.told import SECRET, told

ROW = b'{"id": 1, "email": "%s"}' % SECRET.encode()
LINE = ROW + b"\n"
NUMBERS = b'{"id":1}\n' * 3000

FIRST = "a.jsonl, line 1: this is not a JSON object"
SECOND = "a.jsonl, line 2: this is not a JSON object"
NOT_JSON = "a.jsonl cannot be read: a line is not a JSON object"
NOT_TEXT = "a.jsonl cannot be read: it holds bytes that are not UTF-8"
EMPTY = "a.jsonl is empty, expected one JSON object a line"
DEEP = "its values are nested too deep"
KINDS = "a field holds an object in one line and a"

# name of the case: the file, what is told of it
FILES: Mapping[str, tuple[bytes, str]] = {
    "blank lines": (b"\n\n  \n", EMPTY),
    "gzip of nothing": (gzip.compress(b""), EMPTY),
    "gzip of a blank line": (gzip.compress(b"\n"), EMPTY),
    "gzip cut": (gzip.compress(LINE * 50)[:-20], "a.jsonl cannot be read: it is compressed and damaged"),
    "gzip's first bytes alone": (b"\x1f\x8b", NOT_TEXT),
    "nulls": (b"null\nnull\n", FIRST),
    "numbers": (b"1\n2\n", FIRST),
    "texts": (b'"secret"\n', FIRST),
    "booleans": (b"true\n", FIRST),
    "arrays": (b'[1,"secret"]\n[2,"secret"]\n', FIRST),
    "array of an object a line": (b'[{"id":1}]\n[{"id":2}]\n', FIRST),
    "array over lines": (b'[\n  {"id": "secret"},\n  {"id": 2}\n]\n', FIRST),
    "web page": (b"<html>secret</html>\n", FIRST),
    "event stream": (b"data: " + LINE, FIRST),
    "record separators": (b"\x1e" + LINE, FIRST),
    "comment behind": (b'{"id": 1} // secret\n', FIRST),
    "text behind": (ROW + b" secret\n", FIRST),
    "commas between lines": (ROW + b",\n" + LINE, FIRST),
    "object never closed": (b'{"email": "secret"\n', FIRST),
    "closed by the other bracket": (b'{"email": ["secret"]\n', FIRST),
    "line break in a text": (b'{"email": "sec\nret"}\n', FIRST),
    "UTF-16 without mark": (LINE.decode().encode("utf-16-le"), FIRST),
    "byte order mark in the middle": (LINE + b"\xef\xbb\xbf" + LINE, SECOND),
    "NUL bytes at the end": (LINE + bytes(64) + b"\n", SECOND),
    "cut after many lines": (NUMBERS + b'{"id":"sec', "a.jsonl, line 3001: this is not a JSON object"),
    "null among objects": (LINE + b"null\n", "a line is not a JSON object"),
    "number among objects": (LINE + b"7\n", "a line is not a JSON object"),
    "two objects in a line": (ROW + b" " + LINE, NOT_JSON),
    "two objects with a comma": (ROW + b"," + LINE, NOT_JSON),
    "no line breaks": (ROW * 3, NOT_JSON),
    "carriage returns alone": (LINE.replace(b"\n", b"\r") * 2, NOT_JSON),
    "single quotes": (b"{'id': 'secret'}\n", NOT_JSON),
    "name without quotes": (b'{id: "secret"}\n', NOT_JSON),
    "number for a name": (b'{1: "secret"}\n', NOT_JSON),
    "name without a value": (b'{"secret"}\n', NOT_JSON),
    "no colon": (b'{"id" "secret"}\n', NOT_JSON),
    "nothing for a value": (b'{"id": , "email": "secret"}\n', NOT_JSON),
    "words in braces": (b"{secret}\n", NOT_JSON),
    "brace too many": (b'{"email": "secret"}}\n', NOT_JSON),
    "comma too many in an array": (b'{"email": ["secret",]}\n', NOT_JSON),
    "text never closed": (b'{"email": "secret}\n', NOT_JSON),
    "NaN": (b'{"id": NaN, "email": "secret"}\n', NOT_JSON),
    "infinity": (b'{"id": -Infinity, "email": "secret"}\n', NOT_JSON),
    "number that is too large": (b'{"id": 1e400, "email": "secret"}\n', NOT_JSON),
    "leading zeros": (b'{"id": 007, "email": "secret"}\n', NOT_JSON),
    "leading plus": (b'{"id": +1, "email": "secret"}\n', NOT_JSON),
    "hexadecimal": (b'{"id": 0x10, "email": "secret"}\n', NOT_JSON),
    "point without digits before": (b'{"id": .5, "email": "secret"}\n', NOT_JSON),
    "point without digits behind": (b'{"id": 5., "email": "secret"}\n', NOT_JSON),
    "True of Python": (b'{"id": True, "email": "secret"}\n', NOT_JSON),
    "None of Python": (b'{"id": None, "email": "secret"}\n', NOT_JSON),
    "undefined of JavaScript": (b'{"id": undefined, "email": "secret"}\n', NOT_JSON),
    "unknown escape": (b'{"email": "\\xsecret"}\n', NOT_JSON),
    "escape cut": (b'{"email": "secret\\u12"}\n', NOT_JSON),
    "tab in a text": (b'{"email": "sec\tret"}\n', NOT_JSON),
    "NUL byte in a text": (b'{"email": "sec\0ret"}\n', NOT_JSON),
    "UTF-16": (LINE.decode().encode("utf-16"), NOT_TEXT),
    "UTF-32": (LINE.decode().encode("utf-32"), NOT_TEXT),
    "Latin-1": ('{"email": "Müsecret"}\n'.encode("latin-1"), NOT_TEXT),
    "surrogate in UTF-8": (b'{"email": "\xed\xa0\x80secret"}\n', NOT_TEXT),
    "Parquet": (b"PAR1\x15\x04\x15\xfe" + bytes(9) + b"PAR1", NOT_TEXT),
    "every byte": (b"{" + bytes(range(256)) + b"}\n", NOT_TEXT),
    "objects 200 deep": (b'{"x":' * 200 + b'"secret"' + b"}" * 200 + b"\n", DEEP),
    "arrays 500 deep": (b'{"x":' + b"[" * 500 + b'"secret"' + b"]" * 500 + b"}\n", DEEP),
    "objects 100 000 deep": (b'{"x":' * 100_000 + b'"secret"' + b"}" * 100_000 + b"\n", NOT_JSON),
    "arrays that are never closed": (b'{"x":' + b"[" * 100_000 + b"}\n", NOT_JSON),
    "object late": (NUMBERS + b'{"id":{"x":"secret"}}\n', KINDS),
    "object and array": (b'{"id":{"a":"secret"}}\n{"id":["secret"]}\n', KINDS),
    "object and value within an object": (b'{"x":{"a":1}}\n{"x":{"a":{"b":"secret"}}}\n', KINDS),
    "true and a number": (b'{"id":true,"e":"secret"}\n{"id":2,"e":"x"}\n', "true or false in one line and a number"),
}

# name of the case: the second of two files, what is told of it
SECOND_FILES: Mapping[str, tuple[bytes, str]] = {
    "line that is no object": (LINE + b"secret\n", "b.jsonl, line 2: this is not a JSON object"),
    "gzip cut": (gzip.compress(LINE * 9)[:-9], "b.jsonl cannot be read: it is compressed and damaged"),
    "object for a number": (b'{"id": {"x": "secret"}, "email": "x"}\n', KINDS),
    "true for a number": (b'{"id": true, "email": "secret"}\n', "true or false in one line and a number"),
    "address for a name": (b'{"%s": 1}\n' % SECRET.encode(), "only it has 1 (a name looks like a customer's value"),
    "objects without fields": (b"{}\n{}\n", "b.jsonl has other columns than a.jsonl: it lacks 'id', 'email'"),
}


@pytest.mark.parametrize(("data", "says"), FILES.values(), ids=FILES.keys())
def test_a_file_that_is_no_ndjson(data: bytes, says: str, tmp_path: Path) -> None:
    """It is told what is wrong, without a customer's values."""
    assert says in told(FileSource(type="ndjson", path="a.jsonl"), tmp_path, {"a.jsonl": data})


@pytest.mark.parametrize(("data", "says"), SECOND_FILES.values(), ids=SECOND_FILES.keys())
def test_a_second_file_that_is_unlike_the_first(data: bytes, says: str, tmp_path: Path) -> None:
    """A file that does not go with the first is told of, and names that look like values are not."""
    assert says in told(FileSource(type="ndjson", path="*.jsonl"), tmp_path, {"a.jsonl": LINE, "b.jsonl": data})

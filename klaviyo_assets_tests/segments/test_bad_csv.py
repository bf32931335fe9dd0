"""Bytes that are no CSV file of customers: each is told of by its file, and by the line where there is one."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from klaviyo_assets.exports import FileSource
from klaviyo_assets.segments import open_source
from klaviyo_assets_tests.segments.told import SECRET, told

CSV = f"id,email\n1,{SECRET}\n".encode()
LONG = ",".join(f"column_number_{number}" for number in range(6000)).encode()

NOT_TEXT = "a.csv does not begin as UTF-8 text"
DAMAGED = "a.csv cannot be read: it is compressed and damaged"
TOO_LONG = "a.csv begins with a row of more than 65536 bytes, or with a quote that is never closed"

# name of the case: the file, what is told of it
FILES: Mapping[str, tuple[bytes, str]] = {
    "UTF-16 of the other order": (CSV.decode().encode("utf-16-be"), NOT_TEXT),
    "UTF-32": (CSV.decode().encode("utf-32"), NOT_TEXT),
    "UTF-32 without mark": (CSV.decode().encode("utf-32-le"), NOT_TEXT),
    "EBCDIC": (CSV.decode().encode("cp037"), NOT_TEXT),
    "Latin-1 header": ("id,straße,email\n1,secret,x\n".encode("latin-1"), NOT_TEXT),
    "header cut within a character": (b"id,stra" + b"\xc3", NOT_TEXT),
    "zip": (b"PK\x03\x04\x14\0\0\0secret.csv" + CSV, NOT_TEXT),
    "bzip2": (bz2.compress(CSV), NOT_TEXT),
    "xz": (lzma.compress(CSV), NOT_TEXT),
    "zlib": (zlib.compress(CSV), NOT_TEXT),
    "gzip in gzip": (gzip.compress(gzip.compress(CSV)), NOT_TEXT),
    "Arrow": (b"ARROW1\0\0" + bytes(50) + CSV, NOT_TEXT),
    "Avro": (b"Obj\x01\x04\x14avro.codec\x08null\n" + CSV, NOT_TEXT),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), NOT_TEXT),
    "SQLite": (b"SQLite format 3\0" + bytes(90), NOT_TEXT),
    "PNG": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", NOT_TEXT),
    "every byte": (bytes(range(256)) * 20, NOT_TEXT),
    "NUL bytes alone": (bytes(100), NOT_TEXT),
    "NUL byte in the header": (b"i\0d,email\n1,secret\n", NOT_TEXT),
    "escape character in the header": (b"\x1b[1mid,email\n1,secret\n", NOT_TEXT),
    "PDF": (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\nsecret\n", "line 2: found bytes that are not UTF-8"),
    "gzip's first bytes alone": (b"\x1f\x8b", DAMAGED),
    "gzip's first bytes before text": (b"\x1f\x8b" + CSV, DAMAGED),
    "gzip with a wrong sum": (gzip.compress(CSV)[:-8] + bytes(8), DAMAGED),
    "gzip with text behind": (gzip.compress(CSV) + b"secret", DAMAGED),
    "gzip's header cut": (gzip.compress(CSV)[:6], DAMAGED),
    "Windows-1252": (CSV + b"2,5 \x80secret\n", "line 3: found bytes that are not UTF-8"),
    "overlong UTF-8": (CSV + b"2,\xc0\xafsecret\n", "line 3: found bytes that are not UTF-8"),
    "surrogate in UTF-8": (CSV + b"2,\xed\xa0\x80secret\n", "line 3: found bytes that are not UTF-8"),
    "UTF-16 after UTF-8": (CSV + "2,secret\n".encode("utf-16"), "line 3: found bytes that are not UTF-8"),
    "NUL byte in a value": (CSV + b"2,sec\0ret\n", "line 3: found a NUL byte"),
    "NUL byte at a value's start": (CSV + b"2,\0secret\n", "line 3: found a NUL byte"),
    "NUL byte in quotes": (CSV + b'2,"\0secret"\n', "line 3: found a NUL byte"),
    "row of NUL bytes": (CSV + b"\0\0\n2,secret\n", "line 3: found a NUL byte"),
    "NUL bytes at the end": (CSV + bytes(4096), "line 3: found a NUL byte"),
    "header longer than the head": (LONG + b"\n" + b"secret," * 5999 + b"secret\n", TOO_LONG),
    "long name": (b"id," + b"x" * 70_000 + b",email\n1,secret,2\n", TOO_LONG),
    "quote in the header that is closed far away": (b'id,"email\n' + b"1,secret\n" * 9000 + b'",x\n', TOO_LONG),
    "quote in the header that is never closed": (b'id,"email\n1,secret\n', "line 1: a quote is never closed"),
    "first quote of the header never closed": (b'"id,email\n1,secret\n', "line 1: a quote is never closed"),
    "quote within a name": (b'id,em"ail\n1,secret\n', "line 1: a quote stands inside a value"),
    "characters after a name's quote": (b'id,"em"ail\n1,secret\n', "line 1: a quote stands inside a value"),
    "quotes with backslashes": (b'id,email\n1,"sec\\"ret"\n', "line 2: a quote stands inside a value"),
    "quote that is not doubled": (b'id,email\n1,"sec"ret"\n', "line 2: a quote stands inside a value"),
    "single quotes": (b"id,email\n1,'secret,x'\n", "line 2: found 3 values, expected 2"),
    "blank before a quote": (b'id,email\n1, "secret,x"\n', "line 2: found 3 values, expected 2"),
    "carriage return within a row": (b"id,email\n1,secret\r2,secret\n", "line 2: found 3 values, expected 2"),
    "carriage returns at first": (b"id,email\r1,secret\n2,secret\r\n", "with a carriage return alone"),
    "total at the end": (CSV + b"Total: 1 secret\n", "line 3: found 1 values, expected 2"),
    "separator at the end of a row": (CSV + b"2,secret,\n", "line 3: found 3 values, expected 2"),
    "separator at the start of a row": (CSV + b",2,secret\n", "line 3: found 3 values, expected 2"),
    "tab in a row": (CSV + b"2\tsecret\n", "line 3: found 1 values, expected 2"),
    "title above the header": (b"Secret customers\nid,email\n1,secret\n", "line 2: found 2 values, expected 1"),
    "comment above the header": (b"# of secret\nid,email\n1,secret\n", "line 2: found 2 values, expected 1"),
    "web page": (b"<!DOCTYPE html>\n<p>Sign in, secret</p>\n", "line 2: found 2 values, expected 1"),
    "JSON array over lines": (b'[{"id": 1,\n "email": "secret"}]\n', "line 2: found 1 values, expected 2"),
    "JSON lines": (b'{"id": 1, "email": "%s"}\n' % SECRET.encode(), "has no header: an e-mail address"),
    "mail box": (f"From: {SECRET}\nTo: b@example.com\n".encode(), "has no header: an e-mail address"),
    "first customer for a header, with a value twice": (b"7,secret,,secret\n8,x,y,z\n", "those in places 2, 4"),
    "name twice, once in quotes": (b'id,"id",secret\n1,2,3\n', "those in places 1, 2"),
    "name thrice": (b"secret,id,secret,secret\n1,2,3,4\n", "those in places 1, 3, 4"),
    "name twice but for a byte order mark": (b"id,secret,\xef\xbb\xbfid\n1,2,3\n", "those in places 1, 3"),
    "name that stands for a name that is missing": (b"column_2,,secret\n1,2,3\n", "those in places 1, 2"),
}

# name of the case: the second of two files, what is told of it
SECOND: Mapping[str, tuple[bytes, str]] = {
    "empty": (b"", "b.csv is empty"),
    "UTF-16": (CSV.decode().encode("utf-16"), "b.csv does not begin as UTF-8"),
    "gzip cut": (gzip.compress(CSV * 50)[:-20], "b.csv cannot be read: it is compressed and damaged"),
    "name in other letters": (b"id,Email\n2,secret\n", "b.csv has other columns than .*'email'; only it has 'Email'"),
    "no header": (b"2,secret\n", r"only it has 2 \(a name looks like a customer's value"),
    "phone number alone": (b"secret,+371 2000 0000\n", r"only it has 2 \(a name looks like a customer's value"),
    "date for a name": (b"secret,1815-12-10\n", r"only it has 2 \(a name looks like a customer's value"),
}


@pytest.mark.parametrize(("data", "says"), FILES.values(), ids=FILES.keys())
def test_a_file_that_is_no_csv(data: bytes, says: str, tmp_path: Path) -> None:
    """It is told which file it is, and what is wrong in which line, without a customer's values."""
    message = told(FileSource(type="csv", path="a.csv"), tmp_path, {"a.csv": data})

    assert message.startswith("a.csv")
    assert says in message


@pytest.mark.parametrize(("data", "says"), SECOND.values(), ids=SECOND.keys())
def test_a_second_file_that_is_unlike_the_first(data: bytes, says: str, tmp_path: Path) -> None:
    """The file that is unlike the first is named, and names that look like values are not."""
    message = told(FileSource(type="csv", path="*.csv"), tmp_path, {"a.csv": CSV, "b.csv": data})

    assert re.search(says, message)


def test_a_header_after_several_marks(tmp_path: Path) -> None:
    """Byte order marks of files that were joined are no part of a name."""
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf\xef\xbb\xbfid,email\n1,x\n")

    customers = open_source(FileSource(type="csv", path="a.csv"), root=tmp_path).read_customers().collect()

    assert customers.columns == ["id", "email"]

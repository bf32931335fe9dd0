"""How a CSV file is laid out: its columns and separator, read from its first record.

Only the beginning of a file is looked at. Rows are `csv_rows.py`, types of columns `text_types.py` (CSV) and
`declared_types.py` (Customer Insights).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from typing import Final

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.segments.places import SourceFile

SEPARATORS: Final = (",", ";", "\t", "|")
_HEAD_BYTES: Final = 1 << 16  # more than any header needs, and less than the longest value that `csv` takes
_ADDRESS: Final = re.compile(r"\S@\S+\.\S")
_NOT_TEXT: Final = re.compile("[\0-\b\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class CsvLayout:
    """What must be known of a CSV file before its rows can be read."""

    columns: tuple[str, ...]
    separator: str = ","
    quote: str | None = '"'  # None: quotes are characters like others
    skip_rows: int = 0  # records before the first customer


@dataclass(frozen=True)
class FirstRecord:
    """The first record that is not a blank line."""

    values: tuple[str, ...]
    row: int  # its place among the records, from 0; blank lines before it count


def read_layout(file: SourceFile) -> CsvLayout:
    """The layout of a file with a header; the separator is whichever of , ; tab | the header holds most often.

    Raises:
        SourceUnreadable: there is no header, it is not text, or a name stands in it twice.
    """
    head = _read_head(file)
    header = find_first_record(head, separator=_sniff(head))
    if header is None:
        raise SourceUnreadable(f"{file.name} is empty, expected a header with the columns' names; write it anew.")
    _check_text(file, head, header)
    _check_whole(file, head, header)
    _check_header(file, header)
    columns = _name_columns(header.values)
    _check_names(file, columns)
    return CsvLayout(columns, _sniff(head), skip_rows=header.row + 1)


def read_first_record(file: SourceFile, *, separator: str, quote: str | None) -> FirstRecord | None:
    """The first record of a file of which separator and quotes are known; None where there is none."""
    return find_first_record(_read_head(file), separator=separator, quote=quote)


def find_first_record(head: str, *, separator: str, quote: str | None = '"') -> FirstRecord | None:
    """The first record of a text that is not a blank line; None where there is none."""
    lines = io.StringIO(head, newline="")
    if quote is None:
        records = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)
    else:
        records = csv.reader(lines, delimiter=separator, quotechar=quote)
    return next((FirstRecord(tuple(values), row) for row, values in enumerate(records) if values), None)


def _read_head(file: SourceFile) -> str:
    # Bytes that are not UTF-8 become lone surrogates: whether they matter depends on where they stand.
    with file.open_bytes() as stream:
        return stream.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def _sniff(head: str) -> str:
    """The separator that the first line holds most often outside quotes; the comma where it holds none."""
    line = next((line for line in head.splitlines() if line), "")
    bare = re.sub(r'"[^"]*"?', "", line)
    return max(SEPARATORS, key=bare.count)


def _name_columns(names: tuple[str, ...]) -> tuple[str, ...]:
    # pandas writes its index under an empty name, and a line that ends in a separator has one more, empty too.
    # Files that were joined have a byte order mark more.
    return tuple(name.strip("\ufeff").strip() or f"column_{place}" for place, name in enumerate(names, 1))


def _check_text(file: SourceFile, head: str, header: FirstRecord) -> None:
    if _NOT_TEXT.search("".join(header.values)):
        raise SourceUnreadable(f"{file.name} does not begin as UTF-8 text, expected a CSV header; save it as UTF-8.")
    first_line = head.lstrip("\r\n").partition("\n")[0]
    if "\r" in first_line.rstrip("\r"):
        raise SourceUnreadable(
            f"{file.name} ends its lines with a carriage return alone, expected a line feed; save it with line feeds."
        )


def _check_whole(file: SourceFile, head: str, header: FirstRecord) -> None:
    is_full = len(head.encode("utf-8", "surrogateescape")) >= _HEAD_BYTES - len(codecs.BOM_UTF8)
    # Of a record that goes on behind the head, the head's last character is a part.
    if is_full and find_first_record(head[:-1], separator=_sniff(head)) != header:
        raise SourceUnreadable(
            f"{file.name} begins with a row of more than {_HEAD_BYTES} bytes, or with a quote that is never closed, "
            f"expected the columns' names; write shorter ones, or close the quote."
        )


def _check_header(file: SourceFile, header: FirstRecord) -> None:
    if any(_ADDRESS.search(value) for value in header.values):
        raise SourceUnreadable(
            f"{file.name} has no header: an e-mail address stands in the first line, expected the columns' names; "
            f"write them there."
        )


def _check_names(file: SourceFile, columns: tuple[str, ...]) -> None:
    # By their places: where a header is missing, a name that stands there twice is a customer's value.
    twice = [str(place) for place, name in enumerate(columns, 1) if columns.count(name) > 1]
    if twice:
        raise SourceUnreadable(
            f"{file.name} has columns that share a name: those in places {', '.join(twice)}, expected each name once; "
            f"rename all but one, or write a header where there is none."
        )

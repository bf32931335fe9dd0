"""The rows of a CSV file: they are scanned with every column as text, and their widths are checked.

Polars takes a row that is too short for one whose last values are empty, so widths are checked here, line by line.
What the values mean is decided by who knows: `text_types.py` or `declared_types.py`.
"""

from __future__ import annotations

import codecs
from typing import Final

import polars as pl

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.segments.csv_layout import CsvLayout
from klaviyo_assets.segments.places import SourceFile

_CHUNK_BYTES: Final = 1 << 20
_QUOTED: Final = "\0"  # stands for a quoted value


def scan_texts(file: SourceFile, layout: CsvLayout, *, row_index: str | None = None) -> pl.LazyFrame:
    """All rows, every column as String; what is empty is null. `row_index` adds the row's place, from 0."""
    return pl.scan_csv(
        file.scanned,
        has_header=False,
        skip_rows=layout.skip_rows,
        separator=layout.separator,
        quote_char=layout.quote,
        schema=dict.fromkeys(layout.columns, pl.String),
        null_values="",  # quoted or not
        missing_columns="insert",  # a first line that is blank
        raise_if_empty=False,
        row_index_name=row_index,
        glob=False,
    )


def is_blank() -> pl.Expr:
    """True for a row without any value: a blank line is nobody."""
    return pl.all_horizontal(pl.col(pl.String).is_null())


def check_rows(file: SourceFile, layout: CsvLayout) -> None:
    """Hold the width of every row against the number of columns, and its quotes against the rules; blank lines pass.

    Raises:
        SourceUnreadable: a row has more or fewer values, a quote is out of place, or bytes are not UTF-8 or NUL.
    """
    lines = _measure_lines(file, layout)
    try:
        found = _summarize(lines, width=len(layout.columns)).collect().row(0, named=True)
    except pl.exceptions.ComputeError:
        _refuse_undecodable(file)
        raise
    if found["nul_line"] is not None:
        raise SourceUnreadable(
            f"{file.name}, line {found['nul_line']}: found a NUL byte, expected text; the file is damaged, half "
            f"written, or in another encoding: write it anew as UTF-8."
        )
    if found["misquoted_line"] is not None:
        raise SourceUnreadable(
            f"{file.name}, line {found['misquoted_line']}: a quote stands inside a value; double it there, and quote "
            f"the whole value."
        )
    if found["is_wrong"] or found["surplus"]:
        _refuse_wrong_width(file, layout, lines)
    if found["is_open"]:
        raise SourceUnreadable(
            f"{file.name}, row beginning in line {(found['last_end'] or 0) + 1}: a quote is never closed; close it, or "
            f"double it where it belongs to the value."
        )


def _summarize(lines: pl.LazyFrame, *, width: int) -> pl.LazyFrame:
    """One row with what is wrong anywhere, in memory that does not grow with the file.

    Rows of one line are judged one by one, those of several lines by their sum: among these, a row that is too short
    could hide one that is too long, and that one Polars refuses.
    """
    number, is_whole = pl.col("number"), (pl.col("rows") == 1) & ~pl.col("was_open")
    return lines.select(
        nul_line=pl.when("has_nul").then(number).min(),
        misquoted_line=pl.when("is_misquoted").then(number).min(),
        is_wrong=(is_whole & (pl.col("values") != width)).any(),
        surplus=(pl.col("values") - pl.col("rows") * width).sum(),
        is_open=pl.col("is_open").last(),
        last_end=pl.when(~pl.col("is_open")).then(number).max(),
    )


def _refuse_wrong_width(file: SourceFile, layout: CsvLayout, lines: pl.LazyFrame) -> None:
    """Name the line in which the first row of another width ends, if there is one."""
    width = len(layout.columns)
    surplus = (pl.col("values") - pl.col("rows") * width).cum_sum()
    wrong = lines.with_columns(surplus=surplus).filter(~pl.col("is_open") & (pl.col("surplus") != 0))
    first = wrong.select("number", pl.col("surplus") + width).head(1).collect()
    if first.height:
        line, value_count = first.row(0)
        raise SourceUnreadable(
            f"{file.name}, row ending in line {line}: found {value_count} values, expected {width}; quote values that "
            f"hold the separator {layout.separator!r} or a line break, or repair the row."
        )


def _measure_lines(file: SourceFile, layout: CsvLayout) -> pl.LazyFrame:
    """For each line: its number, the values and rows that it adds, whether a quote is open around it or misplaced."""
    starts, separator = pl.col("starts"), layout.separator
    lines = _follow_quotes(file, layout).with_columns(starts=_mark_starts(layout))
    # A quote opens a value only where the value starts, and closes it only where the value ends.
    goes_on = starts.str.contains(f'{_escape(separator)}(?:{_QUOTED}[^{_escape(separator)}]|")')
    opens_late = pl.col("is_open") & ~starts.str.ends_with(f"{separator}{_QUOTED}")
    begun = starts.str.count_matches(separator, literal=True).cast(pl.Int64)
    return lines.select(
        "number",
        "was_open",
        "is_open",
        has_nul=pl.col("line").str.contains("\0", literal=True),
        is_misquoted=(goes_on | opens_late) if layout.quote else pl.lit(False),
        values=begun - pl.col("was_open") - pl.col("is_blank"),
        rows=(~pl.col("is_open") & ~pl.col("is_blank")).cast(pl.Int64),
    )


def _follow_quotes(file: SourceFile, layout: CsvLayout) -> pl.LazyFrame:
    """Each line with its number from 1, its quotes, and whether one is open before and after it."""
    lines = pl.scan_lines(file.scanned, glob=False, row_index_name="number", row_index_offset=1)
    line = pl.col("line").str.strip_prefix("\ufeff")
    quotes = line.str.count_matches('"', literal=True).cast(pl.Int64) if layout.quote else pl.lit(0, pl.Int64)
    lines = lines.with_columns(line=line, quotes=quotes)
    lines = lines.with_columns(is_open=pl.col("quotes").cum_sum() % 2 == 1)
    lines = lines.with_columns(was_open=pl.col("is_open") != (pl.col("quotes") % 2 == 1))
    return lines.with_columns(is_blank=(pl.col("line") == "") & ~pl.col("was_open"))


def _mark_starts(layout: CsvLayout) -> pl.Expr:
    """The line with a separator before each value, and `_QUOTED` for each quoted value.

    A value that began on a line before, or ends on one after, is quoted on each of them.
    """
    line, empty, quote, separator = pl.col("line"), pl.lit(""), pl.lit('"'), pl.lit(layout.separator)
    before = pl.when("was_open").then(quote).otherwise(empty)
    after = pl.when("is_open").then(quote).otherwise(empty)
    marked = pl.concat_str(separator, before, line, after)
    if not layout.quote:
        return marked
    # Without a group to remember: that takes three times as long.
    return marked.str.replace_all(f'{_escape(layout.separator)}(?:"[^"]*")+', f"{layout.separator}{_QUOTED}")


def _escape(separator: str) -> str:
    return f"\\x{ord(separator):02x}"


def _refuse_undecodable(file: SourceFile) -> None:
    """Name the line of the first bytes that are not UTF-8, if there are any."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with file.open_bytes() as stream:
        while True:
            chunk = stream.read(_CHUNK_BYTES)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                # error.object is the chunk, after what was left over from the chunk before: never a line break.
                line += error.object.count(b"\n", 0, error.start)
                raise SourceUnreadable(
                    f"{file.name}, line {line}: found bytes that are not UTF-8; save it as UTF-8."
                ) from None
            if not chunk:
                return
            line += chunk.count(b"\n")

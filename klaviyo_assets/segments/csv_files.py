"""CSV files as one segment: layout, widths and types put together.

UTF-8, with or without a byte order mark, gzip or not; a header; separated by comma, semicolon, tab or bar; values
may be quoted, and hold separators and line breaks then. What is empty is null. A line without any value is nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import polars.selectors as cs

from klaviyo_assets.segments.csv_layout import read_layout
from klaviyo_assets.segments.csv_rows import check_rows, scan_texts
from klaviyo_assets.segments.places import SourceFile
from klaviyo_assets.segments.same_columns import check_same_columns
from klaviyo_assets.segments.text_types import apply_types
from klaviyo_assets.segments.unreadable import reading


def scan_csv_files(files: Sequence[SourceFile]) -> pl.LazyFrame:
    """The rows of all files, in the columns of the first; a type is one that the values of every file survive.

    Raises:
        SourceUnreadable: a file is not such a CSV file, or has other columns than the first.
    """
    layouts = []
    for file in files:
        with reading(file.name):
            layouts.append(read_layout(file))
    check_same_columns(files, [layout.columns for layout in layouts])
    texts = []
    for file, layout in zip(files, layouts, strict=True):
        with reading(file.name):
            check_rows(file, layout)
        texts.append(scan_texts(file, layout).select(cs.by_name(*layouts[0].columns)))
    return apply_types(pl.concat(texts))

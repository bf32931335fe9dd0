"""Files in another encoding than UTF-8, which is all that Polars reads.

Customer Insights writes UTF-8; other writers of its format say `UTF-16` or `iso-8859-1` in model.json.
"""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import TextIOWrapper
from typing import Final

from klaviyo_assets.errors import SourceUnreadable
from klaviyo_assets.segments.places import SourceFile

_READ_AS_THEY_ARE: Final = ("utf-8", "utf-8-sig", "ascii")
_CHUNK_BYTES: Final = 1 << 20


@contextmanager
def as_utf8(file: SourceFile, encoding: str) -> Iterator[SourceFile]:
    """The file, or for as long as it is needed a copy of it in UTF-8, which has no name on the disk.

    Polars keeps a copy that it scans open for itself; it is gone with the last frame that reads it.

    Raises:
        SourceUnreadable: the encoding is not known, or the file is not of it.
    """
    codec = _find_codec(encoding)
    if not codec:
        raise SourceUnreadable(
            f"{file.name} is declared in the encoding {encoding!r}, which is not known; expected UTF-8."
        )
    if codec in _READ_AS_THEY_ARE:
        yield file
        return
    with tempfile.TemporaryFile() as copy:
        try:
            with file.open_bytes() as stream, TextIOWrapper(stream, codec, newline="") as text:
                while chunk := text.read(_CHUNK_BYTES):
                    copy.write(chunk.encode())
        except (UnicodeError, LookupError):  # LookupError: a codec that is not of text, as base64
            raise SourceUnreadable(
                f"{file.name} holds bytes that are not {encoding}, as model.json declares it; write it anew."
            ) from None
        copy.seek(0)
        yield replace(file, copy=copy)


def _find_codec(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):  # ValueError: a name with a NUL character
        return ""

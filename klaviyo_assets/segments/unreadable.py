"""What goes wrong while data is read, in words that quote none of it.

Polars' messages may hold the cell that it could not read, so none is passed on: a message is recognised by a
fragment of it, and told in our own words. Mistakes that a reader finds by itself are worded where they are found.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import polars as pl

from klaviyo_assets.errors import SourceUnreadable

_STORE: Final = (
    "the store refuses, or does not answer; check its address, its region and the credentials, as docs/sources.md says"
)
# The packages that speak to stores, and have errors of their own.
_STORE_PACKAGES: Final = ("aiobotocore", "botocore", "s3fs", "azure", "adlfs", "google", "gcsfs", "aiohttp")
_REASONS: Final = (  # fragments of Polars' messages in lower case, and what they mean
    (("generic s3 error", "generic microsoftazure error", "generic gcs error", "error sending request"), _STORE),
    (
        ("invalid utf", "valid utf-8"),
        "it holds bytes that are not UTF-8, expected UTF-8 text; save it as UTF-8, or write it anew",
    ),
    (
        ("as dtype `str`", "csv malformed"),
        "a quote stands inside a value or is never closed; double it, or quote the whole value",
    ),
    (("more fields",), "a row has more values than the header; quote values that hold the separator"),
    (("parquet",), "it is not Parquet, or is damaged or half written; write it anew"),
    (
        ("json", "tapeerror", "at character"),
        "a line is not a JSON object; write one object a line, in UTF-8 without a byte order mark",
    ),
    (("unexpected value",), "a field holds an object in one line and a plain value in another; write it one way"),
    (("cannot parse '",), "a field holds true or false in one line and a number in another; write it one way"),
    (("supertype",), "a field holds an object in one line and a list in another; write it one way"),
    (("conversion",), "a value does not fit its column: the source changed while it was read; read it again"),
)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Tell what is wrong with the source `name`, where its frame is collected or sunk.

    What the machine says about something else than a source (a full disk) passes unchanged.

    Raises:
        SourceUnreadable: instead of the error of Polars or of a file; it never quotes a value.
    """
    try:
        yield
    except FileNotFoundError:
        raise SourceUnreadable(
            f"{name} cannot be read: a file that was listed is gone; the source is being refreshed, or was "
            f"removed: read it again."
        ) from None
    except PermissionError:
        raise SourceUnreadable(
            f"{name} cannot be read: this user may not open a file of it; allow it to be read, or correct the "
            f"store's credentials in the environment."
        ) from None
    except RecursionError:
        raise SourceUnreadable(
            f"{name} cannot be read: its values are nested too deep, expected lists and objects within each other a "
            f"few times; flatten them."
        ) from None
    except (EOFError, zlib.error):
        raise SourceUnreadable(
            f"{name} cannot be read: it is compressed and damaged, or half written; write it anew."
        ) from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        if isinstance(error, OSError) and _is_from_machine(error):
            raise
        raise SourceUnreadable(f"{name} cannot be read: {_reason(error)}.") from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _STORE_PACKAGES:
            raise
        raise SourceUnreadable(f"{name} cannot be read: {_STORE} ({type(error).__name__}).") from None


def _is_from_machine(error: OSError) -> bool:
    # Polars raises OSError without errno, and names the machine's error in the text, if it is one.
    return error.errno is not None or "(os error " in str(error)


def _reason(error: BaseException) -> str:
    message = str(error).lower()
    for fragments, reason in _REASONS:
        if any(fragment in message for fragment in fragments):
            return reason
    if isinstance(error, OSError):
        return "it is compressed and damaged, or half written; write it anew"
    return f"Polars ends with {type(error).__name__}; check that it is of the declared format, and write it anew"

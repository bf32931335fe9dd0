"""The one form into which addresses, numbers and text are brought before a rule judges them.

Two writings of the same thing must come out equal here, or each run would see changes that are none.
"""

from __future__ import annotations

from typing import Final

import polars as pl

# Unicode's white space, and what is as invisible: soft hyphen, zero-width and direction marks, byte order mark.
INVISIBLE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\xad\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2066\u2067\u2068\u2069\ufeff"
)

# The 0 in "+44 (0)20 7946 0958" is dialled at home only.
_NOT_DIALLED: Final = r"\(0\)|[\s\p{Cf}().\p{Pd}\u{2212}]"

# What databases and spreadsheets write for true; consent is not guessed from any other word.
_TRUE: Final = ("true", "1", "yes", "y", "t")


def trim(text: pl.Expr) -> pl.Expr:
    """The text without anything invisible at its ends."""
    return text.str.strip_chars(INVISIBLE)


def person_email(address: str) -> str:
    """The one form of an address, which somebody typed, by which PROFILES and the ledgers know the person."""
    email: str = pl.select(trim(pl.lit(address)).str.to_lowercase()).item()
    return email


def normalise_phone(text: pl.Expr) -> pl.Expr:
    """The number without spaces, dashes, dots and parentheses, and with + for a leading 00."""
    return text.str.replace_all(_NOT_DIALLED, "").str.replace("^00", "+")


def is_true(answer: pl.Expr) -> pl.Expr:
    """Whether a Boolean, an integer or a text says true: true, 1, yes, y or t, in any case; null where it is null."""
    return trim(answer.cast(pl.String)).str.to_lowercase().is_in(_TRUE)


def unless(text: pl.Expr, nothing: str) -> pl.Expr:
    """The text, or null where it is that one."""
    # Not `replace`, for which Polars' streaming engine holds the whole column.
    return pl.when(text != nothing).then(text)

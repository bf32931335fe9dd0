"""What goes wrong with a database, in words that show neither its password nor a customer.

A driver's message may quote both the query and a value, so none is passed on: it is recognised by the SQLSTATE or by
a fragment of its first line, and told in our own words. Only a name that the query itself uses is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from klaviyo_assets.errors import SourceUnreadable

_UNREACHABLE: Final = "it does not answer; start it, or correct host and port in the URL"
_READS_ONLY: Final = "the query would write, expected one that reads; write a select"
_VALUE: Final = (
    "a value does not fit what the query makes of it; correct the value, or the query where it casts and computes"
)
_TIMEOUT: Final = "the server ended the query, which took too long for it; make it faster, or raise the server's limit"

# By the beginning of a SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
_STATES: Final = {
    "42501": "its user may not read what the query names; grant it select on that",
    "42601": "the query is no single select that it understands; try it in the database's own client",
    "25006": _READS_ONLY,
    "57014": _TIMEOUT,
    "57P": _UNREACHABLE,
    "53": "it has no room for one more connection or query; try again, or raise its limits",
    "22": _VALUE,
    "0A": "it cannot run the query as a part of another one; write a plain select",
}
_FRAGMENTS: Final = (  # of messages in lower case, and what they mean
    (
        ("password authentication failed", "no password supplied", "authentication failed", 'role "'),
        "it refuses the user or the password; correct both in the URL, where a password's signs are percent-encoded",
    ),
    (('database "',), "the server has no database of that name; correct the end of the URL"),
    (
        ("pg_hba.conf", "ssl", "certificate"),
        "it refuses the connection; correct sslmode in the URL, or ask who runs it",
    ),
    (
        ("invalid integer value", "invalid uri", "invalid percent", 'missing "="'),
        "the URL is not understood; correct it",
    ),
    (
        ("timeout expired", "connection refused", "translate host name", "could not connect", "unreachable"),
        _UNREACHABLE,
    ),
    (("server closed the connection", "terminating connection", "no connection to the server"), _UNREACHABLE),
    (("read-only", "readonly", "read only"), _READS_ONLY),
    (("permission denied",), "this user may not open its file; allow it to be read"),
    (("lock",), "somebody else is writing to it; read it again"),
    (
        ("not a database", "not a valid duckdb", "malformed", "corrupt"),
        "its file is not of the declared kind, or damaged; correct the URL",
    ),
    (
        ("syntax error", "parser error", "multiple commands", "one statement", "incomplete input"),
        _STATES["42601"],
    ),
    (("statement timeout", "canceling statement"), _TIMEOUT),
    (
        ("invalid input", "division by zero", "out of range", "overflow", "conversion error", "type mismatch"),
        _VALUE,
    ),
)
_ABSENT: Final = re.compile(
    r'(?:(?P<kind>column|relation|table)[: ]+(?:with name )?"?(?P<name>[\w.]+)"? (?:does not exist|not found)'
    r"|no such (?P<kind2>column|table): (?P<name2>[\w.]+)$)",
    re.IGNORECASE,
)


@contextmanager
def asking(name: str) -> Iterator[None]:
    """Tell what is wrong with the database `name`, where it is opened, asked or read.

    Raises:
        SourceUnreadable: instead of its driver's error.
    """
    try:
        yield
    except Exception as error:
        if not _is_from_driver(error):
            raise
        raise SourceUnreadable(f"{name} cannot be read: {_reason(error)}.") from None


def _is_from_driver(error: Exception) -> bool:
    # A driver is not imported before it is used, and arro3 raises what a stream ends with as a bare Exception.
    return type(error) is Exception or type(error).__module__.startswith("adbc_driver_manager")


def _reason(error: Any) -> str:
    message = _first_line(error)
    if absent := _ABSENT.search(message):
        kind = absent["kind"] or absent["kind2"]
        name = absent["name"] or absent["name2"]
        thing = "column" if kind.lower() == "column" else "table"
        return f"it has no {thing} {name!r}, which the query names; correct the query"
    state = getattr(error, "sqlstate", None) or ""
    by_state = next((reason for start, reason in _STATES.items() if state.startswith(start)), None)
    lower = message.lower()
    by_fragment = (reason for fragments, reason in _FRAGMENTS if any(each in lower for each in fragments))
    ends = f"the query ends with {f'SQLSTATE {state}' if state else type(error).__name__}"
    return by_state or next(by_fragment, f"{ends}; try the query in the database's own client")


def _first_line(error: Any) -> str:
    # The rest quotes the query, whose words mean nothing here.
    details = dict(getattr(error, "details", None) or [])
    primary = details.get("PG_DIAG_MESSAGE_PRIMARY", details.get(b"PG_DIAG_MESSAGE_PRIMARY"))
    return primary.decode(errors="replace") if primary else str(error).partition("\n")[0]

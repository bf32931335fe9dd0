"""The Klaviyo API, as a client of one account.

    wire      what a request looks like        } no I/O,
    answers   what an answer means             } no clock
    bulk      bodies and bulk jobs             }
    members   people in pages                  }
    pacing    when a request may leave, and whether a failed one is tried again
    transport the HTTP library
    session   the loop around these: budgets, attempts, the deadline
    client    the verbs

Nothing here decides what to send, and nothing touches consent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from klaviyo_assets.klaviyo.bulk import MOST_PROFILES, BulkJob, FailedRow, cut_bodies, render_body
from klaviyo_assets.klaviyo.client import MOST_REMOVALS, NEEDED_SCOPES, Account, Client, KlaviyoList
from klaviyo_assets.klaviyo.session import Session
from klaviyo_assets.klaviyo.transport import Transport
from klaviyo_assets.klaviyo.wire import API_URL, link_to_list

__all__ = [
    "API_URL",
    "MOST_PROFILES",
    "MOST_REMOVALS",
    "NEEDED_SCOPES",
    "Account",
    "BulkJob",
    "Client",
    "FailedRow",
    "KlaviyoList",
    "Session",
    "connect",
    "cut_bodies",
    "link_to_list",
    "render_body",
]


@contextmanager
def connect(*, api_key: str, api_url: str = API_URL) -> Iterator[Client]:
    """A client of the account that the key belongs to. Nothing is sent yet.

    Raises:
        KeyMissing: the address is neither https nor this machine.
    """
    api_url = api_url.rstrip("/")
    with Session(Transport(api_key=api_key, api_url=api_url), api_url=api_url) as session:
        yield Client(session)

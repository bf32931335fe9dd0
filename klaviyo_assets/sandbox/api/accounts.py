"""GET /api/accounts: whose key it is.

https://developers.klaviyo.com/en/reference/get_accounts
"""

from __future__ import annotations

from klaviyo_assets.sandbox.api import documents, errors
from klaviyo_assets.sandbox.api.documents import Json
from klaviyo_assets.sandbox.api.exchange import Answer, Call
from klaviyo_assets.sandbox.api.paging import Page

FIELDS = (
    *("contact_information", "id", "industry", "locale", "preferred_currency", "public_api_key"),
    *("test_account", "timezone"),
)


def read_all(call: Call) -> Answer:
    """Always exactly one account, in a collection."""
    page: Page[None] = Page((), next=None, prev=None)
    return Answer(200, documents.paged(call, [_account(call)], page))


def read_one(call: Call) -> Answer:
    """The account of the key; of no other is anything told."""
    if call.params["id"] != call.account.id:
        raise errors.unknown_account(call.params["id"])
    return Answer(200, documents.single(call, _account(call)))


def _account(call: Call) -> Json:
    fields = call.query.names("fields[account]")
    account = call.account
    return {
        "type": "account",
        "id": account.id,
        "attributes": documents.sparse(_attributes(account.id, account.name), fields),
        "links": {"self": f"{call.base_url}/api/accounts/{account.id}/"},
    }


def _attributes(account_id: str, name: str) -> Json:
    address = dict.fromkeys(("address1", "address2", "city", "region", "country", "zip"))
    return {
        "test_account": True,
        "contact_information": {
            "default_sender_name": name,
            "default_sender_email": "hello@sandbox.example",
            "website_url": None,
            "organization_name": name,
            "street_address": address,
        },
        "industry": None,
        "timezone": "UTC",
        "preferred_currency": "EUR",
        "public_api_key": account_id,
        "locale": "en-US",
    }

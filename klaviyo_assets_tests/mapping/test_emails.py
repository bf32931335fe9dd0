"""Addresses: which are sent to, in which form, and by which rule the others are rejected."""

from __future__ import annotations

import polars as pl
import pytest

from klaviyo_assets.mapping import RULES
from klaviyo_assets_tests.mapping.mapped import SEGMENT, field_map, mapped

LONG_LABEL = "d" * 63

# what the source holds: what is sent
GOOD = {
    "ada@example.com": "ada@example.com",
    "Ada.Lovelace@Example.COM": "ada.lovelace@example.com",
    "  ada@example.com  ": "ada@example.com",
    "\tada@example.com\r\n": "ada@example.com",
    "\u00a0ada@example.com\u00a0": "ada@example.com",
    "\ufeffada@example.com": "ada@example.com",
    "ada@example.com\u200b": "ada@example.com",
    "\u200eada@example.com\u200f": "ada@example.com",
    "\u3000\u2003ada@example.com\u2028": "ada@example.com",
    "\xadada@example.com\u2060": "ada@example.com",
    "ada+news@example.com": "ada+news@example.com",
    "a@b.co": "a@b.co",
    "1@2.3.co": "1@2.3.co",
    "o'hara@example.ie": "o'hara@example.ie",
    "a_b-c@example.com": "a_b-c@example.com",
    "-ada@example.com": "-ada@example.com",
    "_@example.com": "_@example.com",
    "#$%&'*+/=?^_`{|}~-@example.com": "#$%&'*+/=?^_`{|}~-@example.com",
    "ada@mail.sub.example.co.uk": "ada@mail.sub.example.co.uk",
    "ada@xn--mnchen-3ya.de": "ada@xn--mnchen-3ya.de",
    "ada@XN--MNCHEN-3YA.DE": "ada@xn--mnchen-3ya.de",
    "ada@example.xn--p1ai": "ada@example.xn--p1ai",
    "ada@123.com": "ada@123.com",
    "ada@1.2.3.com": "ada@1.2.3.com",
    "ada@a--b.com": "ada@a--b.com",
    "ada@example.photography": "ada@example.photography",
    "a" * 64 + "@example.com": "a" * 64 + "@example.com",
    f"ada@{LONG_LABEL}.com": f"ada@{LONG_LABEL}.com",
    "a" * 36 + f"@{'d' * 59}.com": "a" * 36 + f"@{'d' * 59}.com",  # 100 characters
}

MISSING = [None, "", " ", "\t\n", "\u00a0", "\u200b\ufeff", "\xad", "\u2060"]

NOT_ASCII = [
    "ada@münchen.de",
    "ADA@MÜNCHEN.DE",
    "ada@пример.рф",
    "ada@example.рф",
    "ada@例え.jp",
    "ada@bücher.example.com",
    "ada@हिन्दी.com",
    "ada@K.com".replace("K", "\u212a"),  # the Kelvin sign, whose small letter is an ASCII k
]

INVALID = [
    "ada",
    "@",
    "ada@",
    "@example.com",
    "ada@example",
    "ada@localhost",
    "ada example@example.com",
    "ada@exam ple.com",
    "ada@@example.com",
    "ada@b@example.com",
    "ada@example.com@",
    ".ada@example.com",
    "ada.@example.com",
    "a..b@example.com",
    "ada@.example.com",
    "ada@example..com",
    "ada@example.com.",
    "ada@-example.com",
    "ada@example-.com",
    "ada@example.-com",
    "ada@exa_mple.com",
    "ada@example.c",
    "ada@example.1",
    "ada@example.123",
    "ada@example.c0m",
    "ada@127.0.0.1",
    "ada@[127.0.0.1]",
    "ada@example.xn--",
    "mailto:ada@example.com",
    "MAILTO:ada@example.com",
    "ada!lovelace@example.com",
    "!@example.com",
    '"ada"@example.com',
    '"ada lovelace"@example.com',
    "Ada Lovelace <ada@example.com>",
    "<ada@example.com>",
    "ada@example.com, bob@example.com",
    "ada@example.com;bob@example.com",
    "ada,lovelace@example.com",
    "ada@example,com",
    "ada(comment)@example.com",
    "ada\\@example.com",
    "ada\x00@example.com",
    "ada\x1f@example.com",
    "ada\n@example.com",
    "ada@exam\nple.com",
    "ada@example.com\x00",
    "ada\u200b@example.com",
    "ada@exam\u200bple.com",
    "josé@example.com",
    "ＡＤＡ@example.com",
    "\u212aada@example.com",  # the Kelvin sign
    "ад@пример.рф",
    "ada@ünicode..de",
    "ada@mün chen.de",
    "a" * 65 + "@example.com",
    "a" * 37 + f"@{'d' * 59}.com",  # 101 characters
    f"ada@{LONG_LABEL}d.com",
    "n/a",
    "null",
    "-",
]


def rule_of(address: str | None) -> str | None:
    """The rule that rejects the address; None where it is sent to."""
    profiles, rejections = mapped(pl.DataFrame({"email": [address]}, {"email": pl.String}), field_map())
    assert len(profiles) + len(rejections) == 1
    return rejections["rule"].first() if len(rejections) else None  # type: ignore[return-value]


@pytest.mark.parametrize(("held", "sent"), GOOD.items(), ids=map(ascii, GOOD))
def test_a_good_address_is_sent_to_in_one_form(held: str, sent: str) -> None:
    """A good address is trimmed of what is invisible, lower-cased, and sent to."""
    profiles, rejections = mapped(pl.DataFrame({"email": [held]}), field_map())

    assert profiles["email"].to_list() == [sent]
    assert rejections.is_empty()


@pytest.mark.parametrize("address", MISSING, ids=map(ascii, MISSING))
def test_nothing_that_can_be_seen_is_a_missing_address(address: str | None) -> None:
    """Null and what is invisible are `email_missing`."""
    assert rule_of(address) == "email_missing"


@pytest.mark.parametrize("address", NOT_ASCII, ids=map(ascii, NOT_ASCII))
def test_an_international_domain_is_asked_for_in_punycode(address: str) -> None:
    """A well-formed address whose domain is not ASCII is `email_not_ascii`."""
    assert rule_of(address) == "email_not_ascii"


@pytest.mark.parametrize("address", INVALID, ids=map(ascii, INVALID))
def test_what_klaviyo_would_refuse_is_invalid(address: str) -> None:
    """What no mail server or not Klaviyo takes is `email_invalid`."""
    assert rule_of(address) == "email_invalid"


def test_a_rejection_says_where_and_why() -> None:
    """A rejection holds segment, row, the address in its one form or null, the rule, and the rule in words."""
    _, rejections = mapped(pl.DataFrame({"email": ["a@example.com", " ", "Näh@Example.com"]}), field_map())

    assert rejections.rows() == [
        (SEGMENT, 1, None, "email_missing", RULES["email_missing"]),
        (SEGMENT, 2, "näh@example.com", "email_invalid", RULES["email_invalid"]),
    ]


@pytest.mark.parametrize(
    "dtype", [pl.String(), pl.Categorical(), pl.Enum(["ada@example.com", " x "])], ids=["String", "Categorical", "Enum"]
)
def test_any_text_type_holds_addresses(dtype: pl.DataType) -> None:
    """Addresses may stand in a String, a Categorical or an Enum column."""
    customers = pl.DataFrame({"email": pl.Series(["ada@example.com", " x ", None], dtype=dtype)})

    profiles, rejections = mapped(customers, field_map())

    assert profiles["email"].to_list() == ["ada@example.com"]
    assert rejections["rule"].to_list() == ["email_invalid", "email_missing"]


def test_a_column_without_a_type_holds_no_address() -> None:
    """In a column of type Null, as an empty source makes it, all addresses are missing."""
    _, rejections = mapped(pl.DataFrame({"email": [None, None]}), field_map())

    assert rejections["rule"].to_list() == ["email_missing"] * 2

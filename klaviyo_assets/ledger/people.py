"""Whom the receipts account for: one row per person who is on the list because of us, or is about to be.

Most people of a ledger have one receipt, of their first delivery. They are told row by row, so that they pass through
without anything being held. Of who has several, `decisive` says which one is to be told; then they pass through too.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from klaviyo_assets.frames import LEDGER, PERSON, look_up
from klaviyo_assets.ledger.decisive import decide, find
from klaviyo_assets.ledger.sent import bodies
from klaviyo_assets.ledger.state import still_existing

_event: Final = pl.col("event")
_email: Final = pl.col("email")


def fold(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """The LEDGER that the receipts add up to.

    What is about bodies and about who has several receipts is read at once; the rest when the frame is collected.

    Raises:
        PolarsError: the receipts cannot be read.
    """
    of_bodies = receipts.filter(_email.is_null()).collect()
    of_people = receipts.filter(_email.is_not_null())
    several = _find_several(of_people)
    decided = _decide(of_people, of_bodies, several)
    passed_over = several.filter(~several.is_in(decided["sequence"].implode()))
    rows = of_people.filter(~pl.col("sequence").is_in(passed_over.implode()))
    # Collected: looked up in what is still to be computed, the streaming engine would hold the receipts until it is.
    facts = bodies(of_bodies.lazy()).select("body", pl.exclude("body").name.suffix("_of_body")).collect()
    told = look_up(rows, facts, "body", "left")
    return _tell(_look_up_decided(told, decided))


def _find_several(of_people: pl.LazyFrame) -> pl.Series:
    """The numbers of the receipts of everybody who has more than one.

    Hashes are compared three times as fast as addresses. Where two people have the same, both count as having several,
    which says no more than that they are looked at longer.
    """
    in_order = of_people.select("sequence", hash=_email.hash()).collect().sort("hash")
    hashes = in_order["hash"]
    is_repeated = (hashes == hashes.shift()).fill_null(False) | (hashes == hashes.shift(-1)).fill_null(False)
    return in_order["sequence"].filter(is_repeated)


def _decide(receipts: pl.LazyFrame, of_bodies: pl.DataFrame, several: pl.Series) -> pl.DataFrame:
    """By the number of each decisive receipt, what LEDGER says of a person beyond that: columns `…_decided`."""
    of_them = receipts.filter(pl.col("sequence").is_in(several.implode()))
    [decided] = find(of_them, of_bodies, _decide_few)
    return decided


def _decide_few(stripped: pl.LazyFrame) -> pl.LazyFrame:
    existing = still_existing(stripped, person=PERSON).select(PERSON).unique().with_columns(ours=False)
    decided = decide(stripped).join(existing, on=PERSON, how="left").with_columns(pl.col("ours").fill_null(True))
    return decided.select("sequence", pl.exclude("sequence", *PERSON).name.suffix("_decided"))


def _look_up_decided(receipts: pl.LazyFrame, decided: pl.DataFrame) -> pl.LazyFrame:
    if decided.is_empty():  # as after a first delivery, or a compaction
        return receipts.with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in decided.schema.items() if name != "sequence"
        )
    return look_up(receipts, decided, "sequence", "left")


def _tell(receipts: pl.LazyFrame) -> pl.LazyFrame:
    """LEDGER, row by row, of receipts that each tell of another person.

    Args:
        receipts: RECEIPTS with what is known of their bodies, `…_of_body`, and where it does not stand in the receipt
            what is to be said of the person, `…_decided`.
    """
    is_intent, is_decided, outcome = _event == "intent", pl.col("ours_decided").is_not_null(), pl.col("outcome_of_body")
    is_added = ((pl.col("change") == "add") & (outcome == "done")).fill_null(False)
    is_member = pl.coalesce("is_member_decided", _event.is_in(["member", "adopted"]) | is_added)
    left_out = pl.when(is_decided).then("field_decided").when(~is_intent).then("field")
    is_left_empty = pl.col("is_cleared_decided").fill_null(False)
    told = {
        "external_id": pl.col("external_id"),
        "payload": pl.col("payload"),
        "uncleared": pl.when(~is_left_empty).then("uncleared"),
        **{time: _joined(time, is_decided, is_intent) for time in ("joined_from", "joined_until")},
    }
    return (
        receipts.with_columns(is_member=is_member, open=pl.coalesce("is_open_decided", is_intent & outcome.is_null()))
        .filter(pl.col("is_member") | pl.col("open"))
        .select(
            "email",
            "open",
            *(pl.when("is_member").then(value).alias(name) for name, value in told.items()),
            incomplete=left_out.is_not_null(),
            ours=pl.coalesce("ours_decided", True),
        )
        .select(LEDGER.names())
    )


def _joined(time: str, is_decided: pl.Expr, is_intent: pl.Expr) -> pl.Expr:
    return pl.when(is_decided).then(f"{time}_decided").when(is_intent).then(f"{time}_of_body").otherwise(time)

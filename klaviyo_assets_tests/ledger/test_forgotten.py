"""Whom nobody may send again: told among any others, kept without their address."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from klaviyo_assets.errors import LedgerError
from klaviyo_assets.frames import FORGOTTEN_RULE, PROFILES, REJECTIONS
from klaviyo_assets.ledger import Forgotten
from klaviyo_assets_tests.frames_made import NOON, profiles, rejections

ANN, BEN = "ann@example.com", "ben@example.com"
ADDRESSES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=140)


@pytest.fixture
def forgotten(tmp_path: Path) -> Forgotten:
    """A storage in which nobody is forgotten yet."""
    return Forgotten(UPath(tmp_path))


def withheld(
    forgotten: Forgotten, sent: Sequence[str], rejected: Sequence[tuple[str | None, str]] = ()
) -> pl.DataFrame:
    """The rejections, once nobody is sent who must not be; who is sent is checked."""
    kept, refused = forgotten.withhold(profiles(dict.fromkeys(sent, "payload")), rejections(rejected))
    assert kept.collect_schema() == PROFILES
    assert refused.collect_schema() == REJECTIONS
    assert kept.collect()["email"].to_list() == [email for email in sent if forgotten.since(email) is None]
    return refused.collect()


def test_nobody_is_forgotten(forgotten: Forgotten, tmp_path: Path) -> None:
    """Before anybody is forgotten, everybody is sent, and nothing is written."""
    assert withheld(forgotten, [ANN, BEN], [(None, "email_missing")])["rule"].to_list() == ["email_missing"]
    assert list(tmp_path.iterdir()) == []


def test_a_row_of_who_is_forgotten_is_a_rejection(forgotten: Forgotten) -> None:
    """A forgotten person's rows are rejections without their address, by a rule of its own; nobody vanishes."""
    forgotten.remember(ANN, at=NOON)
    refused = withheld(
        forgotten, [BEN, ANN], [(ANN, "email_duplicate"), ("x", "email_invalid"), (None, "email_missing")]
    )

    assert refused.select("email", "rule").rows() == [
        ("x", "email_invalid"),
        (None, "email_missing"),
        (None, FORGOTTEN_RULE),
        (None, FORGOTTEN_RULE),
    ]
    assert refused["row"].to_list() == [1, 2, 1, 0]


@given(st.lists(ADDRESSES, unique=True, min_size=1, max_size=8), st.data())
def test_only_they_are_withheld(
    tmp_path_factory: pytest.TempPathFactory, emails: list[str], data: st.DataObject
) -> None:
    """Whatever addresses look like, exactly those that are forgotten are withheld."""
    forgotten = Forgotten(UPath(tmp_path_factory.mktemp("storage")))
    chosen = data.draw(st.sets(st.sampled_from(emails)))
    for email in chosen:
        forgotten.remember(email, at=NOON)

    assert withheld(forgotten, emails).height == len(chosen)


def test_the_digest_decides(forgotten: Forgotten, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who shares a bucket with a forgotten person is sent."""
    monkeypatch.setattr("klaviyo_assets.ledger.forgotten._BUCKET", 2**63)
    forgotten.remember(ANN, at=NOON)
    crowd = [f"p{number}@example.com" for number in range(20)]

    assert withheld(forgotten, [*crowd, ANN]).height == 1


def test_buckets_are_the_same_for_ever(forgotten: Forgotten, tmp_path: Path) -> None:
    """A mark is the same on any machine and with any version of Polars: it is what it was when this was written."""
    (tmp_path / "forgotten").mkdir()
    (tmp_path / "forgotten" / "key").write_text("00" * 32)
    forgotten.remember(ANN, at=NOON)

    (mark,) = (path.name for path in (tmp_path / "forgotten").glob("*-*"))
    assert mark == "052b9167-a456c-0eb072f6a63163ec4ad99aef8e902261689332a7d3f6c5bf279ad218da8a97dc"


def test_two_storages_share_no_digest(tmp_path: Path) -> None:
    """Each storage has its own secret, so that marks of two cannot be compared."""
    marks = set()
    for name in ("one", "two"):
        Forgotten(UPath(tmp_path / name)).remember(ANN, at=NOON)
        marks |= {path.name for path in (tmp_path / name / "forgotten").glob("*-*")}

    assert len(marks) == 2


def test_it_is_for_its_owner_and_names_nobody(forgotten: Forgotten, tmp_path: Path) -> None:
    """Nobody else reads the secret or the marks, and neither holds the address."""
    forgotten.remember(ANN, at=NOON)
    forgotten.remember(ANN, at=NOON)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2
    assert not any(stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files)
    assert not any("ann" in path.name + path.read_text() for path in files)


def test_since_when(forgotten: Forgotten) -> None:
    """Whoever is forgotten twice is forgotten since the first time."""
    assert forgotten.since(ANN) is None
    forgotten.remember(ANN, at=NOON)
    forgotten.remember(ANN, at=NOON + timedelta(days=1))

    assert (forgotten.since(ANN), forgotten.since(BEN)) == (NOON, None)


def test_spared_are_all_others(forgotten: Forgotten) -> None:
    """Of people in any frame those are left who may be sent, in their order, also who has no address."""
    forgotten.remember(ANN, at=NOON)
    people = pl.LazyFrame({"email": [BEN, ANN, None], "number": [1, 2, 3]})

    assert forgotten.spare(people).collect()["number"].to_list() == [1, 3]


def test_pardon(forgotten: Forgotten) -> None:
    """Who comes back of their own will can be sent again; of whom nobody was forgotten that is said."""
    forgotten.remember(ANN, at=NOON)

    assert forgotten.pardon(ANN)
    assert withheld(forgotten, [ANN]).is_empty()
    assert not forgotten.pardon(ANN)


@pytest.mark.parametrize("secret", [None, "", "nonsense", "00" * 32], ids=["lost", "empty", "damaged", "another's"])
def test_marks_of_another_secret_stop_everything(forgotten: Forgotten, tmp_path: Path, secret: str | None) -> None:
    """Marks that cannot be told any more are an error with the remedy, and not nobody's; no new secret hides them."""
    forgotten.remember(ANN, at=NOON)
    key = tmp_path / "forgotten" / "key"
    key.unlink()
    if secret is not None:
        key.write_text(secret)

    with pytest.raises(LedgerError, match="nothing is sent without it: restore the folder"):
        Forgotten(UPath(tmp_path)).withhold(profiles({BEN: "payload"}), rejections([]))
    with pytest.raises(LedgerError):
        Forgotten(UPath(tmp_path)).remember(BEN, at=NOON)


def test_marks_that_cannot_be_read_stop_everything(tmp_path: Path) -> None:
    """Where it cannot be told who is forgotten, nobody is taken for one who may be sent."""
    (tmp_path / "forgotten").write_text("no folder")
    with pytest.raises(LedgerError, match="nothing is sent without it"):
        Forgotten(UPath(tmp_path)).since("ada@example.com")

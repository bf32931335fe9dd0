"""What is wrong between declarations, told of those made in Python; of those in files it is in `wrong/`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from klaviyo_assets.errors import DeclarationError
from klaviyo_assets.exports import Consent, Export, FileSource, KlaviyoConnection, Match, Segment
from klaviyo_assets.orchestration.crosscheck import check_together, find_clashes


def connection(name: str = "contoso") -> KlaviyoConnection:
    """A connection of this name."""
    return KlaviyoConnection(name=name, consent=Consent(agreed_by="team:marketing", agreed_on="2026-11-23"))


def segment(name: str = "vip", **attributes: Any) -> Segment:
    """A segment of this name."""
    return Segment(name=name, source=FileSource(type="csv", path="data/vip.csv"), **attributes)


def export(name: str = "vip", **attributes: Any) -> Export:
    """An export of this name, to a list of the same name where no other is given."""
    given = {"connection": "contoso", "list_name": name, "segments": ["customers"], **attributes}
    return Export(name=name, match=Match(email="EMail"), **given)


def told(connections: Sequence[KlaviyoConnection], segments: Sequence[Segment], exports: Sequence[Export]) -> list[str]:
    """The mistakes, each up to what was found."""
    return [str(mistake).partition(", expected")[0] for mistake in find_clashes(connections, segments, exports)]


def test_what_fits_together_is_told_nothing() -> None:
    """Different names, known references, and lists of their own are right."""
    exports = [export(segments=["segments/vip"], leavers="remove"), export("all", schedule="0 6 * * *")]

    assert told([connection(), connection("b")], [segment(refresh="0 5 * * *"), segment("b")], exports) == []
    check_together([connection()], [segment()], exports)


@pytest.mark.parametrize("count", [2, 3])
def test_one_name_is_for_one_declaration_of_a_kind(count: int) -> None:
    """Each further one of a name is told; the same name in another kind is another thing."""
    assert count - 1 == len(told([connection() for _ in range(count)], [segment("contoso")], []))
    assert count - 1 == len(told([connection()], [segment() for _ in range(count)], []))
    assert count - 1 == len(told([connection()], [], [export(list_name=str(n)) for n in range(count)]))


def test_an_unknown_connection_is_told() -> None:
    """An export names a declared connection, or none."""
    exports = [export(connection="contosa"), export("b", connection=None)]

    assert told([connection()], [], exports) == [
        'export vip: connection: found "contosa", used by vip and not declared',
    ]


def test_a_connection_that_is_taken_away_is_told_with_the_exports_that_use_it() -> None:
    """Each of them is told, all are named, and what detaches them."""
    exports = [export("a"), export("b"), export("c", connection=None), export("d", connection="fabrikam")]
    mistakes = find_clashes([connection("fabrikam")], [], exports)

    assert [mistake.declaration for mistake in mistakes] == exports[:2]
    for mistake in mistakes:
        assert mistake.sentence.startswith('found "contoso", used by a and b and not declared')
        assert mistake.sentence.endswith(", or write null to detach the export")


@pytest.mark.parametrize(
    ("key", "mistake_count"),
    [("segments/vip", 0), ("segments/vips", 1), ("vips", 0), ("crm/vips", 0), ("klaviyo/vip/profiles", 1)],
)
def test_a_segment_key_is_a_declared_segments_or_anybodys(key: str, mistake_count: int) -> None:
    """Keys below segments/ are ours and must be declared; what an export makes is no segment; others are not judged."""
    assert mistake_count == len(told([connection()], [segment()], [export(segments=["customers", key])]))


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("segments/vips", "write segments/vip"),
        ("segments/orders", "declare it with type: klaviyo_assets.SegmentComponent, or write segments/vip"),
    ],
)
def test_only_a_like_name_is_offered_in_its_place(key: str, remedy: str) -> None:
    """What all keys of segments have in common makes none like another."""
    (mistake,) = find_clashes([connection()], [segment()], [export(segments=[key])])

    assert mistake.sentence.endswith(f"; {remedy}")


REMOVES, ADOPTS = {"leavers": "remove"}, {"existing_members": "adopt"}


@pytest.mark.parametrize(
    ("first", "second", "both_claim", "told_of"),
    [
        ({"list_id": "A1"}, {"list_id": "A1"}, False, ["first"]),
        ({"list_name": "x"}, {"list_name": "x"}, False, ["first"]),
        ({"list_id": "A1"}, {"list_id": "A1"}, True, ["first", "second"]),
        ({"list_id": "A1"}, {"list_id": "A1", "connection": "b"}, True, []),
        ({"list_id": "A1"}, {"list_name": "A1"}, True, []),
        ({"list_id": "A1"}, {"list_id": "A2"}, True, []),
        ({"list_id": "A1", "connection": None}, {"list_id": "A1", "connection": None}, True, []),
    ],
    ids=["by id", "by name", "both", "other account", "id and name", "other list", "detached"],
)
@pytest.mark.parametrize("claim", [REMOVES, ADOPTS], ids=["removes", "adopts"])
def test_who_removes_or_adopts_shares_its_list_with_nobody(
    claim: dict[str, str], first: dict[str, Any], second: dict[str, Any], both_claim: bool, told_of: list[str]
) -> None:
    """It is told of each export that removes leavers or adopts members, and names both."""
    exports = [
        export("first", **{"list_name": None, **claim, **first}),
        export("second", **{"list_name": None, **(claim if both_claim else {}), **second}),
    ]
    mistakes = find_clashes([connection(), connection("b")], [], exports)

    assert told_of == [mistake.declaration.name for mistake in mistakes if isinstance(mistake.declaration, Export)]
    assert all(mistake.path == tuple(claim) for mistake in mistakes)
    assert all("first" in mistake.sentence and "second" in mistake.sentence for mistake in mistakes)
    assert all(mistake.other is not mistake.declaration for mistake in mistakes)


def test_an_export_may_break_both_rules_of_a_shared_list() -> None:
    """Who removes and adopts is told of each."""
    exports = [export(list_name="x", **REMOVES, **ADOPTS), export("b", list_name="x")]

    assert [mistake.path for mistake in find_clashes([connection()], [], exports)] == [
        ("leavers",),
        ("existing_members",),
    ]


@pytest.mark.parametrize(
    ("former", "mistakes"),
    [
        ((None, None, None), []),
        (("old", None, None), []),
        (("old", "older", None), []),
        (("b", None, None), ['export a: renamed_from: found "b", the name of a declared export']),
        (
            ("b", "a", None),
            [
                'export a: renamed_from: found "b", the name of a declared export',
                'export b: renamed_from: found "a", the name of a declared export',
            ],
        ),
        (("old", "old", None), ['export b: renamed_from: found "old", which export a is renamed from too']),
        (
            ("old", "old", "old"),
            [
                'export b: renamed_from: found "old", which export a is renamed from too',
                'export c: renamed_from: found "old", which export a is renamed from too',
            ],
        ),
        (
            ("c", "c", None),
            [
                'export a: renamed_from: found "c", the name of a declared export',
                'export b: renamed_from: found "c", the name of a declared export',
            ],
        ),
    ],
    ids=["none", "one", "two", "declared", "swapped", "twice", "three times", "declared and twice"],
)
def test_a_former_name_is_one_exports_and_nobodys_any_more(former: Sequence[str | None], mistakes: list[str]) -> None:
    """One ledger goes on in one export, and not in one beside that which still has it."""
    exports = [export(name, renamed_from=was) for name, was in zip("abc", former, strict=True)]

    assert told([connection()], [], exports) == mistakes


def test_a_detached_export_keeps_its_name() -> None:
    """The ledger of an export that does not run now is not free for another one."""
    exports = [export(renamed_from="old"), export("old", connection=None)]
    (mistake,) = find_clashes([connection()], [], exports)

    assert mistake.other is exports[1]
    assert mistake.sentence.endswith("take that export away, or take renamed_from away")


def test_one_export_written_twice_is_told_once() -> None:
    """Two of one name are told for that, and not for sharing a list or a former name with themselves."""
    twice = [export(**REMOVES, **ADOPTS, renamed_from="old") for _ in range(2)]

    assert len(told([connection()], [], twice)) == 1


def test_crons_are_judged_in_python_too() -> None:
    """A cron that is none is told of segment and export, with its place in the list."""
    exports = [export(schedule="0 25 * * *")]
    segments = [segment(refresh=["0 5 * * *", "daily"])]

    assert told([connection()], segments, exports) == [
        'segment vip: refresh[1]: found "daily"',
        'export vip: schedule: found "0 25 * * *"',
    ]


def test_the_error_holds_a_line_for_each_mistake() -> None:
    """All mistakes are told at once."""
    with pytest.raises(DeclarationError) as error:
        check_together([], [], [export(), export("b", segments=["segments/x"])])

    assert [line.partition(": found")[0] for line in str(error.value).splitlines()] == [
        "export vip: connection",
        "export b: connection",
        "export b: segments[0]",
    ]

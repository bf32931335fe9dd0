"""What can be judged only of several declarations together, however they were made: in YAML or in Python.

Names in Dagster need no check here: what two declarations make has the same name only where they have the same name
themselves. What one declaration says by itself is judged in `exports` and `declarations`, who may use a connection in
`permissions`; whether two exports fill one list under its id and its name is seen when they run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from klaviyo_assets.errors import DeclarationError
from klaviyo_assets.exports import Declaration, Export, KlaviyoConnection, Segment
from klaviyo_assets.orchestration.declarations.crons import wrong_crons
from klaviyo_assets.orchestration.declarations.mistakes import Mistake, closest, listed, shown
from klaviyo_assets.orchestration.permissions import find_forbidden


class _Claim(NamedTuple):
    """What an export may say that leaves no room for another one on its list."""

    attribute: str
    word: str
    means: str
    instead: str

    def is_made_by(self, export: Export) -> bool:
        return bool(getattr(export, self.attribute) == self.word)


_CLAIMS: Final = (
    _Claim("leavers", "remove", "removes leavers", "keep"),
    _Claim("existing_members", "adopt", "adopts members", "leave"),
)


def check_together(
    connections: Sequence[KlaviyoConnection], segments: Sequence[Segment], exports: Sequence[Export]
) -> None:
    """Nothing, where the declarations fit together.

    Raises:
        DeclarationError: they do not; the message holds one line for each mistake.
    """
    mistakes = find_clashes(connections, segments, exports)
    if mistakes:
        raise DeclarationError("\n".join(map(str, mistakes)))


def find_clashes(
    connections: Sequence[KlaviyoConnection], segments: Sequence[Segment], exports: Sequence[Export]
) -> list[Mistake]:
    """Every mistake between declarations, and every cron that is none, each with its declaration and attribute."""
    return [
        *_same_names("connection", connections),
        *_same_names("segment", segments),
        *_same_names("export", exports),
        *_wrong_crons([*segments, *exports]),
        *_unknown_connections(exports, [connection.name for connection in connections]),
        *find_forbidden(connections, exports),
        *_unknown_segments(exports, [segment.name for segment in segments]),
        *_shared_lists(exports),
        *_former_names(exports),
    ]


def _same_names(
    kind: str, declarations: Sequence[KlaviyoConnection] | Sequence[Segment] | Sequence[Export]
) -> Iterator[Mistake]:
    first: dict[str, Declaration] = {}
    for declaration in declarations:
        other = first.setdefault(declaration.name, declaration)
        if other is not declaration:
            sentence = (
                f"found {shown(declaration.name)}, the name of another {kind} too, expected a name of its own; "
                "rename one of the two, or take one away"
            )
            yield Mistake(("name",), sentence, declaration, other)


def _wrong_crons(declarations: Sequence[Segment | Export]) -> Iterator[Mistake]:
    for declaration in declarations:
        crons = declaration.model_dump(include={"refresh", "schedule"})
        yield from (Mistake(each.path, each.sentence, declaration) for each in wrong_crons(crons))


def _unknown_connections(exports: Sequence[Export], names: Sequence[str]) -> Iterator[Mistake]:
    for export in exports:
        if export.connection is not None and export.connection not in names:
            near = closest(export.connection, names)
            remedy = f"write {near}" if near else _declare("KlaviyoConnectionComponent", names)
            users = [other.name for other in exports if other.connection == export.connection]
            sentence = (
                f"found {shown(export.connection)}, used by {listed(users, 'and')} and not declared, expected the name "
                f"of a declared connection, which stays as long as an export uses it; {remedy}, or write null to "
                f"detach the export"
            )
            yield Mistake(("connection",), sentence, export)


def _unknown_segments(exports: Sequence[Export], names: Sequence[str]) -> Iterator[Mistake]:
    made = {
        f"klaviyo/{export.name}/{part}": export for export in exports for part in ("profiles", "rejections", "list")
    }
    for export in exports:
        for index, key in enumerate(export.segments):
            name = key.removeprefix("segments/")
            if name != key and name not in names:
                near = closest(name, names)
                keys = [f"segments/{known}" for known in names]
                remedy = f"write segments/{near}" if near else _declare("SegmentComponent", keys)
                expected = "the key of a declared segment"
            elif key in made:
                remedy = f"write the segments of {made[key].name} themselves"
                expected = f"an asset that holds customers, not one that the export {made[key].name} makes"
            else:
                continue
            yield Mistake(("segments", index), f"found {shown(key)}, expected {expected}; {remedy}", export)


def _declare(component: str, known: Sequence[str]) -> str:
    others = f", or write {listed(known)}" if 0 < len(known) <= 5 else ""
    return f"declare it with type: klaviyo_assets.{component}{others}"


def _shared_lists(exports: Sequence[Export]) -> Iterator[Mistake]:
    sharing: dict[tuple[str | None, ...], list[Export]] = {}
    for export in exports:
        sharing.setdefault((export.connection, export.list_id, export.list_name), []).append(export)
    for export in exports:
        there = sharing[export.connection, export.list_id, export.list_name]
        others = [other for other in there if other.name != export.name]
        if export.connection is not None and others:
            yield from (_shared_list(export, others, claim) for claim in _CLAIMS if claim.is_made_by(export))


def _shared_list(export: Export, others: Sequence[Export], claim: _Claim) -> Mistake:
    names = listed([other.name for other in others], "and")
    sentence = (
        f"found {claim.word}, while export {export.name} shares the list {shown(export.list_id or export.list_name)} "
        f"with {names}, expected a list of its own for an export that {claim.means}; give it another list, or write "
        f"{claim.instead}"
    )
    return Mistake((claim.attribute,), sentence, export, others[0])


def _former_names(exports: Sequence[Export]) -> Iterator[Mistake]:
    declared = {export.name: export for export in reversed(exports)}
    first: dict[str, Export] = {}
    for export in exports:
        former = export.renamed_from
        if former is None:
            continue
        heir = first.setdefault(former, export)
        if former in declared:
            sentence = (
                f"found {shown(former)}, the name of a declared export, expected one that no export has any more; take "
                "that export away, or take renamed_from away"
            )
            yield Mistake(("renamed_from",), sentence, export, declared[former])
        elif heir.name != export.name:
            sentence = (
                f"found {shown(former)}, which export {heir.name} is renamed from too, expected the ledger of "
                f"{former} to go on in one export; take renamed_from away from one of the two"
            )
            yield Mistake(("renamed_from",), sentence, export, heir)

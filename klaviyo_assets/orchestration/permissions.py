"""Who may use which connection, and whether the declarations keep to it.

Whoever may not use a connection is told its display name and type, and never who its administrators are. What else
can be wrong between declarations is in `crosscheck.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from klaviyo_assets.exports import Export, KlaviyoConnection
from klaviyo_assets.orchestration.declarations.mistakes import Mistake, shown


def find_forbidden(connections: Sequence[KlaviyoConnection], exports: Sequence[Export]) -> Iterator[Mistake]:
    """Every consent of somebody who may not give it, and every owner who may not use the export's connection."""
    whole = [connection for connection in connections if _is_whole(connection)]
    for connection in whole:
        if connection.consent.agreed_by not in connection.administered_by:
            yield _not_an_administrator(connection)
    by_name = {connection.name: connection for connection in reversed(whole)}
    for export in exports:
        used = by_name.get(export.connection or "")
        if used is not None:
            yield from _owners_without_it(export, used)


def owners_of(export: Export, connection: KlaviyoConnection | None) -> list[str]:
    """Who answers for the export: whom it names, else the administrators of its connection."""
    if export.owners or connection is None:
        return list(export.owners)
    return list(connection.administered_by)


def _is_whole(connection: KlaviyoConnection) -> bool:
    # Of one that has mistakes of its own only the name is known.
    return "consent" in connection.model_fields_set


def _not_an_administrator(connection: KlaviyoConnection) -> Mistake:
    sentence = (
        f"found {shown(connection.consent.agreed_by)}, expected one of the connection's administrators; let one of "
        f"them agree, or list who agreed under administrators"
    )
    return Mistake(("consent", "agreed_by"), sentence, connection)


def _owners_without_it(export: Export, connection: KlaviyoConnection) -> Iterator[Mistake]:
    for index, owner in enumerate(export.owners):
        if not connection.may_be_used_by(owner):
            sentence = (
                f"found {shown(owner)}, and no such connection is available to them, expected owners who may use "
                f"{connection.title}; name other owners, or ask its administrators to make it available"
            )
            yield Mistake(("owners", index), sentence, export)

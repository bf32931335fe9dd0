"""Every mistake in a folder of declarations, as `klaviyo-assets check` tells them.

The steps are those by which Dagster loads declarations; only the folder is read without it. Names that are declared in
Python alone are not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from klaviyo_assets.exports import Declaration, Export, KlaviyoConnection, Segment
from klaviyo_assets.orchestration.crosscheck import find_clashes
from klaviyo_assets.orchestration.declarations.documents import place_clashes
from klaviyo_assets.orchestration.declarations.folder import read_folder
from klaviyo_assets.orchestration.declarations.mistakes import Place, PlacedMistake
from klaviyo_assets.orchestration.declarations.projects import Project, find_project
from klaviyo_assets.orchestration.declarations.reading import Read
from klaviyo_assets.orchestration.left_ledgers import warn_of_left_ledgers
from klaviyo_assets.orchestration.sharing import advise_sharing
from klaviyo_assets.orchestration.storage import find_storage

D = TypeVar("D", bound=Declaration)


@dataclass(frozen=True)
class Checked:
    """What was found in a folder.

    Attributes:
        declaration_count: how many declarations there are.
        mistakes: everything that is wrong, by file, line and column.
        warnings: what is not wrong, and somebody should know; of whole declarations only.
    """

    declaration_count: int
    mistakes: Sequence[PlacedMistake]
    warnings: Sequence[str] = ()


def check_folder(folder: Path) -> Checked:
    """Every mistake in the declarations of a folder.

    A folder within a project's definitions is checked together with all of them; one around them stands for them.

    Raises:
        DeclarationError: the project's configuration cannot be read.
    """
    folder = folder.resolve()
    project = find_project(folder)
    if project and folder.is_relative_to(project.defs):
        return _check(project.defs, folder, project.root)
    if project and project.defs.is_relative_to(folder):
        return _check(project.defs, project.defs, project.root)
    return _check(folder, folder, project.root if project else folder)


def connections_in(project: Project) -> list[KlaviyoConnection]:
    """The connections that a project declares in YAML."""
    return _declared(read_folder(project.defs, project_root=project.root), KlaviyoConnection)


def exports_in(project: Project) -> list[Export]:
    """The exports that a project declares in YAML."""
    return _declared(read_folder(project.defs, project_root=project.root), Export)


def _check(everything: Path, part: Path, project_root: Path) -> Checked:
    reads = read_folder(everything, project_root=project_root)
    told = [*(mistake for read in reads for mistake in read.mistakes), *_clashes(reads)]
    # Who misspells an export's name has no ledger too many.
    exports = _declared(reads, Export)
    left = [] if told else warn_of_left_ledgers(find_storage(project_root), exports)
    return Checked(
        sum(_is_within(read.document.place, part) for read in reads),
        sorted({mistake for mistake in told if _is_within(mistake.place, part)}),
        [*left, *advise_sharing(exports)],
    )


def _clashes(reads: Sequence[Read]) -> list[PlacedMistake]:
    clashes = find_clashes(_declared(reads, KlaviyoConnection), _declared(reads, Segment), _declared(reads, Export))
    return place_clashes(clashes, {id(read.declaration): read.document for read in reads})


def _declared(reads: Sequence[Read], kind: type[D]) -> list[D]:
    return [read.declaration for read in reads if isinstance(read.declaration, kind)]


def _is_within(place: Place, folder: Path) -> bool:
    return Path(place.where).resolve().is_relative_to(folder)

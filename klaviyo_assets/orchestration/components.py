"""The three component types: declarations in YAML, or in Python beside YAML, that become Dagster definitions.

Dagster is given the schema of each declaration, so that its pages and its command line document the attributes; the
checking is ours (`declarations`, `crosscheck`), so that every mistake is told at once, with its line and column. What a
declaration becomes is in `build.py`.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, Self, TypeVar
from weakref import WeakKeyDictionary, WeakSet

import dagster as dg
from dagster.components.core.decl import ComponentDecl, YamlDecl
from dagster.components.resolved.scopes import LoadContextScope
from pydantic import BaseModel

from klaviyo_assets.errors import DeclarationError
from klaviyo_assets.exports import Declaration, Export, KlaviyoConnection, Segment
from klaviyo_assets.orchestration.build import connection_defs, export_defs, segment_defs
from klaviyo_assets.orchestration.crosscheck import find_clashes
from klaviyo_assets.orchestration.declarations.documents import (
    ATTRIBUTES,
    Document,
    find_document,
    place_clashes,
)
from klaviyo_assets.orchestration.declarations.mistakes import Place, PlacedMistake
from klaviyo_assets.orchestration.declarations.reading import read_declaration
from klaviyo_assets.orchestration.declarations.rendering import EnvironmentVariables, Scope
from klaviyo_assets.orchestration.declarations.schema import attributes_model
from klaviyo_assets.orchestration.scaffolding import DeclarationScaffolder
from klaviyo_assets.orchestration.sharing import find_automation

D = TypeVar("D", bound=Declaration)


@dataclass(frozen=True, eq=False)
class DeclarationComponent(dg.Component, Generic[D]):
    """What the three share: one document, or one value of `exports`, is one component.

    Attributes:
        declaration: what is declared.
        document: where; None where it was made in Python.
    """

    declaration: D
    document: Document | None = field(default=None, repr=False)

    declares: ClassVar[type[Declaration]]

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """What Dagster validates by, which is nothing, and documents, which is every attribute."""
        return attributes_model(cls.declares)

    @classmethod
    def load(cls, attributes: Any, context: dg.ComponentLoadContext) -> Self:
        """The component that a document declares.

        Raises:
            DeclarationError: one line for each mistake in the document.
        """
        _remember_decls(context)
        scope = {"env": EnvironmentVariables(os.environ), "context": LoadContextScope(context)}  # type: ignore[no-untyped-call]
        document = _document(attributes, context)
        read = read_declaration(document, cls.declares, Scope({**context.resolution_context.scope, **scope}))
        if read.mistakes or read.declaration is None:
            raise DeclarationError("\n".join(map(str, read.mistakes)))
        return cls(read.declaration, document)  # type: ignore[arg-type]

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The definitions of this declaration, if all declarations of the project fit together.

        Raises:
            DeclarationError: one line for each mistake between declarations.
        """
        together = _declared_together(self, context)
        if together.mistakes:
            raise DeclarationError("\n".join(map(str, together.mistakes)))
        return self.build_within(together, context.project_root)

    @abstractmethod
    def build_within(self, together: DeclaredTogether, project_root: Path) -> dg.Definitions:
        """The definitions of this declaration."""


@dg.scaffold_with(DeclarationScaffolder)
class KlaviyoConnectionComponent(DeclarationComponent[KlaviyoConnection]):
    """One Klaviyo account, where its private key is found, and the consent that data may leave for it."""

    declares = KlaviyoConnection

    def build_within(self, together: DeclaredTogether, project_root: Path) -> dg.Definitions:
        """The resource klaviyo_<connection>, and the job verify_<connection>."""
        return connection_defs(
            self.declaration,
            segments=together.declared(Segment),
            exports=together.declared(Export),
            project_root=project_root,
        )


@dg.scaffold_with(DeclarationScaffolder)
class SegmentComponent(DeclarationComponent[Segment]):
    """A named set of customers, read from a source into the asset segments/<segment>."""

    declares = Segment

    def build_within(self, together: DeclaredTogether, project_root: Path) -> dg.Definitions:
        """The segment's asset, sensor and schedule."""
        return segment_defs(
            self.declaration,
            all_segments=together.declared(Segment),
            project_root=project_root,
            automation=find_automation(),
        )


@dg.scaffold_with(DeclarationScaffolder)
class KlaviyoExportComponent(DeclarationComponent[Export]):
    """Which segments go to which Klaviyo list, with which fields, within which limits, and when."""

    declares = Export

    def build_within(self, together: DeclaredTogether, project_root: Path) -> dg.Definitions:
        """The export's assets, checks, job and automation."""
        connections = together.declared(KlaviyoConnection)
        return export_defs(
            self.declaration,
            connection=next((each for each in connections if each.name == self.declaration.connection), None),
            segments=together.declared(Segment),
            all_exports=together.declared(Export),
            project_root=project_root,
            automation=find_automation(),
        )


@dataclass(frozen=True)
class DeclaredTogether:
    """All components of ours in one Dagster project, in the order in which Dagster has them."""

    components: Sequence[DeclarationComponent[Any]]
    _found: dict[type[Declaration], list[Any]] = field(default_factory=dict, repr=False)

    def declared(self, kind: type[D]) -> list[D]:
        """All declarations of one kind."""
        if kind not in self._found:  # each of many asks for all
            self._found[kind] = [each.declaration for each in self.components if isinstance(each.declaration, kind)]
        return self._found[kind]

    @cached_property
    def mistakes(self) -> list[PlacedMistake]:
        """What is wrong between them."""
        clashes = find_clashes(self.declared(KlaviyoConnection), self.declared(Segment), self.declared(Export))
        documents = {id(each.declaration): each.document for each in self.components if each.document}
        return sorted(place_clashes(clashes, documents))


# By the tree's tracker, since a tree has no identity of its own: two of one project are equal.
_TOGETHER: Final[WeakKeyDictionary[Any, DeclaredTogether]] = WeakKeyDictionary()
_REMEMBERED: Final[WeakSet[Any]] = WeakSet()


def _declared_together(component: DeclarationComponent[Any], context: dg.ComponentLoadContext) -> DeclaredTogether:
    decl: object = context.component_decl
    if not isinstance(decl, ComponentDecl):  # built alone, in a test
        return DeclaredTogether([component])
    tracker = context.component_tree.state_tracker
    known = _TOGETHER.get(tracker)
    if known is None or component not in known.components:
        known = _TOGETHER[tracker] = DeclaredTogether(_components(component, context.component_tree))
    return known


def _remember_decls(context: dg.ComponentLoadContext) -> None:
    """Note where each declaration of a tree is, in the tree's own memory.

    Dagster would look through the whole tree for each component that it loads, which takes minutes with thousands.
    """
    decl: object = context.component_decl
    tree = context.component_tree
    if not isinstance(decl, ComponentDecl) or tree.state_tracker in _REMEMBERED:  # the first: built alone, in a test
        return
    _REMEMBERED.add(tree.state_tracker)
    for each in tree.find_root_decl().iterate_all_component_decls():
        if tree.state_tracker.get_cache_data(each.loc).component_decl is None:
            tree.state_tracker.set_cache_data(each.loc, component_decl=each)


def _components(component: DeclarationComponent[Any], tree: dg.ComponentTree) -> list[DeclarationComponent[Any]]:
    decls = tree.find_root_decl().iterate_all_component_decls()
    found = [tree.load_component(decl.loc) for decl in decls if _may_declare(decl)]
    ours = [each for each in found if isinstance(each, DeclarationComponent)]
    return ours if component in ours else [*ours, component]


def _may_declare(decl: ComponentDecl[Any]) -> bool:
    # Dagster knows the type of a component made in Python by an annotation, which may be text, or missing.
    kind: object = decl.component_type
    is_known = isinstance(kind, type) and issubclass(kind, dg.Component)
    return not is_known or issubclass(decl.component_type, DeclarationComponent)


def _document(attributes: Any, context: dg.ComponentLoadContext) -> Document:
    decl = context.component_decl
    if isinstance(decl, YamlDecl) and decl.source_tree:
        position = decl.source_tree.source_position_tree.position
        document = find_document(Path(position.filename), position.start.line)
        if document:
            return document
    contents = {ATTRIBUTES: attributes.root if attributes else None}
    return Document(contents, Place("declaration"))

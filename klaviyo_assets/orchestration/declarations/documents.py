"""A file's YAML documents, with the line and column at which each of their keys stands.

What makes a file unreadable is told here, and so is a key that stands there twice, which YAML readers pass over.
What the documents declare is none of this module's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

from klaviyo_assets.orchestration.declarations.mistakes import (
    AttributePath,
    Mistake,
    Place,
    PlacedMistake,
    described,
)

ATTRIBUTES: Final = "attributes"  # the key that holds them

_TIMESTAMP: Final = "tag:yaml.org,2002:timestamp"  # Dagster reads dates as text, and so do we
_HINTS: Final = {
    "mapping values are not allowed": "put a text that holds a colon into quotes, or check the indentation",
    "'\\t'": "indent with spaces, not with tabs",
    "undefined alias": "put a text that begins with * into quotes",
    "cannot start any token": "put the text into quotes",
    "could not find expected ':'": "write the key, a colon, a space, and the value",
    "could not determine a constructor": "put a text that begins with ! into quotes",
    "end of stream": "close the quotes",
}
_WRONG_KEY: Final = 'found { } or [ ] as a key, expected a name; put a template into quotes, as in "{{ env.LIST_ID }}"'


@dataclass(frozen=True)
class Document:
    """One YAML document.

    Attributes:
        contents: what it says, in plain Python values; None where it cannot be read.
        place: where it begins; without a line where it comes from no file.
        keys: for each path of keys, as text, the line and column of its last key.
        mistakes: what is wrong with it as YAML.
    """

    contents: Any = field(repr=False)
    place: Place
    keys: Mapping[tuple[str, ...], tuple[int, int]] = field(default_factory=dict, repr=False)
    mistakes: tuple[PlacedMistake, ...] = field(default=(), repr=False)

    def find(self, path: AttributePath) -> Place:
        """The place of the key at this path, or of the nearest one above it."""
        names = tuple(map(str, path))
        while names and names not in self.keys:
            names = names[:-1]
        return Place(self.place.where, *self.keys[names]) if names else self.place

    def mistake(self, path: AttributePath, sentence: str) -> PlacedMistake:
        """What is wrong with the document around its attributes."""
        return Mistake(path, sentence).at(self.find(path))


def place(mistake: Mistake, document: Document | None, other: Document | None = None) -> PlacedMistake:
    """A mistake at its place, with the place of the declaration that it clashes with.

    Args:
        mistake: what is wrong with a declaration's attributes.
        document: where the declaration stands; None where it was made in Python.
        other: where the one stands that it clashes with.
    """
    where = document.find((ATTRIBUTES, *mistake.path)) if document else Place(described(mistake.declaration))
    return mistake.at(where, other.find((ATTRIBUTES, "name")) if other else None)


def place_clashes(mistakes: Iterable[Mistake], documents: Mapping[int, Document]) -> list[PlacedMistake]:
    """Mistakes between declarations, each at its place.

    Args:
        mistakes: what was found.
        documents: where the declarations stand, by their identity; those made in Python stand nowhere.
    """
    return [
        place(mistake, documents.get(id(mistake.declaration)), documents.get(id(mistake.other))) for mistake in mistakes
    ]


def read_documents(file: Path) -> list[Document]:
    """Every document of a file; one that only holds mistakes where the file cannot be read as YAML."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        sentence = f"found bytes that are not UTF-8 (at byte {error.start}), expected UTF-8; save the file as UTF-8"
        return [_unreadable(Place(shown_path(file), 1, 1), sentence)]
    return _parse(text, shown_path(file), yaml.SafeLoader)


def find_document(file: Path, line: int) -> Document | None:
    """The document that begins at this line of a file that Dagster has read already."""
    if not file.is_file():
        return None
    status = file.stat()
    documents = _parse_known(file, status.st_mtime_ns, status.st_size)
    return next((document for document in documents if document.place.line == line), None)


def shown_path(file: Path) -> str:
    """The file's path as it is told: below the working directory, or else absolute."""
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


# Dagster asks for one document after the other; libyaml, where there is one, reads them fifteen times faster.
@lru_cache(maxsize=4)
def _parse_known(file: Path, _mtime_ns: int, _size: int) -> list[Document]:
    return _parse(file.read_text(encoding="utf-8"), shown_path(file), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _parse(text: str, where: str, loader: type) -> list[Document]:
    try:
        return [_read_document(node, where) for node in yaml.compose_all(text, _without_dates(loader))]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return [_unreadable(Place(where, mark.line + 1, mark.column + 1), _describe(error))]
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        return [_unreadable(Place(where, line, column), "found a control character, expected text; take it away")]


@lru_cache
def _without_dates(loader: Any) -> Any:
    resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag != _TIMESTAMP]
        for first, known in loader.yaml_implicit_resolvers.items()
    }
    return type("Loader", (loader,), {"yaml_implicit_resolvers": resolvers})


def _read_document(node: yaml.Node, where: str) -> Document:
    place = _place(node, where)
    if not isinstance(node, yaml.MappingNode):
        found = "a document without keys" if node.value else "an empty document"
        return _unreadable(place, f"found {found}, expected type and attributes; write them, or take the --- away")
    keys = _Keys(where)
    keys.note(node)
    readable = yaml.constructor.SafeConstructor().construct_object(node, deep=True) if keys.are_plain else None
    return Document(readable, place, keys.places, tuple(keys.mistakes))


@dataclass
class _Keys:
    """Where each key of a document stands, and which of them cannot be one, or were there before."""

    where: str
    places: dict[tuple[str, ...], tuple[int, int]] = field(default_factory=dict)
    mistakes: list[PlacedMistake] = field(default_factory=list)
    are_plain: bool = True
    _seen: set[int] = field(default_factory=set)

    def note(self, node: yaml.Node, path: tuple[str, ...] = ()) -> None:
        if id(node) in self._seen:  # an alias; it may even lead back to where it stands
            return
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                self._note_key(key, value, path)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._note_at(item, (*path, str(index)))
                self.note(item, (*path, str(index)))

    def _note_key(self, key: yaml.Node, value: yaml.Node, path: tuple[str, ...]) -> None:
        if not isinstance(key, yaml.ScalarNode):
            self.are_plain = False
            self.mistakes.append(PlacedMistake(_place(key, self.where), _WRONG_KEY))
            return
        below = (*path, key.value)
        if below in self.places:
            first = self.places[below][0]
            sentence = f"found a second time, first in line {first}, expected once; take one of the two away"
            self.mistakes.append(PlacedMistake(_place(key, self.where), f"{key.value}: {sentence}"))
        else:
            self._note_at(key, below)
        self.note(value, below)

    def _note_at(self, node: yaml.Node, path: tuple[str, ...]) -> None:
        self.places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)


def _place(node: yaml.Node, where: str) -> Place:
    return Place(where, node.start_mark.line + 1, node.start_mark.column + 1)


def _unreadable(place: Place, sentence: str) -> Document:
    return Document(None, place, mistakes=(PlacedMistake(place, sentence),))


def _describe(error: yaml.MarkedYAMLError) -> str:
    problem = " ".join(filter(None, [error.context, error.problem]))
    near = (hint for sign, hint in _HINTS.items() if sign in problem)
    remedy = next(near, "check the indentation, the quotes and the brackets here and in the line above")
    return f"found text that is not YAML ({problem}), expected keys and values; {remedy}"

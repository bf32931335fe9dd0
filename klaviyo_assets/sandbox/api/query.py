"""The parameters of a request: sparse fields, includes, sorting, pages, filters. What is not allowed is refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import urlencode

from klaviyo_assets.sandbox.api import errors, filters, paging

PAGE_SIZE, PAGE_CURSOR = "page[size]", "page[cursor]"

Parameters = Mapping[str, Collection[str]]
"""What a request may ask: the names that each parameter may list; none where it holds something else."""


class Query:
    """The parameters that a request came with, decoded."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values = dict(pairs)

    def expect_only(self, allowed: Parameters, *, resource: str) -> None:
        """Nothing, if the parameters, and the names that they list, are all allowed.

        Raises:
            ApiError: 400, naming the first that is not.
        """
        for parameter in self._values:
            if parameter not in allowed:
                told = re.sub(r"\[(.*)\]", r"_\1", parameter)
                raise errors.invalid_parameter(errors.unknown_field(told, resource), parameter)
            for name in self.names(parameter) if allowed[parameter] else ():
                if name.partition(".")[0] not in allowed[parameter]:
                    raise errors.invalid_parameter(errors.unknown_field(name, resource), parameter)

    def names(self, parameter: str) -> tuple[str, ...]:
        """The names in a parameter that lists some, parted by commas."""
        return tuple(name.strip() for name in self._values.get(parameter, "").split(",") if name.strip())

    def page_size(self, *, default: int, most: int) -> int:
        """How many items a page holds.

        Raises:
            ApiError: 400, outside 1 to `most`.
        """
        text = self._values.get(PAGE_SIZE, str(default))
        if not paging.NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
            raise errors.invalid_parameter(f"Page size must be an integer between 1 and {most}.", PAGE_SIZE)
        return int(text)

    def cursor(self) -> paging.Cursor | None:
        """Where the page that is asked for begins, if not at the start."""
        text = self._values.get(PAGE_CURSOR)
        return paging.decode(text) if text else None

    def sort(self, allowed: Collection[str], *, default: str) -> tuple[str, bool]:
        """The field to sort by, and whether descending; the default where the request does not say.

        Raises:
            ApiError: 400, for a field that cannot be sorted by.
        """
        text = self._values.get("sort", default)
        field = text.removeprefix("-")
        if field not in (*allowed, default):
            raise errors.invalid_parameter(f"'{field}' is not a valid sort field.", "sort")
        return field, text.startswith("-")

    def conditions(self, resource: str, rules: filters.Rules) -> tuple[filters.Condition, ...]:
        """The conditions of the filter, none if there is no filter."""
        text = self._values.get("filter")
        return filters.parse(text, resource=resource, rules=rules) if text else ()

    def at_page(self, cursor: str) -> str:
        """These parameters, encoded, but with another cursor."""
        return urlencode({**self._values, PAGE_CURSOR: cursor})

    def encoded(self) -> str:
        """These parameters, with their brackets percent-encoded."""
        return urlencode(self._values)

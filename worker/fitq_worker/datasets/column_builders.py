"""Columns of a table, written to the worker's cache batch after batch."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fitq_shared.dataset_manifest import Column, Role
from fitq_shared.errors import BadJob
from fitq_shared.specs.base import Split
from fitq_shared.texts import shown
from fitq_worker.datasets.column_files import (
    MISSING,
    Noted,
    StoredColumn,
    chunks,
    writing_array,
    writing_texts,
)

MOST_CATEGORIES = 100_000
Head = tuple[str, Split, Role]
"""A column's name, split and role."""


class NumberBuilder:
    """Numbers as float32."""

    def __init__(self, head: Head, path: Path) -> None:
        self._head = head
        self._path = path
        self._files = contextlib.ExitStack()
        self._writer = self._files.enter_context(writing_array(path, np.float32))
        self._missing = Noted()
        self._odd = Noted()

    def add(self, values: NDArray[np.float64], missing: NDArray[np.bool_]) -> None:
        """Add values of shape (n,); where `missing` is true there is none, and NaN is kept."""
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is noted
            numbers = np.where(missing, np.nan, values).astype(np.float32)
        start = self._writer.rows
        self._missing = self._missing.plus(missing, start)
        self._odd = self._odd.plus(~np.isfinite(numbers) & ~missing, start)
        self._writer.append(numbers)

    def finish(self) -> StoredColumn:
        """Close the file."""
        self._files.close()
        return StoredColumn(
            *(*self._head, "array", self._path.name),
            missing=self._missing,
            odd=self._odd,
        )


class Categories:
    """The names in a column, which all splits of a data set share.

    Args:
        name: of the column, for messages.
        known: all that there may be, in the order of their numbers; None to find them.
    """

    def __init__(self, name: str, known: Sequence[str] | None = None) -> None:
        self._name = name
        self._is_open = known is None
        self._codes = {category: code for code, category in enumerate(known or ())}

    def code(self, category: str) -> int:
        """The number of a category, for now; MISSING if it is none of those that are known.

        Raises:
            BadJob: there are far too many.
        """
        if not self._is_open:
            return self._codes.get(category, MISSING)
        if len(self._codes) > MOST_CATEGORIES:
            raise BadJob(
                f"the column {shown(self._name)} has more than {MOST_CATEGORIES:,} categories",
                "declare it as text, or leave it out",
            )
        return self._codes.setdefault(category, len(self._codes))

    def settled(self) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        """All names in the order of their final numbers, and the final number of each code.

        Names that were found are in order: by number, if all are numbers, else as texts.
        """
        names = list(self._codes)
        if self._is_open:
            names.sort(key=_by_number if all(map(_is_number, names)) else None)
        places = {name: place for place, name in enumerate(names)}
        # The last one is what MISSING picks.
        return tuple(names), np.array([*(places[name] for name in self._codes), MISSING], np.int32)


class CategoryBuilder:
    """Categories as their numbers: int32, in the order of the categories' names."""

    def __init__(self, head: Head, path: Path, categories: Categories) -> None:
        self._head = head
        self._path = path
        self._categories = categories
        self._files = contextlib.ExitStack()
        self._writer = self._files.enter_context(writing_array(path, np.int32))
        self._missing = Noted()

    def add(self, values: Sequence[str | None]) -> list[int]:
        """Add names; None is one that is missing.

        Returns:
            The places of those that are not known.
        """
        code = self._categories.code
        codes = np.array([MISSING if v is None else code(v) for v in values], np.int32)
        missing = np.array([value is None for value in values], bool)
        self._missing = self._missing.plus(missing, self._writer.rows)
        self._writer.append(codes)
        return np.flatnonzero((codes == MISSING) & ~missing).tolist()

    @property
    def size(self) -> int:
        """The bytes that it has written so far."""
        return self._writer.size

    def finish(self) -> StoredColumn:
        """Close the file, and number the categories anew, now that all are known."""
        self._files.close()
        names, places = self._categories.settled()
        if self._writer.rows and not np.array_equal(places[:-1], np.arange(len(names))):
            codes = np.lib.format.open_memmap(self._path, "r+")
            for start, part in chunks(codes):
                codes[start : start + len(part)] = places[part]
            codes.flush()
        return StoredColumn(
            *(*self._head, "category", self._path.name),
            kind="category",
            names=names,
            missing=self._missing,
        )


class TextBuilder:
    """Texts as they are."""

    def __init__(self, head: Head, path: Path) -> None:
        self._head = head
        self._path = path
        self._content = path.with_suffix(".utf8")
        self._files = contextlib.ExitStack()
        self._writer = self._files.enter_context(writing_texts(path))
        self._missing = Noted()
        self._rows = 0

    def add(self, values: Sequence[str | None]) -> None:
        """Add texts; None is one that is missing, and becomes empty."""
        missing = np.array([value is None for value in values], bool)
        self._missing = self._missing.plus(missing, self._rows)
        self._rows += len(values)
        self._writer.append(value or "" for value in values)

    @property
    def size(self) -> int:
        """The bytes that it has written so far."""
        return self._writer.size

    def finish(self) -> StoredColumn:
        """Close the files."""
        self._files.close()
        return StoredColumn(
            *(*self._head, "text", self._path.name, self._content.name), missing=self._missing
        )


Builder = NumberBuilder | CategoryBuilder | TextBuilder


def new_builder(column: Column, split: Split, path: Path, categories: Categories) -> Builder:
    """What writes a column of this type to `path`, a name that ends in .npy."""
    head = (column.name, split, column.role)
    if column.type == "category":
        return CategoryBuilder(head, path, categories)
    if column.type == "text":
        return TextBuilder(head, path)
    return NumberBuilder(head, path)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _by_number(text: str) -> tuple[float, str]:
    return float(text), text

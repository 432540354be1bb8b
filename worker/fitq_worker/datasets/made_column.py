"""One column of what a user's code makes: its first batch says what it holds."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitq_worker.datasets.column_builders import Categories, CategoryBuilder, TextBuilder
from fitq_worker.datasets.column_files import Noted, StoredColumn, chunks, writing_array

MOST_CLASSES = 1000
"""Whole numbers from 0 below this are the numbers of classes, as for a client that registers."""


class MadeArray:
    """Numbers, in arrays of one shape and dtype.

    Attributes:
        classes: the whole numbers of a target; None where there are too many, or others.
    """

    def __init__(self, stored: StoredColumn, path: Path, first: NDArray[Any]) -> None:
        self._stored = replace(stored, file=path.name)
        self._files = contextlib.ExitStack()
        self._shape, self._dtype = first.shape[1:], first.dtype.newbyteorder("=")
        self._writer = self._files.enter_context(writing_array(path, self._dtype, self._shape))
        self._odd = Noted()
        is_whole = stored.role == "target" and self._dtype.kind in "bui" and not self._shape
        self.classes: set[int] | None = set() if is_whole else None

    def append(self, batch: NDArray[Any]) -> None:
        """Add rows.

        Raises:
            ValueError: they are not like those before; says how.
        """
        if batch.shape[1:] != self._shape:
            raise ValueError(f"rows of shape {batch.shape[1:]} after rows of {self._shape}")
        if not np.can_cast(batch.dtype, self._dtype, "same_kind"):
            raise ValueError(f"rows of {batch.dtype} after rows of {self._dtype}")
        for _, part in chunks(batch):
            if self._dtype.kind == "f":
                finite = np.isfinite(part).reshape(len(part), -1).all(axis=1)
                self._odd = self._odd.plus(~finite, self._writer.rows)
            if self.classes is not None:
                self.classes |= set(np.unique(part).tolist())
                if len(self.classes) > MOST_CLASSES:
                    self.classes = None
            self._writer.append(part)

    @property
    def size(self) -> int:
        """The bytes that it has written so far."""
        return self._writer.size

    def finish(self, classes: int) -> StoredColumn:
        """Close the file; as numbers of so many classes, if there are any."""
        self._files.close()
        stored = replace(self._stored, odd=self._odd)
        if not classes:
            return stored
        names = tuple(map(str, range(classes)))
        return replace(stored, kept="category", kind="category", names=names)


class MadeTexts:
    """Texts; those that are a target are categories."""

    def __init__(self, stored: StoredColumn, path: Path, categories: Categories) -> None:
        self.classes: set[int] | None = None
        head = (stored.name, stored.split, stored.role)
        self._builder = (
            CategoryBuilder(head, path, categories)
            if stored.role == "target"
            else TextBuilder(head, path)
        )

    def append(self, batch: NDArray[Any]) -> None:
        """Add rows, str or bytes.

        Raises:
            ValueError: they are not like those before; says how.
        """
        if batch.ndim != 1:
            raise ValueError(f"texts of shape {batch.shape[1:]}: expected one a row")
        self._builder.add([_text(value) for value in batch.tolist()])

    @property
    def size(self) -> int:
        """The bytes that it has written so far."""
        return self._builder.size

    def finish(self, classes: int) -> StoredColumn:
        """Close the files."""
        return self._builder.finish()


MadeColumn = MadeArray | MadeTexts


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value
    raise ValueError(f"{type(value).__name__} among texts")


def new_column(
    stored: StoredColumn, path: Path, first: NDArray[Any], categories: Categories
) -> MadeColumn:
    """What takes values like those of a first batch.

    Raises:
        ValueError: they are neither numbers nor texts; says what.
    """
    if first.dtype.kind in "biuf":
        return MadeArray(stored, path, first)
    if first.dtype.kind in "OSUT":
        return MadeTexts(stored, path, categories)
    raise ValueError(f"values of {first.dtype}: expected numbers or texts")

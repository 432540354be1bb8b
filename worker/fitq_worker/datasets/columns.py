"""Columns of values with random access, and the examples that are made of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fitq_shared.specs.steps import Kind
from fitq_worker.examples import Arrays, Field

TEXT = "str"


class Column(Protocol):
    """The values of one input or target, wherever they lie."""

    @property
    def field(self) -> Field:
        """What a row holds."""
        ...

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def read(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The values of some rows, of shape (len(rows), *field.shape); texts as objects."""
        ...


@dataclass(frozen=True, eq=False)
class ArrayColumn:
    """Numbers or texts in memory, or in a file that is mapped into it.

    Attributes:
        array: shape (n, ...), in the machine's order of bytes or the other.
        classes: the names of the classes, if the values are their numbers.
        kind: what the values are meant to be, where that cannot be seen.
    """

    array: NDArray[Any]
    classes: tuple[str, ...] | None = None
    kind: Kind | None = None

    @property
    def field(self) -> Field:
        """Shape and dtype of a row of the array."""
        dtype = TEXT if self._is_text else self.array.dtype.newbyteorder("=").name
        return Field(self.array.shape[1:], dtype, self.classes, self.kind)

    def __len__(self) -> int:
        return len(self.array)

    def read(self, rows: NDArray[Any]) -> NDArray[Any]:
        """A copy of the rows."""
        dtype = np.dtype(object) if self._is_text else self.array.dtype.newbyteorder("=")
        return np.asarray(self.array[rows], dtype)

    @property
    def _is_text(self) -> bool:
        return self.array.dtype.kind == "U"


@dataclass(frozen=True, eq=False)
class TextColumn:
    """Texts in one file, and where each begins and ends there.

    Attributes:
        content: their UTF-8: uint8 of shape (bytes,).
        bounds: int64 of shape (n, 2).
    """

    content: NDArray[np.uint8]
    bounds: NDArray[np.int64]

    field = Field((), TEXT, kind="text")

    def __len__(self) -> int:
        return len(self.bounds)

    def read(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The texts: objects of shape (n,)."""
        texts = np.empty(len(rows), object)
        for at, (start, end) in enumerate(self.bounds[rows].tolist()):
            texts[at] = self.content[start:end].tobytes().decode()
        return texts


@dataclass(frozen=True, eq=False)
class NameColumn:
    """Categories by their names: what a model takes as an input.

    Attributes:
        codes: the number of each row's category, -1 where it is missing: int32 of shape (n,).
        names: of the categories.
    """

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    field = Field((), TEXT, kind="category")

    def __len__(self) -> int:
        return len(self.codes)

    def read(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The names, "" for what is missing: objects of shape (n,)."""
        return np.asarray(self._table[self.codes[rows]])

    @cached_property
    def _table(self) -> NDArray[Any]:
        """The names by number; the last one is what -1 picks."""
        return np.array([*self.names, ""], object)


@dataclass(frozen=True, eq=False)
class Table:
    """Examples that are made of columns of equal length.

    Attributes:
        hold: what must live as long as the columns are read.
    """

    input_columns: dict[str, Column]
    target_columns: dict[str, Column]
    hold: object = None

    @property
    def inputs(self) -> Mapping[str, Field]:
        """What a model may take, by name."""
        return {name: column.field for name, column in self.input_columns.items()}

    @property
    def targets(self) -> Mapping[str, Field]:
        """What a model may learn, by name."""
        return {name: column.field for name, column in self.target_columns.items()}

    def __len__(self) -> int:
        columns: Sequence[Column] = [*self.input_columns.values(), *self.target_columns.values()]
        return len(columns[0]) if columns else 0

    def read(
        self, rows: NDArray[Any], only: Collection[str] | None = None
    ) -> tuple[Arrays, Arrays]:
        """Inputs and targets of some rows, by name."""

        def values(columns: dict[str, Column]) -> Arrays:
            chosen = [name for name in columns if only is None or name in only]
            return {name: columns[name].read(rows) for name in chosen}

        return values(self.input_columns), values(self.target_columns)

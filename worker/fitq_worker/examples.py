"""Rows of named inputs and targets: what every source of data looks like to a model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fitq_shared.specs.steps import Kind

Arrays = dict[str, NDArray[Any]]

PART_BYTES = 32 * 2**20
MOST_ROWS = 4096
# What a text takes in memory, more or less.
TEXT_BYTES = 100


@dataclass(frozen=True)
class Field:
    """What one input or target holds.

    Attributes:
        shape: of one row, so () for a number or a text.
        dtype: NumPy's name of it, such as "uint8" or "float32"; "str" for text.
        classes: the names of its classes, if its values are their numbers, from 0; else None.
        kind: what it is meant to be, where shape and dtype do not say it: a column of texts may
            be a category. A missing number is NaN, a missing category or text is "".
        raw: the shape that it has in the data, if it is prepared.
    """

    shape: tuple[int, ...]
    dtype: str
    classes: tuple[str, ...] | None = None
    kind: Kind | None = None
    raw: tuple[int, ...] | None = field(default=None, compare=False)

    @property
    def layer_dtype(self) -> str:
        """As an input layer of Keras calls the dtype: "string" for text."""
        return "string" if self.dtype == "str" else self.dtype


class Examples(Protocol):
    """Rows that can be read in any order, however many there are and wherever they lie."""

    @property
    def inputs(self) -> Mapping[str, Field]:
        """What a model may take, by name."""
        ...

    @property
    def targets(self) -> Mapping[str, Field]:
        """What a model may learn, by name; empty where nothing is known."""
        ...

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def read(
        self, rows: NDArray[Any], only: Collection[str] | None = None
    ) -> tuple[Arrays, Arrays]:
        """Inputs and targets of some rows, by name, each of shape (len(rows), *field.shape).

        Args:
            rows: their numbers, from 0, in any order: int64 of shape (n,).
            only: the names of those to be read; None: all.
        """
        ...


@dataclass(frozen=True, eq=False)
class Wrapped:
    """Other examples, but for what a kind of this changes."""

    examples: Examples

    @property
    def inputs(self) -> Mapping[str, Field]:
        """What a model may take, by name."""
        return self.examples.inputs

    @property
    def targets(self) -> Mapping[str, Field]:
        """What a model may learn, by name."""
        return self.examples.targets

    def __len__(self) -> int:
        return len(self.examples)

    def read(
        self, rows: NDArray[Any], only: Collection[str] | None = None
    ) -> tuple[Arrays, Arrays]:
        """Inputs and targets of some rows, by name."""
        return self.examples.read(rows, only)


def kept(arrays: Arrays, only: Collection[str] | None) -> Arrays:
    """Those arrays that are asked for."""
    return {name: array for name, array in arrays.items() if only is None or name in only}


def in_parts(
    examples: Examples, rows: NDArray[Any], only: Collection[str]
) -> Iterator[tuple[Arrays, Arrays]]:
    """Some fields of these rows, in order, so many rows at a time as take 32 MiB at most.

    Args:
        rows: their numbers, int64 of shape (n,).
        only: the names of the fields.
    """
    fields = [{**examples.targets, **examples.inputs}[name] for name in only]
    size = sum(_row_bytes(field) for field in fields)
    count = max(1, min(MOST_ROWS, PART_BYTES // max(1, size)))
    for start in range(0, len(rows), count):
        yield examples.read(rows[start : start + count], only)


def _row_bytes(field: Field) -> int:
    """What a row takes in memory at most; steps may make 64 bits of each of its values."""
    return int(np.prod(field.shape, dtype=object)) * (TEXT_BYTES if field.dtype == "str" else 8)

"""Rows of named inputs and targets: what every source of data looks like to a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from fitq_shared.specs.preprocessing import Kind

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Field:
    """What one input or target holds.

    Attributes:
        shape: of one row, so () for a number or a text.
        dtype: NumPy's name of it, such as "uint8" or "float32"; "str" for text.
        classes: the names of its classes, if its values are their numbers, from 0; else None.
        kind: what it is meant to be, where shape and dtype do not say it: a column of texts may
            be a category. A missing number is NaN, a missing category or text is "".
    """

    shape: tuple[int, ...]
    dtype: str
    classes: tuple[str, ...] | None = None
    kind: Kind | None = None


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

    def read(self, rows: NDArray[Any]) -> tuple[Arrays, Arrays]:
        """Inputs and targets of some rows, by name, each of shape (len(rows), *field.shape).

        Args:
            rows: their numbers, from 0, in any order: int64 of shape (n,).
        """
        ...

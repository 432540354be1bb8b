"""Examples that are arrays, in memory or in files that are mapped into it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitq_worker.examples import Arrays, Field, Wrapped, kept


@dataclass(frozen=True, eq=False)
class ArrayExamples:
    """Named arrays of equal length.

    Attributes:
        input_arrays: shape (n, ...) each, by name; texts as objects or as NumPy's.
        target_arrays: the same.
        classes: the names of the classes of those whose values are their numbers.
    """

    input_arrays: Arrays
    target_arrays: Arrays = field(default_factory=dict)
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def inputs(self) -> Mapping[str, Field]:
        """What a model may take, by name."""
        return {name: self._field(name, array) for name, array in self.input_arrays.items()}

    @property
    def targets(self) -> Mapping[str, Field]:
        """What a model may learn, by name."""
        return {name: self._field(name, array) for name, array in self.target_arrays.items()}

    def __len__(self) -> int:
        return len(next(iter({**self.input_arrays, **self.target_arrays}.values()), ()))

    def read(
        self, rows: NDArray[Any], only: Collection[str] | None = None
    ) -> tuple[Arrays, Arrays]:
        """Inputs and targets of some rows, by name; of rows in a row no copies, but views."""
        taken = _run_of(rows)
        return (
            {name: array[taken] for name, array in kept(self.input_arrays, only).items()},
            {name: array[taken] for name, array in kept(self.target_arrays, only).items()},
        )

    def _field(self, name: str, array: NDArray[Any]) -> Field:
        dtype = "str" if array.dtype.kind in "OU" else array.dtype.name
        return Field(array.shape[1:], dtype, self.classes.get(name))


def _run_of(rows: NDArray[Any]) -> NDArray[Any] | slice:
    """The rows as a slice, if each follows the one before it."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


@dataclass(frozen=True, eq=False)
class Selected(Wrapped):
    """Some fields of examples, each as an input or a target; a field may be both.

    Attributes:
        input_names: what a model may take.
        target_names: what it may learn.
    """

    input_names: tuple[str, ...]
    target_names: tuple[str, ...]

    @property
    def inputs(self) -> Mapping[str, Field]:
        """What a model may take, by name."""
        return {name: self._fields[name] for name in self.input_names}

    @property
    def targets(self) -> Mapping[str, Field]:
        """What a model may learn, by name."""
        return {name: self._fields[name] for name in self.target_names}

    def read(
        self, rows: NDArray[Any], only: Collection[str] | None = None
    ) -> tuple[Arrays, Arrays]:
        """Inputs and targets of some rows, by name."""
        chosen = {*self.input_names, *self.target_names}
        inputs, targets = self.examples.read(rows, chosen if only is None else chosen & {*only})
        found = {**targets, **inputs}
        return (
            {name: found[name] for name in self.input_names if name in found},
            {name: found[name] for name in self.target_names if name in found},
        )

    @property
    def _fields(self) -> dict[str, Field]:
        return {**self.examples.targets, **self.examples.inputs}

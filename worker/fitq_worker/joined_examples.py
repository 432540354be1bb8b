"""Examples of several parts of a data set, as if these were one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitq_worker.examples import Arrays, Examples, Field


@dataclass(frozen=True, eq=False)
class Joined:
    """The rows of several examples with the same fields, one after the other.

    Attributes:
        parts: at least one.
    """

    parts: Sequence[Examples]

    @property
    def inputs(self) -> Mapping[str, Field]:
        """What a model may take, by name."""
        return self.parts[0].inputs

    @property
    def targets(self) -> Mapping[str, Field]:
        """What a model may learn, by name."""
        return self.parts[0].targets

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def read(
        self, rows: NDArray[Any], only: Collection[str] | None = None
    ) -> tuple[Arrays, Arrays]:
        """Inputs and targets of some rows, by name, in the order of the rows."""
        ends = np.cumsum([len(part) for part in self.parts])
        whose = np.searchsorted(ends, rows, side="right")
        order = np.argsort(whose, kind="stable")
        back = np.argsort(order, kind="stable")
        found = [
            part.read(rows[whose == at] - (ends[at] - len(part)), only)
            for at, part in enumerate(self.parts)
            if (whose == at).any() or not len(rows)
        ]
        inputs, targets = zip(*found, strict=True)
        return _joined(inputs, back), _joined(targets, back)


def _joined(arrays: Sequence[Arrays], back: NDArray[Any]) -> Arrays:
    return {name: np.concatenate([one[name] for one in arrays])[back] for name in arrays[0]}

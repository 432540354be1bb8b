"""Examples whose inputs are as a model takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitq_worker.examples import Arrays, Examples, Field
from fitq_worker.preprocessing.preparation import Preparation


@dataclass(frozen=True, eq=False)
class Prepared:
    """Rows of other examples, prepared as they are read.

    Attributes:
        training: whether they are to be trained on, so that augmentation changes them.
    """

    examples: Examples
    preparation: Preparation
    training: bool = False

    @property
    def inputs(self) -> Mapping[str, Field]:
        """What a model takes, by name."""
        return self.preparation.fields

    @property
    def targets(self) -> Mapping[str, Field]:
        """What a model may learn, as the data has it."""
        return self.examples.targets

    def __len__(self) -> int:
        return len(self.examples)

    def read(self, rows: NDArray[np.int64]) -> tuple[Arrays, Arrays]:
        """Inputs and targets of some rows, by name."""
        inputs, targets = self.examples.read(rows)
        drawn_by = rows if self.training and self.preparation.draws else None
        return self.preparation.apply(inputs, drawn_by), targets

"""Examples whose inputs are as a model takes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitq_worker.examples import Arrays, Field, Wrapped, kept
from fitq_worker.preprocessing.preparation import Preparation


@dataclass(frozen=True, eq=False)
class Prepared(Wrapped):
    """Rows of other examples, prepared as they are read.

    Attributes:
        training: whether they are to be trained on, so that augmentation changes them.
    """

    preparation: Preparation
    training: bool = False

    @property
    def inputs(self) -> Mapping[str, Field]:
        """What a model takes, by name."""
        return self.preparation.fields

    def read(
        self, rows: NDArray[np.int64], only: Collection[str] | None = None
    ) -> tuple[Arrays, Arrays]:
        """Inputs and targets of some rows, by name."""
        if only is not None and not {*only} & {*self.inputs}:
            return self.examples.read(rows, only)
        inputs, targets = self.examples.read(rows)
        drawn_by = rows if self.training and self.preparation.draws else None
        return kept(self.preparation.apply(inputs, drawn_by), only), kept(targets, only)

"""Rows that are read while nobody else asks whether the job is to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fitq_worker.examples import Arrays, Examples, Field


@dataclass(frozen=True, eq=False)
class Obeying:
    """Other examples, gone through before a model is fitted; while it is, Keras's batches obey.

    Attributes:
        obey: called before each reading; what it raises ends that.
    """

    examples: Examples
    obey: Callable[[], None]

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

    def read(self, rows: NDArray[np.int64]) -> tuple[Arrays, Arrays]:
        """Inputs and targets of some rows, by name."""
        self.obey()
        return self.examples.read(rows)

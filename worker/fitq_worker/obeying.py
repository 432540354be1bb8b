"""Rows that are read while nobody else asks whether the job is to stop."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fitq_worker.examples import Wrapped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fitq_worker.examples import Arrays


@dataclass(frozen=True, eq=False)
class Obeying(Wrapped):
    """Other examples, gone through before a model is fitted; while it is, Keras's batches obey.

    Attributes:
        obey: called before each reading; what it raises ends that.
    """

    obey: Callable[[], None]

    def read(
        self, rows: NDArray[np.int64], only: Collection[str] | None = None
    ) -> tuple[Arrays, Arrays]:
        """Inputs and targets of some rows, by name."""
        self.obey()
        return self.examples.read(rows, only)

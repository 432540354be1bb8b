"""The rows that a model is trained on, in an order that the seed alone decides."""

from __future__ import annotations

import math
from collections.abc import Sized
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


class Data(Protocol):
    """Rows as `fit` takes them: x, (x, y) or (x, y, weights), each an array or several."""

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def read(self, places: Places | slice) -> tuple[Any, ...]:
        """The rows at these places, counted from 0: arrays of shape (n, ...)."""
        ...

    def whole(self) -> tuple[Any, ...] | None:
        """All rows at once, if they are few enough to be held in memory."""
        ...


@dataclass(frozen=True)
class ShuffledRows:
    """Rows to be trained on, shuffled anew for each epoch.

    The order depends on the seed and the epoch and on nothing that went before, so a training
    that goes on at some epoch sees what it would have seen. `backend.stream` makes batches.
    """

    data: Data
    batch_size: int
    seed: int

    @property
    def batches(self) -> int:
        """How many batches an epoch has; the last one may be smaller."""
        return batches_of(self.data, self.batch_size)

    def order(self, epoch: int) -> Places:
        """The rows of an epoch (from 0), in the order to train on them: int64 of shape (n,)."""
        return np.random.default_rng([self.seed, epoch]).permutation(len(self.data))

    def steps_per_execution(self) -> int:
        """How many batches one call of the compiled step may take.

        Small models spend a third less time on overhead. It must divide the batches of an
        epoch, else the last call would run into the next epoch; and it must be over soon,
        since orders are obeyed between two calls.
        """
        most = max(1, min(25, 2000 // self.batch_size))
        return max(k for k in range(1, most + 1) if self.batches % k == 0)


def batches_of(rows: Sized, batch_size: int) -> int:
    """How many batches the rows make."""
    return math.ceil(len(rows) / batch_size)

"""The rows that a model is trained on, in an order that the seed alone decides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_shared.pixels import PIXELS, PIXELS_HINT, no_pixels

if TYPE_CHECKING:
    from fitq_worker.datasets.dataset import Dataset

Rows = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def split_rows(
    dataset: Dataset, validation_split: float, rows: int | None = None
) -> tuple[Rows, Rows]:
    """The training split without its last rows, and those last rows.

    The same cut as that of `Model.fit`: before any shuffling, at int(n * (1 - split)).

    Args:
        rows: how many of the split's first rows are used at all; None for all of them.
    """
    x, y = (part[:rows] for part in dataset.split("train"))
    cut = math.floor(len(x) * (1.0 - validation_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


@dataclass(frozen=True)
class ShuffledRows:
    """Rows to be trained on, shuffled anew for each epoch.

    The order depends on the seed and the epoch and on nothing that went before, so a training
    that goes on at some epoch sees what it would have seen. `backend.stream` makes batches.

    Args:
        x: uint8 of shape (n, height, width).
        y: targets as the loss takes them, of shape (n, ...).
    """

    x: NDArray[np.uint8]
    y: NDArray[Any]
    batch_size: int
    seed: int

    @property
    def batches(self) -> int:
        """How many batches an epoch has; the last one may be smaller."""
        return batches_of(self.x, self.batch_size)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The rows of an epoch (from 0), in the order to train on them: int64 of shape (n,)."""
        return np.random.default_rng([self.seed, epoch]).permutation(len(self.x))

    def steps_per_execution(self) -> int:
        """How many batches one call of the compiled step may take.

        Small models spend a third less time on overhead. It must divide the batches of an
        epoch, else the last call would run into the next epoch; and it must be over soon,
        since orders are obeyed between two calls.
        """
        most = max(1, min(25, 2000 // self.batch_size))
        return max(k for k in range(1, most + 1) if self.batches % k == 0)


def batches_of(x: NDArray[np.generic], batch_size: int) -> int:
    """How many batches the rows make."""
    return math.ceil(len(x) / batch_size)


def check_rows(model: keras.Model, x: NDArray[np.generic], what: str) -> None:
    """See that the rows fit the model's input: images of its shape, in pixels.

    Raises:
        BadJob: names both shapes, or the values that are no pixels.
    """
    expected = tuple(model.input_shape[1:])
    if x.shape[1:] != expected or len(x) == 0:
        raise BadJob(
            f"{what} has shape {x.shape}, but the model takes (n, {', '.join(map(str, expected))}) "
            "with at least one row",
            "reshape the array, or choose a model that was trained on such data",
        )
    if found := no_pixels(x):
        raise BadJob(f"{what} has {found}, but the model takes {PIXELS}", PIXELS_HINT)

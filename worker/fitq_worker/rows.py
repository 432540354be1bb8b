"""The rows that a model is trained on, in an order that the seed alone decides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from fitq_shared.errors import BadJob

if TYPE_CHECKING:
    from fitq_worker.datasets.dataset import Dataset
    from fitq_worker.targets import Targets

Rows = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def split_rows(dataset: Dataset, validation_split: float) -> tuple[Rows, Rows]:
    """The training split without its last rows, and those last rows.

    The same cut as that of `Model.fit`: before any shuffling, at int(n * (1 - split)).
    """
    x, y = dataset.split("train")
    cut = math.floor(len(x) * (1.0 - validation_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


class ShuffledRows(keras.utils.PyDataset):
    """Batches of rows, shuffled anew for each epoch.

    The order of epoch e is `default_rng([seed, e]).permutation(n)`: it depends on nothing that
    went before, so a training that goes on at epoch e sees what it would have seen.

    Args:
        x: uint8 of shape (n, height, width).
        y: labels, uint8 of shape (n,).
    """

    def __init__(
        self,
        x: NDArray[np.uint8],
        y: NDArray[np.uint8],
        targets: Targets,
        batch_size: int,
        seed: int,
        first_epoch: int = 0,
    ) -> None:
        super().__init__()
        self._x = x
        self._y = targets.encode(y)
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = first_epoch
        self._order = self._shuffled()

    def __len__(self) -> int:
        return math.ceil(len(self._x) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[Any]]:
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        return self._x[rows], self._y[rows]

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch."""
        self._epoch += 1
        self._order = self._shuffled()

    def _shuffled(self) -> NDArray[np.int64]:
        return np.random.default_rng([self._seed, self._epoch]).permutation(len(self._x))


def batches_of(x: NDArray[np.generic], batch_size: int) -> int:
    """How many batches the rows make."""
    return math.ceil(len(x) / batch_size)


def check_rows(model: keras.Model, x: NDArray[np.generic], what: str) -> None:
    """See that the rows fit the model's input.

    Raises:
        BadJob: names both shapes.
    """
    expected = tuple(model.input_shape[1:])
    if x.shape[1:] != expected or len(x) == 0:
        raise BadJob(
            f"{what} has shape {x.shape}, but the model takes (n, {', '.join(map(str, expected))}) "
            "with at least one row",
            "reshape the array, or choose a model that was trained on such data",
        )
    if not (np.issubdtype(x.dtype, np.integer) or np.issubdtype(x.dtype, np.floating)):
        raise BadJob(
            f"{what} has dtype {x.dtype}, but the model takes numbers",
            "save the images as uint8 with values 0 to 255",
        )

"""Steps for numbers, and for arrays of them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_worker.preprocessing.maker import Maker


class RescaleMaker(Maker):
    """Times a scale, plus an offset."""

    def build(self, x: Any) -> Any:
        """One layer."""
        step = self.step
        return keras.layers.Rescaling(step.scale, step.offset, name=self.layer_name())(x)


class FlattenMaker(Maker):
    """All in one line."""

    def build(self, x: Any) -> Any:
        """One layer."""
        return keras.layers.Flatten(name=self.layer_name())(x)


class NormalizeMaker(Maker):
    """Mean 0 and variance 1, place by place on the last axis.

    `mean` is float64 of shape (places,). The moments are those of all training rows together,
    summed up in float64 batch by batch (Chan, Golub and LeVeque, "Updating formulae and a
    pairwise algorithm for computing sample variances", 1979).
    """

    learns = True
    _count = 0
    mean: Any = 0.0
    _squares: Any = 0.0

    def observe(self, values: NDArray[Any]) -> None:
        """Add a batch to the moments."""
        flat = values.astype("float64").reshape(-1, values.shape[-1])
        if not np.isfinite(flat).all():
            wrong = "missing values (NaN)" if np.isnan(flat).any() else "infinite values"
            raise BadJob(
                f"the input {self.input!r} has {wrong} among its training rows, so it has no mean",
                f"put fill_missing before: --preprocess {self.input}=fill_missing "
                f"--preprocess {self.input}=normalize",
            )
        if not len(flat):
            return
        count, mean = len(flat), flat.mean(axis=0)
        squares = ((flat - mean) ** 2).sum(axis=0)
        total, apart = self._count + count, mean - self.mean
        self._squares = self._squares + squares + apart**2 * self._count * count / total
        self.mean = self.mean + apart * count / total
        self._count = total

    @property
    def variance(self) -> Any:
        """Of each place: float64 of shape (places,)."""
        return self._squares / self._count

    def build(self, x: Any) -> Any:
        """One layer that holds the moments."""
        mean, variance = self.mean.tolist(), self.variance.tolist()
        return keras.layers.Normalization(
            axis=-1, mean=mean, variance=variance, name=self.layer_name()
        )(x)


class FillMissingMaker(Maker):
    """A number for each NaN."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.learns = self.step.value is None
        self._sum, self._count = 0.0, 0

    def observe(self, values: NDArray[Any]) -> None:
        """Add the values that are there to the mean."""
        there = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        self._sum += float(there.sum(dtype="float64"))
        self._count += there.size

    def finish(self) -> None:
        """See that there was anything."""
        if self.learns and not self._count:
            raise BadJob(
                f"the input {self.input!r} is missing in all training rows, so it has no mean",
                "give fill_missing a value, or leave the input out",
            )

    def build(self, x: Any) -> Any:
        """Operations that choose between the value and what is there."""
        value = self._sum / self._count if self.learns else self.step.value
        if not keras.backend.is_float_dtype(x.dtype):
            return x
        return keras.ops.where(keras.ops.isnan(x), value, x)

"""What the values of a column are like, measured a few at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitq_worker.datasets.columns import Column

MOST_IMAGES = 10_000
"""Of more images only as many are measured, spread over all of them."""
MOST_ROWS = 4096
BATCH_BYTES = 2**24

Measures = dict[str, float | int | None]


def measure(column: Column, obey: Callable[[], None]) -> Measures:
    """The range, mean and standard deviation of numbers; of texts, those of their lengths.

    Values that are missing or not finite are counted, and left out of the rest.

    Args:
        obey: called between batches, to let the job be stopped.

    Returns:
        `{measured, not_finite, min, max, mean, std}`: how many rows were looked at, how many of
        their values are not finite, and the rest, None where there is no value.
    """
    found = _Moments()
    rows = _rows(column)
    for batch in _batches(rows, column):
        obey()
        values = column.read(batch)
        if column.field.dtype == "str":
            values = np.array([len(text) for text in values.ravel()], np.float64)
        found.add(values)
    return {"measured": len(rows), **found.described()}


def _rows(column: Column) -> NDArray[np.int64]:
    if column.field.kind == "image" and len(column) > MOST_IMAGES:
        return np.linspace(0, len(column) - 1, MOST_IMAGES).astype(np.int64)
    return np.arange(len(column))


def _batches(rows: NDArray[np.int64], column: Column) -> Iterator[NDArray[np.int64]]:
    size = max(1, math.prod(column.field.shape)) * 8
    step = max(1, min(MOST_ROWS, BATCH_BYTES // size))
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


@dataclass
class _Moments:
    """Count, mean and squared deviations, put together batch by batch (Chan et al. 1983)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    not_finite: int = 0
    least: float = math.inf
    most: float = -math.inf
    is_whole: bool = field(default=True)

    def add(self, values: NDArray[Any]) -> None:
        """Take more values into account."""
        self.is_whole = self.is_whole and values.dtype.kind in "biu"
        numbers = values.astype(np.float64).ravel()
        finite = numbers[np.isfinite(numbers)]
        self.not_finite += len(numbers) - len(finite)
        if not len(finite):
            return
        count, mean = len(finite), float(finite.mean())
        difference, total = mean - self.mean, self.count + count
        self.squares += float(np.square(finite - mean).sum())
        self.squares += difference**2 * self.count * count / total
        self.mean += difference * count / total
        self.count = total
        self.least = min(self.least, float(finite.min()))
        self.most = max(self.most, float(finite.max()))

    def described(self) -> Measures:
        """As `measure` returns it."""
        if not self.count:
            return {"not_finite": self.not_finite, **dict.fromkeys(("min", "max", "mean", "std"))}
        return {
            "not_finite": self.not_finite,
            "min": int(self.least) if self.is_whole else self.least,
            "max": int(self.most) if self.is_whole else self.most,
            "mean": self.mean,
            "std": math.sqrt(self.squares / self.count),
        }

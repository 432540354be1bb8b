"""One data set in memory, and the check that its arrays are the right ones."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitq_shared.catalogue import SPLITS, DatasetFacts
from fitq_shared.errors import BadJob, StoreError
from fitq_worker.array_examples import ArrayExamples

Array = NDArray[np.uint8]
IMAGE, LABEL = "image", "label"
Arrays = dict[str, Array]


@dataclass(frozen=True, eq=False)
class Dataset:
    """The arrays of a data set, all uint8.

    Attributes:
        facts: what the catalogue says of it.
        x_train: images of shape (rows, *image_shape), values 0 to 255.
        y_train: labels of shape (rows,), values 0 to classes - 1.
        x_test: images of shape (rows, *image_shape), values 0 to 255.
        y_test: labels of shape (rows,), values 0 to classes - 1.
    """

    facts: DatasetFacts
    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array

    @property
    def arrays(self) -> Arrays:
        """All arrays by their names, `x_train` and so on."""
        return {key: getattr(self, key) for key in shapes(self.facts)}

    def split(self, name: str) -> tuple[Array, Array]:
        """Images and labels of one split: (rows, *image_shape) and (rows,), both uint8.

        Args:
            name: "train" or "test".

        Raises:
            BadJob: there is no such split.
        """
        if name not in SPLITS:
            raise BadJob(
                f"the data set {self.facts.name!r} has no split {name!r}",
                f"choose one of {', '.join(SPLITS)}",
            )
        arrays = self.arrays
        return arrays[f"x_{name}"], arrays[f"y_{name}"]

    def examples(self, split: str) -> ArrayExamples:
        """One split as a model takes it: "image" (rows, *image_shape) and "label" (rows,).

        Raises:
            BadJob: there is no such split.
        """
        x, y = self.split(split)
        return ArrayExamples({IMAGE: x}, {LABEL: y}, {LABEL: self.facts.class_names})


def shapes(facts: DatasetFacts) -> dict[str, tuple[int, ...]]:
    """The shape that each array must have, by the array's name."""
    found: dict[str, tuple[int, ...]] = {}
    for split in SPLITS:
        found[f"x_{split}"] = (facts.rows[split], *facts.image_shape)
        found[f"y_{split}"] = (facts.rows[split],)
    return found


def byte_count(shape: tuple[int, ...]) -> int:
    """The bytes of a uint8 array of this shape."""
    return math.prod(shape)


def sha256(array: NDArray[Any]) -> str:
    """SHA-256 over the array's bytes in C order, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def check(facts: DatasetFacts, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Verify that these are the arrays that the facts describe.

    Args:
        facts: rows, image shape, classes and sums.
        arrays: what a source gave, of any shapes and dtypes.

    Raises:
        StoreError: an array is missing or too many, or its dtype, shape, SHA-256 or labels
            differ from the facts; names the first such array and what was expected.
    """
    expected = shapes(facts)
    if set(arrays) != set(expected):
        raise _wrong(facts, "it", f"the arrays {sorted(arrays)}", f"{sorted(expected)}")
    for key, shape in expected.items():
        array = arrays[key]
        if array.dtype != np.uint8:
            raise _wrong(facts, key, f"dtype {array.dtype}", "uint8")
        if array.shape != shape:
            raise _wrong(facts, key, f"shape {array.shape}", f"{shape}")
        if (found := sha256(array)) != facts.sums[key]:
            raise _wrong(facts, key, f"SHA-256 {found}", facts.sums[key])
        if key.startswith("y_") and array.size and array.max() >= facts.classes:
            raise _wrong(facts, key, f"label {array.max()}", f"0 to {facts.classes - 1}")


def _wrong(facts: DatasetFacts, key: str, found: str, expected: str) -> StoreError:
    return StoreError(
        f"the data set {facts.name!r} is not as it should be: {key} has {found}, "
        f"expected {expected}",
        "its file is damaged, or belongs to something else: delete it",
    )

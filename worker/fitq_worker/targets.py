"""Labels in the form that a loss takes, and the metrics that go with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from fitq_shared.errors import BadJob

if TYPE_CHECKING:
    from fitq_shared.catalogue import DatasetFacts


class Targets:
    """Whole-number labels, or the same one-hot, for a number of classes."""

    def __init__(self, classes: int, *, one_hot: bool) -> None:
        self.classes = classes
        self.one_hot = one_hot

    def encode(self, labels: NDArray[np.uint8]) -> NDArray[Any]:
        """Labels of shape (n,) as int32 of shape (n,), or float32 of shape (n, classes)."""
        if self.one_hot:
            return np.eye(self.classes, dtype="float32")[labels]
        return labels.astype("int32")

    def metrics(self, names: Sequence[str]) -> list[Any]:
        """The Keras metrics of these names."""
        made: dict[str, Any] = {
            "accuracy": lambda: "accuracy",
            "top_5_accuracy": self._top_5,
            "precision": lambda: keras.metrics.Precision(name="precision"),
            "recall": lambda: keras.metrics.Recall(name="recall"),
            "auc": lambda: keras.metrics.AUC(name="auc"),
        }
        return [made[name]() for name in names]

    def check(self, labels: NDArray[np.uint8], facts: DatasetFacts) -> None:
        """See that the labels are classes that the model knows.

        Raises:
            BadJob: there are labels above the model's classes.
        """
        if labels.size and int(labels.max()) >= self.classes:
            raise BadJob(
                f"{facts.name} has labels up to {int(labels.max())}, "
                f"but the model tells {self.classes} classes apart",
                "evaluate it on the data set it was trained on",
            )

    def _top_5(self) -> Any:
        if self.one_hot:
            return keras.metrics.TopKCategoricalAccuracy(k=5, name="top_5_accuracy")
        return keras.metrics.SparseTopKCategoricalAccuracy(k=5, name="top_5_accuracy")

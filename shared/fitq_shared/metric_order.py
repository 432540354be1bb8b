"""Which way a metric gets better."""

from __future__ import annotations

import math
from typing import Literal

from fitq_shared.errors import InvalidInput, Mistake

Mode = Literal["max", "min"]

# Words of the names in keras.losses and keras.metrics, by which way is better.
_LESS = (
    *("loss", "error", "mse", "mae", "mape", "msle", "rmse", "crossentropy", "divergence"),
    *("hinge", "poisson", "huber", "logcosh", "cosh", "false", "seconds", "perplexity"),
)
_MORE = (
    *("accuracy", "acc", "auc", "precision", "recall", "f1", "score", "similarity", "iou"),
    *("true", "sensitivity", "specificity"),
)


def mode_of(metric: str) -> Mode | None:
    """Whether more or less of a metric is better; None where its name does not say.

    Example:
        >>> mode_of("val_accuracy"), mode_of("val_loss"), mode_of("charm")
        ('max', 'min', None)
    """
    words = metric.lower().split("_")
    if any(word in words for word in _LESS):
        return "min"
    if any(word in words for word in _MORE):
        return "max"
    return None


def direction(metric: str, mode: Mode | None = None) -> Mode:
    """Which way a metric gets better, as it was said or as its name says.

    Raises:
        InvalidInput: neither says.
    """
    known = mode or mode_of(metric)
    if known is None:
        expected = "max or min, since the name does not say which way it gets better"
        raise InvalidInput([Mistake(f"mode of {metric}", None, expected)])
    return known


def is_better(value: float, other: float, mode: Mode) -> bool:
    """Whether the value is better than the other. NaN never is, and anything is better than it."""
    if math.isnan(value):
        return False
    if math.isnan(other):
        return True
    return value > other if mode == "max" else value < other

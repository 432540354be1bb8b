"""What Keras's own callbacks remember of a training, so that it goes on with them as they were.

What one of the user's remembers, nobody else knows how to give back.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from fitq_shared.keras_classes import is_keras

Memory = list[dict[str, Any]]


def memory_of(callbacks: Sequence[keras.callbacks.Callback]) -> Memory:
    """The numbers and texts of each callback; nothing of a user's, or of what it was made with."""
    return [_numbers(one) if _is_whole(one) else {} for one in callbacks]


def remind(
    callbacks: Sequence[keras.callbacks.Callback], memory: Sequence[Mapping[str, Any]]
) -> None:
    """Let callbacks know what they knew; `on_train_begin` makes them forget."""
    if len(callbacks) != len(memory):  # of a checkpoint that kept none
        return
    for one, known in zip(callbacks, memory, strict=True):
        vars(one).update(known)


def _numbers(callback: keras.callbacks.Callback) -> dict[str, Any]:
    made_with = inspect.signature(type(callback).__init__).parameters
    found = {}
    for name, value in vars(callback).items():
        plain = value.item() if isinstance(value, np.number) else value
        if name not in made_with and isinstance(plain, bool | int | float | str | None):
            found[name] = plain
    return found


def _is_whole(callback: keras.callbacks.Callback) -> bool:
    """Whether numbers are all that it knows: no best weights, which they would belong to."""
    return is_keras(type(callback)) and not getattr(callback, "restore_best_weights", False)

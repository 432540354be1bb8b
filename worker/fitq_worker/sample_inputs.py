"""Inputs made up for a model, to compare what it and a copy of it predict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fitq_worker.interface import Interface

# Of an axis whose length is free.
LENGTH = 8
WORDS = np.array(["", "a", "the", "1", "not a word"], dtype=object)


def sample_inputs(model: keras.Model, interface: Interface, rows: int, seed: int = 0) -> Any:
    """Random inputs of the form that the model takes: arrays of `rows` rows, by input.

    uint8 from 0 to 255, other whole numbers 0 or 1 (which any embedding knows), floats from 0
    to 1, and a few words for text.

    Args:
        interface: what a model takes that does not say so itself, being of a class of its own.
    """
    random = np.random.default_rng(seed)
    try:
        inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    except (AttributeError, ValueError, TypeError):
        made = {one.name: _sample(one.shape, one.dtype, rows, random) for one in interface.inputs}
        return made if len(made) > 1 else next(iter(made.values()))

    def sample(tensor: Any) -> NDArray[Any]:
        return _sample(
            tensor.shape[1:], keras.backend.standardize_dtype(tensor.dtype), rows, random
        )

    return keras.tree.map_structure(sample, inputs)


def _sample(
    sizes: Sequence[int | None], kind: str, rows: int, random: np.random.Generator
) -> NDArray[Any]:
    shape = (rows, *(LENGTH if size is None else size for size in sizes))
    if kind in ("string", "str"):
        return random.choice(WORDS, shape)
    if kind == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if kind == "uint8":
        return random.integers(0, 256, shape, dtype=np.uint8)
    if kind.startswith(("int", "uint")):
        return random.integers(0, 2, shape).astype(kind)
    return random.random(shape).astype(kind)

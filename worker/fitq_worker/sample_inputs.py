"""Inputs made up for a model, to compare what it and a copy of it predict."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

# Of an axis whose length is free.
LENGTH = 8
WORDS = np.array(["", "a", "the", "1", "not a word"], dtype=object)


def sample_inputs(model: keras.Model, rows: int, seed: int = 0) -> Any:
    """Random inputs of the form that the model takes: arrays of `rows` rows, by input.

    uint8 from 0 to 255, other whole numbers 0 or 1 (which any embedding knows), floats from 0
    to 1, and a few words for text.

    Raises:
        ValueError: the model does not say what it takes.
    """
    try:
        inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    except (AttributeError, ValueError, TypeError) as error:
        raise ValueError("the model does not say what it takes") from error
    random = np.random.default_rng(seed)
    return keras.tree.map_structure(lambda one: _sample(one, rows, random), inputs)


def _sample(tensor: Any, rows: int, random: np.random.Generator) -> NDArray[Any]:
    shape = (rows, *(LENGTH if size is None else size for size in tensor.shape[1:]))
    kind = keras.backend.standardize_dtype(tensor.dtype)
    if kind == "string":
        return random.choice(WORDS, shape)
    if kind == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if kind == "uint8":
        return random.integers(0, 256, shape, dtype=np.uint8)
    if kind.startswith(("int", "uint")):
        return random.integers(0, 2, shape).astype(kind)
    return random.random(shape).astype(kind)

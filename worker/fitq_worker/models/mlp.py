"""The multilayer perceptron: flattened inputs, then dense layers."""

from __future__ import annotations

import keras

from fitq_shared.specs.models import Mlp


def layers(options: Mlp, shape: tuple[int, ...]) -> list[keras.Layer]:
    """Its layers between the input, of any shape, and the last one."""
    made: list[keras.Layer] = [keras.layers.Flatten()]
    for units, activation, dropout in options.layers():
        made.append(keras.layers.Dense(units, activation=activation))
        if dropout:
            made.append(keras.layers.Dropout(dropout))
    return made

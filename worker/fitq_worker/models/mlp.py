"""The multilayer perceptron: flattened pixels, then dense layers."""

from __future__ import annotations

import keras

from fitq_shared.specs.models import Mlp


def layers(options: Mlp, image_shape: tuple[int, int]) -> list[keras.Layer]:
    """Its layers between the scaled image and the probabilities."""
    made: list[keras.Layer] = [keras.layers.Flatten()]
    for units, activation, dropout in options.layers():
        made.append(keras.layers.Dense(units, activation=activation))
        if dropout:
            made.append(keras.layers.Dropout(dropout))
    return made

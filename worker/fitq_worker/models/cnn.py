"""The convolutional network: convolutions with max pooling, then a dense layer."""

from __future__ import annotations

import keras

from fitq_shared.specs.models import Cnn


def layers(options: Cnn, image_shape: tuple[int, ...]) -> list[keras.Layer]:
    """Its layers between the scaled image, (height, width) or with channels, and the last one."""
    grey = len(image_shape) == 2
    made: list[keras.Layer] = [keras.layers.Reshape((*image_shape, 1))] if grey else []
    for filters in options.filters:
        made.append(
            keras.layers.Conv2D(
                filters, options.kernel_size, padding="same", activation=options.activation
            )
        )
        made.append(keras.layers.MaxPooling2D(2))
    made.append(keras.layers.Flatten())
    made.append(keras.layers.Dense(options.units, activation=options.activation))
    if options.dropout:
        made.append(keras.layers.Dropout(options.dropout))
    return made

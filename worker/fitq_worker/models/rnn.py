"""The recurrent network: an image is a sequence of its rows."""

from __future__ import annotations

import keras

from fitq_shared.specs.models import Rnn


def layers(options: Rnn, image_shape: tuple[int, int]) -> list[keras.Layer]:
    """Its layers between the scaled image and the probabilities."""
    cell = keras.layers.LSTM if options.cell == "lstm" else keras.layers.GRU
    made: list[keras.Layer] = []
    last = len(options.units) - 1
    for index, units in enumerate(options.units):
        layer = cell(units, return_sequences=index < last, dropout=options.dropout)
        made.append(keras.layers.Bidirectional(layer) if options.bidirectional else layer)
    return made

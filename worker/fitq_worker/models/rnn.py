"""The recurrent network: an image is a sequence of its rows."""

from __future__ import annotations

import keras

from fitq_shared.specs.models import Rnn


def layers(options: Rnn, shape: tuple[int, ...]) -> list[keras.Layer]:
    """Its layers between the scaled image, or another sequence, and the last one."""
    cell = keras.layers.LSTM if options.cell == "lstm" else keras.layers.GRU
    coloured = len(shape) == 3
    rows = (shape[0], shape[1] * shape[2]) if coloured else shape
    made: list[keras.Layer] = [keras.layers.Reshape(rows)] if coloured else []
    last = len(options.units) - 1
    for index, units in enumerate(options.units):
        layer = cell(units, return_sequences=index < last, dropout=options.dropout)
        made.append(keras.layers.Bidirectional(layer) if options.bidirectional else layer)
    return made

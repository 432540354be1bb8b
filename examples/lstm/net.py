"""A recurrent network that reads a sequence and tells the next value."""

import keras
from keras import layers


def build(units: int = 32) -> keras.Model:
    """From float32 (24, 1) to a number."""
    return keras.Sequential(
        [
            keras.Input((24, 1), name="x"),
            layers.LSTM(units),
            layers.Dense(1, name="y"),
        ],
        name="lstm",
    )

"""A classifier of texts that have become the numbers of their words."""

import keras
from keras import layers


def build(words: int = 5000, length: int = 120, size: int = 32) -> keras.Model:
    """From the numbers of words, int64 (length,), to the probabilities of three classes."""
    text = keras.Input((length,), dtype="int64", name="text")
    x = layers.Embedding(words, size)(text)
    x = layers.Conv1D(size, 5, activation="relu")(x)
    x = layers.GlobalMaxPooling1D()(x)
    x = layers.Dropout(0.4, seed=1)(x)
    label = layers.Dense(3, activation="softmax", name="label")(x)
    return keras.Model(text, label, name="text")

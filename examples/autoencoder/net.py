"""An autoencoder: a narrow layer between an image and the same image."""

import keras
from keras import layers


def build(code: int = 32) -> keras.Model:
    """From uint8 (28, 28) to float32 (28, 28), pixels from 0 to 255 both."""
    image = keras.Input((28, 28), dtype="uint8", name="image")
    x = layers.Flatten()(layers.Rescaling(1 / 255)(image))
    x = layers.Dense(128, activation="relu")(x)
    x = layers.Dense(code, activation="relu", name="code")(x)
    x = layers.Dense(128, activation="relu")(x)
    x = layers.Dense(28 * 28, activation="sigmoid")(x)
    x = layers.Reshape((28, 28))(x)
    again = layers.Rescaling(255.0, name="again")(x)
    return keras.Model(image, again, name="autoencoder")

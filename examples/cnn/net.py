"""A convolutional network for small gray images, with augmentation in front."""

import keras
from keras import layers


def build(filters: int = 32, dropout: float = 0.4) -> keras.Model:
    """From uint8 (28, 28) to the probabilities of ten classes."""
    image = keras.Input((28, 28), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Reshape((28, 28, 1))(x)
    x = layers.RandomTranslation(0.05, 0.05, seed=1)(x)
    for factor in (1, 2):
        x = layers.Conv2D(filters * factor, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu")(x)
    x = layers.Dropout(dropout, seed=2)(x)
    label = layers.Dense(10, activation="softmax", name="label")(x)
    return keras.Model(image, label, name="cnn")

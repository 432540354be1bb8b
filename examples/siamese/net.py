"""Two images, one network that looks at both, and the distance between what it sees."""

import keras
from keras import layers


@keras.saving.register_keras_serializable("siamese")
class Distance(layers.Layer):
    """The absolute difference of two vectors, number by number."""

    def call(self, left, right):
        return keras.ops.abs(left - right)


def build(units: int = 64) -> keras.Model:
    """From two uint8 (28, 28) to the probability that both are the same digit."""
    tower = keras.Sequential(
        [
            keras.Input((28, 28), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(units),
        ],
        name="tower",
    )
    left = keras.Input((28, 28), dtype="uint8", name="left")
    right = keras.Input((28, 28), dtype="uint8", name="right")
    distance = Distance(name="distance")(tower(left), tower(right))
    same = layers.Dense(1, activation="sigmoid", name="same")(distance)
    return keras.Model([left, right], same, name="siamese")

"""Models of users' own, and the data that they learn: small, and made here."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from fitq_worker.array_examples import ArrayExamples

ROWS = 120
CODE = {
    "type": "code",
    "bundle": {"path": f"inputs/{'a' * 64}.tar", "sha256": "a" * 64, "file": "net.tar"},
    "module": "net",
    "function": "build",
}


def pairs() -> ArrayExamples:
    """Two inputs and two targets: the class says which is larger, the number by how much."""
    random = np.random.default_rng(3)
    left, right = random.normal(size=(2, ROWS, 4)).astype("float32")
    gap = left.sum(axis=1) - right.sum(axis=1)
    larger = (gap > 0).astype("int64")
    return ArrayExamples(
        {"left": left, "right": right}, {"larger": larger, "gap": gap}, {"larger": ("no", "yes")}
    )


def table() -> ArrayExamples:
    """Columns of numbers, and a number to learn."""
    random = np.random.default_rng(4)
    a, b = random.normal(size=(2, ROWS))
    return ArrayExamples({"a": a, "b": b}, {"price": 3 * a - b + 1})


def homes() -> ArrayExamples:
    """A column of numbers and one of words, and two classes."""
    random = np.random.default_rng(6)
    city = random.choice(np.array(["oslo", "rome"], object), ROWS)
    size = random.normal(100, 20, ROWS)
    sold = ((city == "rome") ^ (size > 100)).astype("int64")
    return ArrayExamples({"city": city, "size": size}, {"sold": sold}, {"sold": ("no", "yes")})


def pictures() -> ArrayExamples:
    """Small gray pictures with three classes, of which the first is frequent."""
    random = np.random.default_rng(5)
    labels = random.choice(3, ROWS, p=[0.8, 0.1, 0.1]).astype("uint8")
    images = random.integers(0, 80, (ROWS, 8, 8), np.uint8)
    images[np.arange(ROWS), labels.astype(int) * 2] += 150
    return ArrayExamples({"image": images}, {"label": labels}, {"label": ("a", "b", "c")})


def siamese() -> keras.Model:
    """Two inputs through shared layers, with dropout, to two outputs."""
    shared = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(6, activation="tanh"), keras.layers.Dropout(0.2)],
        name="tower",
    )
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    both = keras.layers.Concatenate()([shared(left), shared(right)])
    larger = keras.layers.Dense(2, activation="softmax", name="larger")(both)
    gap = keras.layers.Dense(1, name="gap")(both)
    return keras.Model([left, right], [larger, gap], name="siamese")


def autoencoder() -> keras.Model:
    """From pictures to themselves, within 0 to 255."""
    return keras.Sequential(
        [
            keras.Input((8, 8), name="image"),
            keras.layers.Rescaling(1 / 255.0),
            keras.layers.Flatten(),
            keras.layers.Dense(8, activation="tanh"),
            keras.layers.Dense(64, activation="sigmoid"),
            keras.layers.Reshape((8, 8)),
            keras.layers.Rescaling(255.0, name="again"),
        ]
    )


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    """Two outputs by name, which are known when it is called."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.body = keras.layers.Dense(5, activation="tanh")
        self.larger = keras.layers.Dense(2, activation="softmax")
        self.gap = keras.layers.Dense(1)

    def call(self, inputs: Any) -> dict[str, Any]:
        both = keras.ops.concatenate([inputs["left"], inputs["right"]], axis=-1)
        x = self.body(both)
        return {"larger": self.larger(x), "gap": self.gap(x)}


@keras.saving.register_keras_serializable("tests")
class Head(keras.Model):
    """Last layer of a model, which would measure in a way of its own if it were measured."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.label = keras.layers.Dense(3, activation="softmax")

    def call(self, inputs: Any) -> Any:
        return self.label(inputs)

    def test_step(self, data: Any) -> dict[str, Any]:
        return {"mine": keras.ops.zeros(()), **super().test_step(data)}


def with_head() -> keras.Model:
    """Layers of Keras, the last of which is a model of a class of the user's."""
    return keras.Sequential(
        [
            keras.Input((8, 8), name="image"),
            keras.layers.Rescaling(1 / 255.0),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="tanh"),
            Head(),
        ]
    )


@keras.saving.register_keras_serializable("tests")
class Vae(keras.Model):
    """Has its own training step, its own metric, no call, and draws without a seed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.encoder = keras.Sequential(
            [keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(4)]
        )
        self.decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(64)])
        self.total = keras.metrics.Mean(name="total_loss")

    @property
    def metrics(self) -> list[Any]:
        return [self.total]

    def train_step(self, data: Any) -> dict[str, Any]:
        import tensorflow as tf

        x = keras.ops.cast(data, "float32") / 255.0
        with tf.GradientTape() as tape:
            mean, scale = keras.ops.split(self.encoder(x), 2, axis=-1)
            noise = keras.random.normal(keras.ops.shape(mean))
            said = self.decoder(mean + keras.ops.exp(0.5 * scale) * noise)
            loss = keras.ops.mean((said - keras.ops.reshape(x, (-1, 64))) ** 2)
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.total.update_state(loss)
        return {"loss": self.total.result()}

"""The models that fitq builds by name: each takes raw images and gives probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from fitq_shared.errors import BadJob
from fitq_worker.models import cnn, mlp, rnn

_BUILDERS: dict[str, Callable[[Any, tuple[int, int]], list[keras.Layer]]] = {
    "mlp": mlp.layers,
    "cnn": cnn.layers,
    "rnn": rnn.layers,
}


def build_model(options: Any, image_shape: tuple[int, int], classes: int) -> keras.Model:
    """Build a model from its options, scaling of raw pixels included.

    Args:
        options: one of `fitq_shared.specs.models`.
        image_shape: (height, width).

    Returns:
        A model from uint8 (n, height, width) to probabilities, float32 (n, classes).

    Raises:
        BadJob: the layers do not fit the images.
    """
    layers = [
        keras.Input(image_shape, dtype="uint8", name="image"),
        keras.layers.Rescaling(1.0 / 255.0, name="scale"),
        *_BUILDERS[options.type](options, image_shape),
        keras.layers.Dense(classes, activation="softmax", name="probabilities"),
    ]
    try:
        return keras.Sequential(layers, name=options.type)
    except ValueError as error:
        first = str(error).strip().splitlines()[0]
        raise BadJob(
            f"the {options.type} does not fit images of shape {image_shape}: {first}",
            "use fewer or smaller layers (--option)",
        ) from error

"""Models of images, as those of fitq are built for MNIST."""

from __future__ import annotations

from typing import Any

import keras

from fitq_worker.examples import Field
from fitq_worker.models import build_model


def image_model(options: Any, shape: tuple[int, ...], classes: int) -> keras.Model:
    """From pixels of this shape to so many classes."""
    names = tuple(str(number) for number in range(classes))
    return build_model(options, {"image": Field(shape, "uint8")}, Field((), "uint8", names))

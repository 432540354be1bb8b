"""Steps for images: of shape (height, width, channels) while they are at work."""

from __future__ import annotations

from typing import Any

import keras

from fitq_shared.errors import BadJob
from fitq_worker.preprocessing.maker import Maker


class ResizeMaker(Maker):
    """Another size."""

    def build(self, x: Any) -> Any:
        """One layer."""
        step = self.step
        return keras.layers.Resizing(
            step.height,
            step.width,
            interpolation=step.interpolation,
            crop_to_aspect_ratio=step.aspect == "crop",
            pad_to_aspect_ratio=step.aspect == "pad",
            name=self.layer_name(),
        )(x)


class CenterCropMaker(Maker):
    """The middle."""

    def build(self, x: Any) -> Any:
        """One layer."""
        return keras.layers.CenterCrop(self.step.height, self.step.width, name=self.layer_name())(x)


class GrayscaleMaker(Maker):
    """Brightness alone, by the weights of ITU-R BT.601."""

    def build(self, x: Any) -> Any:
        """One operation."""
        if x.shape[-1] == 1:
            return x
        if x.shape[-1] != 3:
            raise BadJob(
                f"the images of {self.input!r} have {x.shape[-1]} channels: "
                "expected 3 (red, green, blue) to make them gray",
                "leave grayscale out",
            )
        return keras.ops.image.rgb_to_grayscale(x)


class AugmentMaker(Maker):
    """Random changes, which Keras makes only while training.

    Attributes:
        layers: those that draw, each with a seed generator of its own.
        value_range: from which to which number the values of the images go at this place.
    """

    value_range = (0.0, 255.0)

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self.layers = self._made()

    def build(self, x: Any) -> Any:
        """One layer for each change."""
        for layer in self.layers:
            if isinstance(layer, keras.layers.RandomContrast):
                layer.value_range = self.value_range
            x = layer(x)
        return x

    def _made(self) -> list[Any]:
        step, name = self.step, self.layer_name
        made: list[Any] = []
        if step.flip:
            mode = "horizontal_and_vertical" if step.flip == "both" else step.flip
            made.append(keras.layers.RandomFlip(mode, seed=0, name=name("flip")))
        if step.rotate:
            made.append(keras.layers.RandomRotation(step.rotate, seed=0, name=name("rotate")))
        if step.zoom:
            made.append(keras.layers.RandomZoom(step.zoom, seed=0, name=name("zoom")))
        if step.shift:
            made.append(
                keras.layers.RandomTranslation(step.shift, step.shift, seed=0, name=name("shift"))
            )
        if step.contrast:
            made.append(keras.layers.RandomContrast(step.contrast, seed=0, name=name("contrast")))
        return made

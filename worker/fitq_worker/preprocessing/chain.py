"""All steps of one input, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from fitq_shared.specs.steps import Kind
from fitq_worker.examples import Field
from fitq_worker.preprocessing.categories import HashMaker, LookupMaker
from fitq_worker.preprocessing.images import (
    AugmentMaker,
    CenterCropMaker,
    GrayscaleMaker,
    ResizeMaker,
)
from fitq_worker.preprocessing.maker import Maker
from fitq_worker.preprocessing.numbers import (
    FillMissingMaker,
    FlattenMaker,
    NormalizeMaker,
    RescaleMaker,
)
from fitq_worker.preprocessing.texts import VectorizeMaker

_MAKERS: Mapping[str, type[Maker]] = {
    "rescale": RescaleMaker,
    "normalize": NormalizeMaker,
    "fill_missing": FillMissingMaker,
    "flatten": FlattenMaker,
    "one_hot": LookupMaker,
    "index": LookupMaker,
    "hash": HashMaker,
    "vectorize": VectorizeMaker,
    "resize": ResizeMaker,
    "center_crop": CenterCropMaker,
    "grayscale": GrayscaleMaker,
    "augment": AugmentMaker,
}


def raw_input(name: str, field: Field) -> Any:
    """A new symbolic input that takes the values as the data has them."""
    return keras.Input(field.shape, dtype=field.layer_dtype, name=name)


class Chain:
    """The steps of one input, as layers from what the data has to what a model takes.

    While they are at work, a number is of shape (1,), a gray image of (height, width, 1).
    """

    def __init__(self, name: str, field: Field, kind: Kind, steps: Sequence[Any]) -> None:
        self.name = name
        self.field = field
        self._gray = kind == "image" and len(field.shape) == 2
        self._gets_axis = kind == "number" or self._gray
        self.makers = [_MAKERS[step.type](step, name, field) for step in steps]
        self._set_ranges()

    def build(self, x: Any, end: int | None = None) -> Any:
        """What the steps, or only so many of them, make of a symbolic input."""
        if self._gets_axis:
            x = keras.layers.Reshape((*self.field.shape, 1), name=self._plain("given"))(x)
        for maker in self.makers[:end]:
            x = maker.build(x)
        if end is not None:
            return x
        if self._gray and len(x.shape) == 4:
            return keras.layers.Reshape(x.shape[1:-1], name=self._plain("prepared"))(x)
        if len(x.shape) == 1 and keras.backend.standardize_dtype(x.dtype) != "string":
            return keras.layers.Reshape((1,), name=self._plain("prepared"))(x)
        return x

    def prepared(self, values: Any) -> Any:
        """Raw values in the shape that they have while steps are at work."""
        return values[..., None] if self._gets_axis else values

    def _plain(self, what: str) -> str:
        return self.makers[0].layer_name(what)

    def _set_ranges(self) -> None:
        """Tell each augmentation between which values its images lie."""
        low, high = 0.0, 255.0
        for maker in self.makers:
            if isinstance(maker, RescaleMaker):
                ends = [end * maker.step.scale + maker.step.offset for end in (low, high)]
                low, high = min(ends), max(ends)
            elif isinstance(maker, NormalizeMaker):
                low, high = -1e6, 1e6
            elif isinstance(maker, AugmentMaker):
                maker.value_range = (low, high)

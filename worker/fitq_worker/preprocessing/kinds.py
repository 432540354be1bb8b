"""What each input is meant to be, and what is done with it where nothing is declared."""

from __future__ import annotations

from collections.abc import Mapping

from fitq_shared.specs.preprocessing import (
    AnyStep,
    FillMissing,
    Kind,
    Normalize,
    OneHot,
    Vectorize,
)
from fitq_worker.examples import Field

CHANNELS = (1, 3, 4)

# For the models that fitq builds by name, which take only numbers; they scale pixels themselves.
DEFAULTS: Mapping[Kind, tuple[AnyStep, ...]] = {
    "number": (FillMissing(), Normalize()),
    "category": (OneHot(),),
    "text": (Vectorize(max_tokens=5000, output_mode="multi_hot"),),
}


def kind_of(field: Field) -> Kind:
    """What a field is meant to be: as it says, else as its shape and dtype look."""
    if field.kind is not None:
        return field.kind
    if field.dtype == "str":
        return "text"
    if field.shape == ():
        return "number"
    gray, coloured = len(field.shape) == 2, len(field.shape) == 3 and field.shape[-1] in CHANNELS
    return "image" if field.dtype == "uint8" and (gray or coloured) else "array"

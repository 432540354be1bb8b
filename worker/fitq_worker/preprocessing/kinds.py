"""What each input is meant to be, and what is done with it where nothing is declared."""

from __future__ import annotations

from collections.abc import Mapping

from fitq_shared.specs.preprocessing import kind_of as seeming_kind
from fitq_shared.specs.steps import AnyStep, FillMissing, Kind, Normalize, OneHot, Vectorize
from fitq_worker.examples import Field

# For the models that fitq builds by name, which take only numbers; they scale pixels themselves.
DEFAULTS: Mapping[Kind, tuple[AnyStep, ...]] = {
    "number": (FillMissing(), Normalize()),
    "category": (OneHot(),),
    "text": (Vectorize(max_tokens=5000, output_mode="multi_hot"),),
}


def kind_of(field: Field) -> Kind:
    """What a field is meant to be: as it says, else as its shape and dtype look."""
    return field.kind or seeming_kind(field.shape, field.dtype)

"""How a learning rate changes while a training goes on. All lengths are in epochs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from fitq_shared.specs.base import Spec

Rate = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
Epochs = Annotated[float, Field(gt=0, le=10_000_000)]
Share = Annotated[float, Field(ge=0, le=1)]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, int | float) else value


class CosineDecay(Spec):
    """Down along half a cosine, within `epochs` (None: the whole training), to `alpha` times it.

    During the first `warmup_epochs` the rate grows from 0, which lets large rates begin gently.
    """

    type: Literal["cosine_decay"] = "cosine_decay"
    epochs: Epochs | None = None
    alpha: Share = 0.0
    warmup_epochs: Annotated[float, Field(ge=0, le=10_000_000)] = 0.0


class ExponentialDecay(Spec):
    """Times `decay_rate` every `decay_epochs`; with `staircase` all at once at their ends."""

    type: Literal["exponential_decay"] = "exponential_decay"
    decay_rate: Annotated[float, Field(gt=0, le=1)] = 0.9
    decay_epochs: Epochs = 1.0
    staircase: bool = False


class PiecewiseConstant(Spec):
    """One of the `values` until each of the `boundaries`, and the last one from then on."""

    type: Literal["piecewise_constant"] = "piecewise_constant"
    boundaries: Annotated[
        tuple[Epochs, ...], Field(min_length=1, max_length=100), BeforeValidator(_listed)
    ]
    values: Annotated[tuple[Rate, ...], Field(min_length=2, max_length=101)]

    @model_validator(mode="after")
    def _one_more_value(self) -> PiecewiseConstant:
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"one value more than boundaries: there are {len(self.boundaries)} boundaries "
                f"and {len(self.values)} values"
            )
        if any(a >= b for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            raise ValueError(f"boundaries that grow, not {list(self.boundaries)}")
        return self


class Polynomial(Spec):
    """To `end_learning_rate` within `epochs` (None: the whole training), by the `power`."""

    type: Literal["polynomial"] = "polynomial"
    epochs: Epochs | None = None
    end_learning_rate: Rate = 0.0001
    power: Annotated[float, Field(gt=0, le=100)] = 1.0


def _named(value: Any) -> Any:
    """A name where a schedule is expected stands for that schedule with its defaults."""
    return {"type": value} if isinstance(value, str) else value


Schedule = Annotated[
    CosineDecay | ExponentialDecay | PiecewiseConstant | Polynomial,
    Field(discriminator="type"),
    BeforeValidator(_named),
]

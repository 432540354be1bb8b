"""The models that can be trained: those known by name with their options, and the user's own.

A model known by name takes raw images, uint8 of shape (n, height, width), and gives
probabilities, float32 of shape (n, classes). How each is built is in fitq_worker/models/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from fitq_shared.specs.base import InputFile, Spec
from fitq_shared.specs.code import UserCode

Activation = Literal["relu", "elu", "gelu", "leaky_relu", "selu", "sigmoid", "silu", "tanh"]
Width = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


def _listed(value: Any) -> Any:
    """One value where a list is expected stands for a list of it alone."""
    return (value,) if isinstance(value, str | int | float) else value


Listed = BeforeValidator(_listed)
Widths = Annotated[tuple[Width, ...], Field(min_length=1, max_length=64), Listed]


class Mlp(Spec):
    """Flatten, then dense layers, each with its activation and its dropout after it.

    `dropout` and `activation` are one value for all layers, or one for each.
    """

    type: Literal["mlp"] = "mlp"
    units: Widths = (128,)
    dropout: Annotated[tuple[Fraction, ...], Listed] = (0.0,)
    activation: Annotated[tuple[Activation, ...], Listed] = ("relu",)

    @model_validator(mode="after")
    def _one_for_each_layer(self) -> Mlp:
        for name in ("dropout", "activation"):
            values = getattr(self, name)
            if len(values) not in (1, len(self.units)):
                raise ValueError(
                    f"one {name} for all layers or one for each: {len(self.units)} layers, "
                    f"{len(values)} values"
                )
        return self

    def layers(self) -> list[tuple[int, str, float]]:
        """(units, activation, dropout) of each layer."""
        count = len(self.units)
        dropout = self.dropout if len(self.dropout) == count else self.dropout * count
        activation = self.activation if len(self.activation) == count else self.activation * count
        return list(zip(self.units, activation, dropout, strict=True))


class Cnn(Spec):
    """Blocks of convolution and max pooling, then one dense layer with dropout."""

    type: Literal["cnn"] = "cnn"
    filters: Annotated[tuple[Width, ...], Field(min_length=1, max_length=4), Listed] = (32, 64)
    kernel_size: Annotated[int, Field(strict=True, ge=1, le=11)] = 3
    units: Width = 128
    dropout: Fraction = 0.5
    activation: Activation = "relu"


class Rnn(Spec):
    """Reads an image row by row with LSTM or GRU layers."""

    type: Literal["rnn"] = "rnn"
    cell: Literal["lstm", "gru"] = "lstm"
    units: Widths = (128,)
    bidirectional: bool = False
    dropout: Fraction = 0.0


class JsonModel(Spec):
    """A model of the user's own, from a Keras JSON configuration (`model.to_json()`)."""

    type: Literal["json"] = "json"
    file: InputFile


class KerasModel(Spec):
    """A model of the user's own with its weights, from a `.keras` file.

    `compiled` says whether it keeps the loss, the optimizer and the metrics that it was saved
    with, each unless the job names another.
    """

    type: Literal["keras"] = "keras"
    file: InputFile
    compiled: bool = False


class CodeModel(UserCode):
    """A model that a function of the user's builds. Only workers that allow code take it.

    With a `.keras` file, which needs classes of the code, the function gets the model of that.
    """

    type: Literal["code"] = "code"
    file: InputFile | None = None

    @model_serializer(mode="wrap")
    def _as_it_was(self, values: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the file where there is none, as workers of before know it."""
        return {key: value for key, value in values(self).items() if (key, value) != ("file", None)}


def _named(value: Any) -> Any:
    """A name where a model is expected stands for that model with its defaults."""
    return {"type": value} if isinstance(value, str) else value


Model = Annotated[
    Mlp | Cnn | Rnn | JsonModel | KerasModel | CodeModel,
    Field(discriminator="type"),
    BeforeValidator(_named),
]


def name_of(model: Model) -> str:
    """What the user calls a model: mlp, net.py:build, mine.keras."""
    file = getattr(model, "file", None)
    if isinstance(file, InputFile):
        return file.file
    return model.reference if isinstance(model, CodeModel) else model.type


MODELS: Mapping[str, type[Spec]] = {
    model.model_fields["type"].default: model for model in (Mlp, Cnn, Rnn)
}

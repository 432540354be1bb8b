"""The models that fitq builds by name: each takes raw inputs and gives what a target holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import keras

from fitq_shared.errors import BadJob
from fitq_worker.examples import Field
from fitq_worker.models import cnn, mlp, rnn
from fitq_worker.ports import shown_field

_BUILDERS: dict[str, Callable[[Any, tuple[int, ...]], list[keras.Layer]]] = {
    "mlp": mlp.layers,
    "cnn": cnn.layers,
    "rnn": rnn.layers,
}


def build_model(options: Any, inputs: Mapping[str, Field], target: Field) -> keras.Model:
    """Build a model from its options, scaling of raw pixels included.

    Args:
        options: one of `fitq_shared.specs.models`.
        inputs: what it takes, by name; the mlp takes several, as one vector.
        target: what it is to give.

    Returns:
        A model from its inputs, of shape (n, *field.shape), to probabilities, float32 (n,
        classes), or where the target has no classes to numbers of its shape.

    Raises:
        BadJob: the layers do not fit the inputs.
    """
    for name, one in inputs.items():
        _check_numbers(options.type, name, one)
    if len(inputs) > 1:
        return _of_several(options, inputs, target)
    ((name, one),) = inputs.items()
    shape = one.shape or (1,)
    try:
        layers = [*_entry(name, one), *_BUILDERS[options.type](options, shape), *_head(target)]
        return keras.Sequential(layers, name=options.type)
    except ValueError as error:
        first = str(error).strip().splitlines()[0]
        what = "images" if is_image(one) else repr(name)
        raise BadJob(
            f"the {options.type} does not fit {what} of shape {shape}: {first}",
            "use fewer or smaller layers (--option)",
        ) from error


def is_image(one: Field) -> bool:
    """Whether a field holds pixels: uint8 of shape (height, width) or (height, width, channels)."""
    if one.dtype != "uint8" or one.classes is not None:
        return False
    return len(one.shape) == 2 or (len(one.shape) == 3 and one.shape[2] in (1, 2, 3, 4))


def _of_several(options: Any, inputs: Mapping[str, Field], target: Field) -> keras.Model:
    if options.type != "mlp":
        raise BadJob(
            f"the {options.type} takes one input, but the data set has {', '.join(inputs)}",
            "choose one with --inputs, or use --model mlp",
        )
    entries, vectors = [], []
    for name, one in inputs.items():
        entry, *scaled = _entry(name, one)
        entries.append(entry)
        x = entry
        for layer in (*scaled, keras.layers.Flatten()):
            x = layer(x)
        vectors.append(x)
    x = keras.layers.Concatenate()(vectors)
    for layer in [*mlp.layers(options, ())[1:], *_head(target)]:
        x = layer(x)
    return keras.Model(entries, x, name=options.type)


def _entry(name: str, one: Field) -> list[Any]:
    """The input layer and, where it holds pixels, the layer that scales them."""
    if is_image(one):
        entry = keras.Input(one.shape, dtype="uint8", name=name)
        return [entry, keras.layers.Rescaling(1.0 / 255.0, name="scale")]
    return [keras.Input(one.shape or (1,), dtype="float32", name=name)]


def _head(target: Field) -> list[keras.Layer]:
    """The last layers, which always compute in 32 bits."""
    if target.classes is not None and not target.shape:
        classes = len(target.classes)
        return [
            keras.layers.Dense(classes, activation="softmax", name="probabilities", dtype="float32")
        ]
    if len(target.shape) <= 1:
        return [keras.layers.Dense(prod(target.shape), name="value", dtype="float32")]
    return [
        keras.layers.Flatten(),
        keras.layers.Dense(prod(target.shape), dtype="float32"),
        keras.layers.Reshape(target.shape, name="value", dtype="float32"),
    ]


def _check_numbers(model: str, name: str, one: Field) -> None:
    if one.dtype == "str":
        raise BadJob(
            f"the {model} takes numbers, but the input {name!r} is text",
            "declare how it becomes numbers (preprocessing), or choose inputs with --inputs",
        )
    dimensions = len(one.shape)
    if model == "cnn" and dimensions not in (2, 3):
        raise BadJob(
            f"the cnn takes images, (n, height, width) or (n, height, width, channels), "
            f"but {name!r} has {shown_field(one)}",
            "use --model mlp for such data",
        )
    if model == "rnn" and dimensions not in (2, 3):
        raise BadJob(
            f"the rnn takes sequences, (n, steps, values), but {name!r} has {shown_field(one)}",
            "use --model mlp for such data",
        )

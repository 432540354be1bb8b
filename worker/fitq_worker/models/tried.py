"""A model tried on a few rows: one forward pass, and its loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
from numpy.typing import NDArray

from fitq_shared.errors import BadJob
from fitq_worker import backend
from fitq_worker.layer_at_fault import (
    MISFITS,
    inputs_of,
    naming_the_layer,
    shown_shape,
    words_of,
)

if TYPE_CHECKING:
    from fitq_shared.specs.learning import AnyLoss
    from fitq_worker.examples import Arrays
    from fitq_worker.models.own import OwnModel

CLASS_LOSS, NUMBER_LOSS = "sparse_categorical_crossentropy", "mean_squared_error"


def try_model(
    made: OwnModel, inputs: Arrays, targets: Arrays, loss: AnyLoss | None = None
) -> dict[str, float]:
    """Give a model some rows, and their targets to its loss. Its weights stay as they are.

    Args:
        loss: in place of the model's own; None for that one, or one that suits the target.

    Returns:
        The loss, if there are targets.

    Raises:
        BadJob: names the layer that cannot take the rows, or what the loss got and expected.
    """
    model = made.model
    given = fed(model, inputs)
    with naming_the_layer(model, inputs):
        outputs = model(given, training=False)
    if not targets:
        return {}
    if not model.compiled or loss is not None or made.compile_arguments:
        whole = any(target.dtype.kind in "iu" for target in targets.values())
        default = loss or (CLASS_LOSS if whole else NUMBER_LOSS)
        model.compile(
            **{"loss": default, **made.compile_arguments, **({"loss": loss} if loss else {})}
        )
    wanted = fed_targets(targets)
    try:
        found = model.test_on_batch(given, wanted, return_dict=True)
    except MISFITS as error:
        if backend.memory_is_exhausted(error):
            raise
        got = ", ".join(
            f"{name} of shape {shown_shape(tuple(one.shape)[1:])}"
            for name, one in named_outputs(model, outputs).items()
        )
        asked = ", ".join(
            f"{name} of shape {shown_shape(one.shape[1:])}" for name, one in targets.items()
        )
        raise BadJob(
            f"the loss cannot take the outputs ({got}) with the targets ({asked}): "
            f"{words_of(error)}",
            "change the model's last layer, or choose a loss that goes with both (--loss)",
        ) from error
    return {"loss": float(found["loss"])}


def fed(model: keras.Model, inputs: Arrays) -> Any:
    """The rows as a model takes them: by its inputs' names, or in order where these differ."""
    names = [one.name for one in inputs_of(model)]
    if len(inputs) == 1:
        return next(iter(inputs.values()))
    if names and set(names) <= set(inputs):
        return {name: inputs[name] for name in names}
    if names and len(names) == len(inputs):
        return list(inputs.values())
    return dict(inputs)


def fed_targets(targets: Arrays) -> Any:
    """The targets as a loss takes them."""
    return next(iter(targets.values())) if len(targets) == 1 else dict(targets)


def named_outputs(model: keras.Model, outputs: Any = None) -> Mapping[str, NDArray[Any]]:
    """What a model gives, by the names that the model has for it.

    Args:
        outputs: of a call, for a model that does not know them before.
    """
    if outputs is None:
        outputs = _known(model)
    if isinstance(outputs, Mapping):
        return dict(outputs)
    found = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    if isinstance(model, keras.Sequential):
        names = [layer.name for layer in model.layers[-1:]]
    else:
        names = list(getattr(model, "output_names", None) or [])
    if len(names) != len(found):
        names = ["output"] if len(found) == 1 else [f"output_{n}" for n in range(len(found))]
    return dict(zip(names, found, strict=True))


def _known(model: keras.Model) -> Any:
    if isinstance(model, keras.Sequential):
        return model.outputs or {}
    try:
        return model.output
    except (AttributeError, ValueError):
        return {}

"""A model, its losses and metrics, and the fields that feed it, brought together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from fitq_shared.errors import BadJob
from fitq_shared.keras_classes import is_keras
from fitq_shared.specs.learning import Optimizer
from fitq_shared.specs.mistakes import unknown_choice
from fitq_worker.feeding import Feed, match_inputs, match_names
from fitq_worker.layer_at_fault import naming_the_layer
from fitq_worker.model_errors import layer_named
from fitq_worker.optimizers import make_optimizer
from fitq_worker.own_errors import own_errors
from fitq_worker.ports import Side, inputs_of, outputs_like, outputs_of
from fitq_worker.targets import Target, target_for, usual_loss, usual_metrics

if TYPE_CHECKING:
    from fitq_shared.specs.train import TrainJob
    from fitq_worker.examples import Examples, Field

Given = Mapping[str, Any]


@dataclass(frozen=True)
class Wishes:
    """What a job, the builder's file, and the model itself say of how it learns.

    Attributes:
        loss: what the job says: a name, a table by output, or None.
        metrics: names, a table of them by output, or None.
        given: what the builder gave for `compile`.
    """

    loss: Any
    metrics: Any
    given: Given


def trains_itself(model: keras.Model) -> bool:
    """Whether the model has a training step of its own."""
    return _own(model, "train_step")


def validates(model: keras.Model) -> bool:
    """Whether the model can be measured: one that trains itself may have no other way."""
    own = _own(model, "test_step") or _own(model, "compute_loss")
    return not trains_itself(model) or own or _has_loss(model)


def feed_of(model: keras.Model, examples: Examples, wishes: Wishes) -> Feed:
    """Which fields go where in the model, and in which form it learns its targets.

    Raises:
        BadJob: they do not fit: names the layers, the fields and both shapes.
    """
    feed = match_inputs(inputs_of(model), examples.inputs)
    side = outputs_of(model) or _outputs_when_called(model, feed, examples)
    fields = examples.targets
    if not fields:
        return feed
    if side is None:
        # Only its own training step knows what it does with them.
        found = _as_they_are(fields)
        return replace(feed, outputs=_named(fields), targets=found)
    names = match_names(side, list(fields), ("outputs", "targets"), "--target")
    losses = _losses(model, side, wishes)
    targets = {
        port.name: target_for(
            port, names[port.name], fields[names[port.name]], losses.get(port.name)
        )
        for port in side.ports
    }
    return replace(feed, outputs=side, targets=targets)


def compile_model(
    model: keras.Model,
    spec: TrainJob,
    feed: Feed,
    given: Given,
    batches: int,
    steps: int,
) -> None:
    """Give the model what it needs to learn, unless it has that and nobody says otherwise.

    Args:
        given: what the builder gave for `compile`.
        batches: how many an epoch has.
        steps: how many of them one call of the compiled step may take.

    Raises:
        BadJob: the job's loss, metrics or weights do not fit the outputs.
    """
    wished = (spec.optimizer, spec.loss, spec.metrics, spec.loss_weights)
    if model.compiled and not given and all(wish is None for wish in wished):
        _take_steps(model, batches, steps)
        return
    own = settings_of(model) if model.compiled else {}
    settings: dict[str, Any] = {**own, **given}
    if spec.optimizer is not None or settings.get("optimizer") is None:
        settings["optimizer"] = make_optimizer(spec.optimizer or Optimizer(), batches, spec.epochs)
    side = feed.outputs
    if side is not None and (spec.loss is not None or not _says_loss(model, settings)):
        losses = _by_output(spec.loss, side, "loss") if spec.loss is not None else {}
        settings["loss"] = side.pack(
            {name: losses.get(name) or usual_loss(feed.targets[name]) for name in side.names}
        )
    usual = settings.get("metrics") is None and not trains_itself(model)
    if side is not None and (spec.metrics is not None or usual):
        settings["metrics"] = _metrics(feed, side, spec.metrics)
    if side is not None and spec.loss_weights is not None:
        weights = _by_output(spec.loss_weights, side, "loss_weights")
        settings["loss_weights"] = side.pack({name: weights.get(name, 1.0) for name in side.names})
    with layer_named("the model cannot be compiled"):
        model.compile(**settings)
    _take_steps(model, batches, steps)


def _take_steps(model: keras.Model, batches: int, steps: int) -> None:
    """Let one call take several batches, which must divide an epoch, where nobody minds."""
    own = getattr(model, "steps_per_execution", 1) or 1
    if own == 1 and not trains_itself(model) and not model.run_eagerly:
        own = steps
    model.steps_per_execution = own if batches % own == 0 else 1


def _metrics(feed: Feed, side: Side, wished: Any) -> Any:
    if isinstance(wished, Mapping):
        _check_names(wished, side, "metrics")
    made = {}
    for name in side.names:
        target = feed.targets[name]
        if isinstance(wished, Mapping):
            chosen: Sequence[str] = wished.get(name, ())
        else:
            chosen = usual_metrics(target) if wished is None else wished
        made[name] = target.metrics(chosen)
    return side.pack(made)


def _losses(model: keras.Model, side: Side, wishes: Wishes) -> dict[str, Any]:
    """The loss of each output by which its target's form is told; None where none is given."""
    if wishes.loss is not None:
        return _by_output(wishes.loss, side, "loss")
    loss = wishes.given.get("loss", getattr(model, "loss", None) if model.compiled else None)
    if isinstance(loss, Mapping):
        return dict(loss)
    if isinstance(loss, list | tuple):
        return dict(zip(side.names, loss, strict=False))
    if loss is None and trains_itself(model):
        return dict.fromkeys(side.names, _raw)
    return dict.fromkeys(side.names, loss)


def _raw(*_: Any) -> None:
    """Stands for the loss of a model that has its own way: labels are passed as numbers."""


def _by_output(wished: Any, side: Side, where: str) -> dict[str, Any]:
    if not isinstance(wished, Mapping):
        return dict.fromkeys(side.names, wished)
    _check_names(wished, side, where)
    return dict(wished)


def _check_names(wished: Mapping[str, Any], side: Side, where: str) -> None:
    if unknown := [name for name in wished if name not in side.names]:
        mistake = unknown_choice(where, unknown[0], side.names)
        raise BadJob(str(mistake), "name an output of the model")


def _has_loss(model: keras.Model) -> bool:
    return getattr(model, "_compile_loss", None) is not None


def _says_loss(model: keras.Model, settings: Given) -> bool:
    """Whether there is a loss, or the model needs none since it has a way of its own."""
    if settings.get("loss") is not None:
        return True
    return trains_itself(model) or _own(model, "compute_loss")


def settings_of(model: keras.Model) -> dict[str, Any]:
    """What the model was compiled with."""
    metrics = model._compile_metrics
    return {
        "optimizer": model.optimizer,
        "loss": getattr(model, "loss", None),
        "loss_weights": getattr(model._compile_loss, "_user_loss_weights", None),
        "metrics": metrics._user_metrics if metrics is not None else None,
        "weighted_metrics": metrics._user_weighted_metrics if metrics is not None else None,
        "run_eagerly": model.run_eagerly,
    }


def _own(model: keras.Model, method: str) -> bool:
    """Whether a class of the user's defines the method."""
    for kind in type(model).__mro__:
        if method in vars(kind):
            return not is_keras(kind)
    return False


def _outputs_when_called(model: keras.Model, feed: Feed, examples: Examples) -> Side | None:
    """Build a model by its first row; None for one that cannot be called but trains itself."""
    inputs, _ = examples.read(np.zeros(1, np.int64))
    try:
        with own_errors(), naming_the_layer(examples.inputs):
            return outputs_like(model(_tensors(feed.x(inputs)), training=False))
    except NotImplementedError as error:
        if trains_itself(model):
            # Else its file would say that it can be built by a call.
            model._build_shapes_dict = None
            return None
        raise BadJob(
            f"the model {model.name!r} has no call method", "say in `call` what it gives"
        ) from error


def _tensors(x: Any) -> Any:
    return keras.tree.map_structure(keras.ops.convert_to_tensor, x)


def _named(fields: Mapping[str, Field]) -> Side:
    feed = match_inputs(None, fields)
    return feed.inputs


def _as_they_are(fields: Mapping[str, Field]) -> dict[str, Target]:
    return {
        name: Target(name, name, one, "number" if one.classes is None else "index")
        for name, one in fields.items()
    }
